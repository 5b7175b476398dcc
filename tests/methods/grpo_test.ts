import { assertEquals, assertRejects } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { grpo, type GrpoConfig } from "../../lib/methods/grpo.ts";
import { disposeState, type DrawnGroup, trainingState } from "../../lib/methods/training.ts";
import { policyRows } from "../../lib/methods/update.ts";
import { basePolicy, createAdapter, LORA_TARGETS, withAdapter } from "../../lib/model/lora.ts";
import { createPolicy, disposePolicy } from "../../lib/model/policy.ts";
import { scoreRows } from "../../lib/objectives/log_probs.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { shape, tokenizer } from "./_puzzles.ts";
import { assertIsRl, assertLearns, CLIPPED, CLIPPED_DATASET, withPolicy } from "./_rl.ts";

eachDevice("grpo() is rl() with standardized rewards, one ε and sequence means", async () => {
  await assertIsRl(grpo, CLIPPED, { reduction: "sequence-mean", normalizeStd: true }, [
    { reduction: "token-mean" },
    { normalizeStd: false },
    { clip: null },
  ]);
}, { devices: ["wasm"] });

eachDevice(
  "grpo() learns a question by its reward alone, in seconds",
  () => assertLearns(grpo, { ...CLIPPED, optimizerSteps: 1 }),
  { devices: ["wasm"] },
);

eachDevice("grpo() checks its settings before its first step", () =>
  withPolicy(async (policy) => {
    const run = grpo(policy, CLIPPED_DATASET, { ...CLIPPED, groupSize: 1 });
    await assertRejects(() => run.next(), RangeError, "groupSize");
  }), { devices: ["cpu"] });

eachDevice("grpo() keeps near the policy without its adapter, where asked", async () => {
  const lora = { r: 2, lora_alpha: 4, target_modules: LORA_TARGETS };
  const adapter = createAdapter(shape, lora, { base: "base", seed: 1 });
  const policy = withAdapter(createPolicy(shape, tokenizer, 1), adapter);
  tf.tidy(() => { // as if it had learned something
    for (const matrix of Object.values(adapter.weights)) matrix.assign(tf.fill(matrix.shape, 0.1));
  });
  const config: GrpoConfig = { ...CLIPPED, optimizerSteps: 1, klCoefficient: 0.04, steps: 1 };
  const state = trainingState();
  let groups: readonly DrawnGroup[] = [];
  const keep = (_: number, drawn: readonly DrawnGroup[]) => void (groups = drawn);
  const before = await adapter.weights["model.layers.0.mlp.up_proj.lora_B.weight"]!.data();
  const frozen = await policy.weights["model.layers.0.mlp.up_proj.weight"]!.data();
  for await (const metrics of grpo(policy, CLIPPED_DATASET, config, state, keep)) {
    const live = groups.filter(({ accuracy }) => accuracy > 0 && accuracy < 1);
    assertEquals(live.length > 0, true);
    const rows = live.flatMap((group) => policyRows(group, group.rewards.map(() => 1)));
    const reference = await scoreRows(basePolicy(policy), rows, 1024);
    // the policy has moved by now: its own log-probabilities are those of the sampler
    const gaps = rows.flatMap(({ oldLogProbs }, i) =>
      [...reference[i]!.logProbs].map((logProb, token) => logProb - oldLogProbs![token]!)
    );
    const kl = gaps.reduce((sum, gap) => sum + Math.exp(gap) - gap - 1, 0) / gaps.length;
    assertEquals(kl > 0.01, true);
    assertClose([metrics["rl/reference_kl"]!], [kl], 1e-4);
  }
  const after = await adapter.weights["model.layers.0.mlp.up_proj.lora_B.weight"]!.data();
  assertEquals(after.some((x, i) => x !== before[i]), true);
  assertEquals(await policy.weights["model.layers.0.mlp.up_proj.weight"]!.data(), frozen);
  disposeState(state);
  disposePolicy(policy);
});

eachDevice(
  "grpo() refuses to keep near a policy that it does not have",
  () =>
    withPolicy(async (policy) => {
      const config: GrpoConfig = { ...CLIPPED, klCoefficient: 0.04 };
      const run = grpo(policy, CLIPPED_DATASET, config, trainingState());
      await assertRejects(() => run.next(), TypeError, "must have an adapter");
      const none = grpo(policy, CLIPPED_DATASET, { ...config, klCoefficient: 0 });
      await assertRejects(() => none.next(), RangeError, "klCoefficient must be > 0");
    }),
  { devices: ["cpu"] },
);
