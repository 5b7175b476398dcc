import { assert, assertEquals } from "@std/assert";
import { dft, probabilityWeighted } from "../../lib/methods/dft.ts";
import { sft, type SftConfig } from "../../lib/methods/sft.ts";
import { ADAMW_DEFAULTS } from "../../lib/optim/adamw.ts";
import { evaluateObjective } from "../objectives/_objective.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { finish, startsWith } from "./_rl.ts";

const config: SftConfig = {
  seed: 1,
  steps: 1,
  questionsPerStep: 4,
  maxNewTokens: 6,
  maxTokens: 1024,
  entropyCoefficient: 0,
  learningRate: { peak: 0.01, warmupSteps: 0, shape: "constant" },
  adamw: ADAMW_DEFAULTS,
  questions: { from: 0, to: 1 },
};
const DATASET = startsWith("a", "bc", "cdd", "dabc");

eachDevice("probabilityWeighted() is −sg(p) log p, with the slope −p", async () => {
  const [half, tenth] = [Math.log(0.5), Math.log(0.1)];
  const { loss, gradient, report } = await evaluateObjective(probabilityWeighted, [
    { logProbs: [half, tenth, 0] },
    { logProbs: [half], advantage: 3 },
  ]);
  assertClose(loss, [-0.5 * half, -0.1 * tenth, 0, -1.5 * half], 1e-6);
  // Were p not constant, the slope of −p log p would be −p (log p + 1).
  assertClose(gradient, [-0.5, -0.1, -1, -1.5], 1e-6);
  assertClose(report.probability!, [0.5, 0.1, 1, 0.5], 1e-6);
  assertClose(report.nll!, [-half, -tenth, 0, -half], 1e-6);
});

eachDevice(
  "dft() begins where sft() does, with a smaller gradient, and teaches the same",
  async () => {
    const [own, plain] = [await finish(dft, config, DATASET), await finish(sft, config, DATASET)];
    const [metrics, other] = [own.yielded[0]!, plain.yielded[0]!];
    assertEquals(metrics["sft/nll"], other["sft/nll"]);
    assertEquals(metrics["demonstrations/used"], 4);
    // Untrained, each of the 8 or so tokens has a probability near 1 / 8, and that is the weight.
    const p = metrics["sft/probability"]!;
    assert(p > 0.05 && p < 0.3, `${p}`);
    assertClose([metrics["sft/loss"]! / other["sft/loss"]!], [p], 0.05);
    assert(metrics["sft/grad_norm"]! < 0.5 * other["sft/grad_norm"]!);
  },
);

eachDevice("dft() learns four demonstrations by heart, in seconds", async () => {
  const { yielded } = await finish(dft, { ...config, steps: 80 }, DATASET);
  const nll = yielded.map((metrics) => metrics["sft/nll"]!);
  assert(nll[0]! > 1 && nll.at(-1)! < 0.1, `from ${nll[0]} to ${nll.at(-1)} nats`);
  assert(yielded.at(-1)!["sft/probability"]! > 0.9);
}, { devices: ["wasm"] });
