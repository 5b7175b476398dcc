import { assertEquals, assertThrows } from "@std/assert";
import { checkCispo, cispo, type CispoConfig, truncatedWeight } from "../../lib/methods/cispo.ts";
import { rl } from "../../lib/methods/rl.ts";
import { evaluateObjective } from "../objectives/_objective.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { assertGradient, assertLearns, CONFIG, finish, startsWith } from "./_rl.ts";

const DATASET = startsWith("a", "b", "c", "d");
const config: CispoConfig = { ...CONFIG, groupSize: 6, maxWeight: 5 };

eachDevice("truncatedWeight() weighs −A log π by the ratio, cut at the limit", async () => {
  const old = (logProb: number, ratio: number) => logProb - Math.log(ratio);
  const { loss, gradient, report } = await evaluateObjective(truncatedWeight(1.5), [
    { logProbs: [-1, -2, -3], oldLogProbs: [old(-1, 0.1), old(-2, 1.2), old(-3, 8)], advantage: 2 },
    { logProbs: [-1, -0.5], oldLogProbs: [old(-1, 0.1), old(-0.5, 8)], advantage: -1 },
  ]);
  // -A min(ρ, 1.5) log π: 2 × 0.1 × 1, 2 × 1.2 × 2, 2 × 1.5 × 3; -0.1 × 1, -1.5 × 0.5
  assertClose(loss, [0.2, 4.8, 9, -0.1, -0.75], 1e-5);
  // -A min(ρ, 1.5): the weight has no slope, and no token is silenced
  assertClose(gradient, [-0.2, -2.4, -3, 0.1, 1.5], 1e-5);
  assertClose(report.ratio!, [0.1, 1.2, 8, 0.1, 8], 1e-5);
  assertEquals(report.clip_fraction, [0, 0, 1, 0, 1]);
});

eachDevice("cispo() has the gradient of rl() without a clip while ratios are 1", async () => {
  const { gradient } = await finish(cispo, config, DATASET);
  const unclipped = await finish(rl, {
    ...config,
    clip: null,
    reduction: "token-mean",
    normalizeStd: true,
    entropyCoefficient: 0,
  }, DATASET);
  assertGradient(gradient, unclipped.gradient);
});

eachDevice(
  "cispo() has the gradient of rl() without a clip wherever its own holds nowhere",
  async () => {
    const two = { ...config, optimizerSteps: 2, maxWeight: 1e6 };
    const { gradient } = await finish(cispo, two, DATASET);
    const unclipped = await finish(rl, {
      ...two,
      clip: null,
      reduction: "token-mean",
      normalizeStd: true,
      entropyCoefficient: 0,
    }, DATASET); // −A ρ has the slope −A ρ, as −A sg(ρ) log π has
    assertGradient(gradient, unclipped.gradient);
  },
  { devices: ["cpu"] },
);

eachDevice("cispo() learns a question by its reward alone, in seconds", async () => {
  await assertLearns(cispo, config);
}, { devices: ["wasm"] });

Deno.test("checkCispo() rejects settings that its type cannot", () => {
  checkCispo(cispo.config);
  for (const maxWeight of [0, -1, NaN]) {
    assertThrows(
      () => checkCispo({ ...config, maxWeight }),
      RangeError,
      `Cannot weigh tokens as maxWeight must be > 0: current value is ${maxWeight}`,
    );
  }
  assertThrows(() => checkCispo({ ...config, groupSize: 1 }), RangeError, "groupSize");
});
