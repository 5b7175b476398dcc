import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { drGrpo } from "../../lib/methods/dr_grpo.ts";
import type { GrpoConfig } from "../../lib/methods/grpo.ts";
import { rl } from "../../lib/methods/rl.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { assertLearns, CONFIG, finish, startsWith, withPolicy } from "./_rl.ts";

const config: GrpoConfig = {
  ...CONFIG,
  questionsPerStep: 4,
  groupSize: 12,
  optimizerSteps: 2, // so that the second sees ratios
  clip: 0.05,
};
const DATASET = startsWith("a", "b", "c", "d");

eachDevice("drGrpo() is rl() with centred rewards, one ε and a constant length", async () => {
  const { yielded, weights } = await finish(drGrpo, config, DATASET);
  assert(yielded.some((metrics) => metrics["rl/clip_fraction"]! > 0)); // so that ε has a say
  const same = {
    ...config,
    clip: { low: 0.05, high: 0.05, dual: null },
    reduction: "constant-length",
    normalizeStd: false,
    entropyCoefficient: 0,
  } as const;
  assertEquals((await finish(rl, same, DATASET)).weights, weights);
  for (
    const change of [
      { reduction: "token-mean" },
      { normalizeStd: true },
      { clip: null },
    ] as const
  ) {
    assertNotEquals((await finish(rl, { ...same, ...change }, DATASET)).weights, weights);
  }
}, { devices: ["wasm"] });

eachDevice("drGrpo() divides by the rows and the token limit, whatever the lengths", async () => {
  const one = { ...config, optimizerSteps: 1, maxNewTokens: 8 };
  const { yielded, groups } = await finish(drGrpo, one, DATASET);
  let sum = 0; // on-policy ratios are 1: the loss of a completion is -A × its length
  for (const { completions, rewards, accuracy } of groups[0]!) {
    completions.forEach(({ tokens }, i) => sum -= (rewards[i]!.total - accuracy) * tokens.length);
  }
  assert(Math.abs(sum) > 0.1);
  assertClose([yielded[0]!["rl/surrogate"]!], [sum / (48 * 8)], 1e-6); // 48 rows, 8 tokens
}, { devices: ["cpu"] });

eachDevice(
  "drGrpo() learns a question by its reward alone, in seconds",
  () => assertLearns(drGrpo, { ...config, optimizerSteps: 1 }),
  { devices: ["wasm"] },
);

eachDevice(
  "drGrpo() checks its settings before its first step",
  () =>
    withPolicy(async (policy) => {
      const run = drGrpo(policy, DATASET, { ...config, optimizerSteps: 3 });
      await assertRejects(() => run.next(), RangeError, "must divide questionsPerStep 4");
    }),
  { devices: ["cpu"] },
);
