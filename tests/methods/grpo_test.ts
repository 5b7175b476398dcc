import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { grpo, type GrpoConfig } from "../../lib/methods/grpo.ts";
import { rl } from "../../lib/methods/rl.ts";
import { eachDevice } from "../_devices.ts";
import { assertLearns, CONFIG, finish, startsWith, withPolicy } from "./_rl.ts";

const config: GrpoConfig = {
  ...CONFIG,
  questionsPerStep: 4,
  groupSize: 12,
  optimizerSteps: 2, // so that the second sees ratios
  clip: 0.05,
};
const DATASET = startsWith("a", "b", "c", "d");

eachDevice("grpo() is rl() with standardized rewards, one ε and sequence means", async () => {
  const { yielded, weights } = await finish(grpo, config, DATASET);
  assert(yielded.some((metrics) => metrics["rl/clip_fraction"]! > 0)); // so that ε has a say
  const same = {
    ...config,
    clip: { low: 0.05, high: 0.05, dual: null },
    reduction: "sequence-mean",
    normalizeStd: true,
    entropyCoefficient: 0,
  } as const;
  assertEquals((await finish(rl, same, DATASET)).weights, weights);
  for (
    const change of [
      { reduction: "token-mean" },
      { normalizeStd: false },
      { clip: null },
    ] as const
  ) {
    assertNotEquals((await finish(rl, { ...same, ...change }, DATASET)).weights, weights);
  }
}, { devices: ["wasm"] });

eachDevice(
  "grpo() learns a question by its reward alone, in seconds",
  () => assertLearns(grpo, { ...config, optimizerSteps: 1 }),
  { devices: ["wasm"] },
);

eachDevice("grpo() checks its settings before its first step", () =>
  withPolicy(async (policy) => {
    const run = grpo(policy, DATASET, { ...config, groupSize: 1 });
    await assertRejects(() => run.next(), RangeError, "groupSize");
  }), { devices: ["cpu"] });
