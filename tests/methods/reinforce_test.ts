import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkOnPolicy, policyGradient, reinforce } from "../../lib/methods/reinforce.ts";
import { rl } from "../../lib/methods/rl.ts";
import { evaluateObjective } from "../objectives/_objective.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { assertGradient, assertLearns, CONFIG, finish, startsWith } from "./_rl.ts";

const DATASET = startsWith("a", "b", "c", "d");
const config = { ...CONFIG, groupSize: 6 };

eachDevice("policyGradient() is −A log π, with the slope −A", async () => {
  const { loss, gradient, report } = await evaluateObjective(policyGradient, [
    { logProbs: [-1, -3], oldLogProbs: [-1, -2.5], advantage: 0.75 },
    { logProbs: [-2], oldLogProbs: [-2], advantage: -0.25 },
  ]);
  assertClose(loss, [0.75, 2.25, -0.5], 1e-6);
  assertClose(gradient, [-0.75, -0.75, 0.25], 1e-6); // no ratio, whatever the old ones
  assertClose(report.sampler_gap!, [0, 0.5, 0], 1e-6);
  assertClose(report.approximate_kl!, [0, Math.exp(-0.5) - 1 + 0.5, 0], 1e-6);
});

eachDevice("reinforce() has the gradient of rl() without a clip, as ratios are 1", async () => {
  const { gradient, yielded, groups } = await finish(reinforce, config, DATASET);
  const unclipped = await finish(rl, {
    ...config,
    clip: null,
    reduction: "token-mean",
    normalizeStd: false,
    entropyCoefficient: 0,
  }, DATASET);
  assertGradient(gradient, unclipped.gradient);
  let [sum, tokens] = [0, 0];
  for (const { completions, rewards, accuracy } of groups[0]!) {
    completions.forEach(({ logProbs }, i) => {
      sum -= (rewards[i]!.total - accuracy) * logProbs.reduce((a, b) => a + b);
      tokens += logProbs.length;
    });
  }
  assert(Math.abs(sum) > 0.01);
  assertClose([yielded[0]!["rl/surrogate"]!], [sum / tokens], 1e-5);
});

eachDevice("reinforce() learns a question by its reward alone, in seconds", async () => {
  await assertLearns(reinforce, config);
}, { devices: ["wasm"] });

Deno.test("checkOnPolicy() allows one optimizer step on a step of rollouts", () => {
  checkOnPolicy(config);
  checkOnPolicy(reinforce.config);
  assertThrows(
    () => checkOnPolicy({ ...config, optimizerSteps: 2 }),
    RangeError,
    "Cannot learn without a ratio from completions of an older policy as optimizerSteps must be 1: " +
      "current value is 2",
  );
  assertThrows(() => checkOnPolicy({ ...config, groupSize: 1 }), RangeError, "groupSize");
  assertEquals(reinforce.check, checkOnPolicy);
});
