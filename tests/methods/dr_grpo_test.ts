import { assert, assertRejects } from "@std/assert";
import { drGrpo } from "../../lib/methods/dr_grpo.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { assertIsRl, assertLearns, CLIPPED, CLIPPED_DATASET, finish, withPolicy } from "./_rl.ts";

eachDevice("drGrpo() is rl() with centred rewards, one ε and a constant length", async () => {
  await assertIsRl(drGrpo, CLIPPED, { reduction: "constant-length", normalizeStd: false }, [
    { reduction: "token-mean" },
    { normalizeStd: true },
    { clip: null },
  ]);
}, { devices: ["wasm"] });

eachDevice("drGrpo() divides by the rows and the token limit, whatever the lengths", async () => {
  const one = { ...CLIPPED, optimizerSteps: 1, maxNewTokens: 8 };
  const { yielded, groups } = await finish(drGrpo, one, CLIPPED_DATASET);
  let sum = 0; // on-policy ratios are 1: the loss of a completion is -A × its length
  for (const { completions, rewards, accuracy } of groups[0]!) {
    completions.forEach(({ tokens }, i) => sum -= (rewards[i]!.total - accuracy) * tokens.length);
  }
  assert(Math.abs(sum) > 0.1);
  assertClose([yielded[0]!["rl/surrogate"]!], [sum / (48 * 8)], 1e-6); // 48 rows, 8 tokens
}, { devices: ["cpu"] });

eachDevice(
  "drGrpo() learns a question by its reward alone, in seconds",
  () => assertLearns(drGrpo, { ...CLIPPED, optimizerSteps: 1 }),
  { devices: ["wasm"] },
);

eachDevice(
  "drGrpo() checks its settings before its first step",
  () =>
    withPolicy(async (policy) => {
      const run = drGrpo(policy, CLIPPED_DATASET, { ...CLIPPED, optimizerSteps: 3 });
      await assertRejects(() => run.next(), RangeError, "must divide questionsPerStep 4");
    }),
  { devices: ["cpu"] },
);
