import { assert, assertEquals, assertRejects } from "@std/assert";
import { gspo, type GspoConfig, sequenceSurrogate } from "../../lib/methods/gspo.ts";
import { rl } from "../../lib/methods/rl.ts";
import { evaluateObjective } from "../objectives/_objective.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { assertGradient, assertLearns, CONFIG, finish, startsWith, withPolicy } from "./_rl.ts";

const CLIP = { low: 0.03, high: 0.04, dual: null };
const config: GspoConfig = {
  ...CONFIG,
  questionsPerStep: 4,
  groupSize: 12,
  optimizerSteps: 2, // so that the second sees ratios
  clip: CLIP,
};
const DATASET = startsWith("a", "b", "c", "d");

eachDevice(
  "sequenceSurrogate() gives every token of a row the row's ratio and its clip",
  async () => {
    const [near, far] = [Math.exp(0.02), Math.exp(0.1)];
    const { loss, gradient, report } = await evaluateObjective(sequenceSurrogate(CLIP), [
      // log-ratios 0.01 and 0.03, mean 0.02: inside
      { logProbs: [-1, -2], oldLogProbs: [-1.01, -2.03], advantage: 2 },
      // 0.5, -0.3 and 0.1, mean 0.1: a good row that has grown enough, the shrunk token with it
      { logProbs: [-1, -2, -3], oldLogProbs: [-1.5, -1.7, -3.1], advantage: 1 },
      // -0.1: a bad row that has shrunk enough
      { logProbs: [-2], oldLogProbs: [-1.9], advantage: -1 },
      // 0.1: a bad row that has grown
      { logProbs: [-2], oldLogProbs: [-2.1], advantage: -1 },
    ]);
    // -A min(s, 1.04) of good rows, -A max(s, 0.97) of bad ones, at each of their tokens
    assertClose(loss, [-2 * near, -2 * near, -1.04, -1.04, -1.04, 0.97, far], 1e-5);
    // The sum over a row's n tokens is n times its loss; each token moves that by n × -A s / n.
    assertClose(gradient, [-2 * near, -2 * near, 0, 0, 0, 0, far], 1e-5);
    assertClose(report.ratio!, [near, near, far, far, far, 1 / far, far], 1e-5);
    assertEquals(report.clip_fraction, [0, 0, 1, 1, 1, 1, 0]);
    assertClose(report.sampler_gap!, [0.01, 0.03, 0.5, 0.3, 0.1, 0.1, 0.1], 1e-5); // of the tokens
  },
);

eachDevice(
  "gspo() is rl() with standardized rewards where completions have one token",
  async () => {
    const one = { ...config, maxNewTokens: 1 };
    const { gradient, weights, yielded } = await finish(gspo, one, DATASET);
    assert(yielded.some((metrics) => metrics["rl/clip_fraction"]! > 0)); // so that the clip has a say
    const same = await finish(rl, {
      ...one,
      reduction: "sequence-mean",
      normalizeStd: true,
      entropyCoefficient: 0,
    }, DATASET);
    assertGradient(gradient, same.gradient);
    for (const [name, values] of Object.entries(weights)) {
      assertClose(values, same.weights[name]!, 1e-4);
    }
  },
);

eachDevice("gspo() learns a question by its reward alone, in seconds", async () => {
  await assertLearns(gspo, { ...config, optimizerSteps: 1 });
}, { devices: ["wasm"] });

eachDevice("gspo() checks its settings before its first step", () =>
  withPolicy(async (policy) => {
    const run = gspo(policy, DATASET, { ...config, groupSize: 1 });
    await assertRejects(() => run.next(), RangeError, "groupSize");
  }), { devices: ["cpu"] });
