import { assertAlmostEquals, assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { ADAMW_DEFAULTS, adamwState, adamwStep, disposeAdamw } from "../../lib/optim/adamw.ts";
import { learningRateAt } from "../../lib/optim/schedule.ts";
import { assertClose, eachDevice } from "../_devices.ts";

/** Two weights, as variables. */
const twoWeights = () =>
  tf.tidy(() => ({
    a: tf.variable(tf.tensor1d([1, -2])),
    b: tf.variable(tf.tensor2d([[0.5]])),
  }));

/** Gradients for them. */
const gradientsOf = (a: number[], b: number) => ({ a: tf.tensor1d(a), b: tf.tensor2d([[b]]) });

/** The values of both weights, or of what belongs to them. */
async function valuesOf(tensors: Readonly<Record<string, tf.Tensor>>): Promise<number[]> {
  return [...await tensors.a!.data<"float32">(), ...await tensors.b!.data<"float32">()];
}

/*
 * PyTorch 1.13 in double precision:
 *
 * a = torch.nn.Parameter(torch.tensor([1.0, -2.0])); b = torch.nn.Parameter(torch.tensor([[0.5]]))
 * opt = torch.optim.AdamW([a, b], lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
 * for ga, gb in ([3.0, 0.0], [[4.0]]), ([0.1, -0.2], [[0.3]]), ([-6.0, 2.0], [[1.0]]):
 *     a.grad, b.grad = torch.tensor(ga), torch.tensor(gb)
 *     norm = torch.nn.utils.clip_grad_norm_([a, b], 1.0)
 *     opt.step()
 *     print(norm.item(), a.tolist(), b.tolist())
 */
const STEPS = [
  { gradients: [[3, 0], 4], norm: 5, values: [0.890000002, -1.98, 0.395000001] },
  { gradients: [[0.1, -0.2], 0.3], norm: 0.374165739, values: [0.802599, -1.885954, 0.302022571] },
  { gradients: [[-6, 2], 1], norm: 6.403124237, values: [0.815185312, -1.889820154, 0.219632832] },
] as const;

eachDevice("adamwStep() agrees with PyTorch's AdamW and clip_grad_norm_", async () => {
  const weights = twoWeights();
  const state = adamwState(weights);
  const config = { ...ADAMW_DEFAULTS, beta2: 0.99, weightDecay: 0.1 };
  for (const [i, { gradients: [a, b], norm, values }] of STEPS.entries()) {
    const gradients = gradientsOf([...a], b);
    const report = await adamwStep(weights, gradients, state, 0.1, config);
    assertAlmostEquals(report.gradNorm, norm, 1e-5);
    assertEquals([report.skipped, state.step], [false, i + 1]);
    assertClose(await valuesOf(weights), values, 2e-6);
    assertClose(await valuesOf(gradients), [...a, b], 1e-7); // still the caller's, unclipped
    tf.dispose(gradients);
  }
  disposeAdamw(state), tf.dispose(weights);
});

eachDevice(
  "adamwStep() moves each weight by the learning rate at first, whatever the size",
  async () => {
    const weights = twoWeights();
    const state = adamwState(weights);
    const gradients = gradientsOf([1e-3, -0.5], 0.2); // norm below 1: nothing is clipped
    await adamwStep(weights, gradients, state, 0.01, { ...ADAMW_DEFAULTS, weightDecay: 0 });
    // m̂ = g and v̂ = g², so that each moves by 0.01 g / |g|.
    assertClose(await valuesOf(weights), [0.99, -1.99, 0.49], 1e-6);
    assertClose(await valuesOf(state.m), [1e-4, -0.05, 0.02], 1e-7); // (1 - β1) g
    tf.dispose([gradients, weights]), disposeAdamw(state);
  },
);

eachDevice("adamwStep() decays weights that have no gradient", async () => {
  const weights = twoWeights();
  const state = adamwState(weights);
  const gradients = gradientsOf([0, 0], 0);
  await adamwStep(weights, gradients, state, 0.1, { ...ADAMW_DEFAULTS, weightDecay: 0.5 });
  assertClose(await valuesOf(weights), [0.95, -1.9, 0.475], 1e-6); // × (1 - 0.1 × 0.5)
  tf.dispose([gradients, weights]), disposeAdamw(state);
});

eachDevice("adamwStep() changes nothing when a gradient is not finite", async () => {
  const weights = twoWeights();
  const state = adamwState(weights);
  const everything = () => Promise.all([weights, state.m, state.v].map(valuesOf));
  const good = gradientsOf([0.3, -0.2], 0.1);
  await adamwStep(weights, good, state, 0.1);
  const before = await everything();
  for (const bad of [NaN, Infinity, -Infinity]) {
    const gradients = gradientsOf([0.3, bad], 0.1);
    const report = await adamwStep(weights, gradients, state, 0.1);
    assertEquals([report.skipped, Number.isFinite(report.gradNorm)], [true, false]);
    assertEquals(state.step, 1);
    assertEquals(await everything(), before);
    tf.dispose(gradients);
  }
  tf.dispose([good, weights]), disposeAdamw(state);
});

eachDevice("adamwState() starts at 0 and two states share nothing", async () => {
  const weights = twoWeights();
  const [one, other] = [adamwState(weights), adamwState(weights)];
  const gradients = gradientsOf([0.3, -0.2], 0.1);
  await adamwStep(weights, gradients, one, 0.1);
  assertEquals([one.step, other.step], [1, 0]);
  assertEquals([...await other.m.a!.data(), ...await other.v.b!.data()], [0, 0, 0]);
  tf.dispose([gradients, weights]), disposeAdamw(one), disposeAdamw(other);
}, { devices: ["cpu"] });

eachDevice("adamwStep() tells the length of all gradients as one vector", async () => {
  const weights = twoWeights(), state = adamwState(weights);
  for (const [a, b, norm] of [[[2, -3], 6, 7], [[0, 0], 0, 0]] as const) { // sqrt(4 + 9 + 36)
    const gradients = gradientsOf([...a], b);
    const { gradNorm } = await adamwStep(weights, gradients, state, 0.1);
    assertAlmostEquals(gradNorm, norm, 1e-6);
    tf.dispose(gradients);
  }
  tf.dispose(weights), disposeAdamw(state);
});

Deno.test("learningRateAt() grows linearly over the warm-up and then stays", () => {
  const schedule = { peak: 0.8, warmupSteps: 4, shape: "constant" } as const;
  const rates = [0, 1, 2, 3, 4, 99].map((step) => learningRateAt(schedule, step, 100));
  rates.forEach((rate, i) => assertAlmostEquals(rate, [0.2, 0.4, 0.6, 0.8, 0.8, 0.8][i]!, 1e-15));
});

Deno.test("learningRateAt() is at its peak from the first step without a warm-up", () => {
  assertEquals(learningRateAt({ peak: 3, warmupSteps: 0, shape: "constant" }, 0, 10), 3);
  assertEquals(learningRateAt({ peak: 3, warmupSteps: 0, shape: "cosine" }, 0, 10), 3);
});

Deno.test("learningRateAt() falls along half a cosine after the warm-up", () => {
  const schedule = { peak: 2, warmupSteps: 2, shape: "cosine" } as const;
  // 2 to 8: a third of the way at 4, where 2 × (1 + cos 60°) / 2 = 1.5; and so on.
  for (const [step, rate] of [[2, 2], [4, 1.5], [5, 1], [6, 0.5], [8, 0], [20, 0]] as const) {
    assertAlmostEquals(learningRateAt(schedule, step, 8), rate, 1e-12);
  }
});

Deno.test("learningRateAt() stays finite when the warm-up is the whole run", () => {
  const schedule = { peak: 1, warmupSteps: 5, shape: "cosine" } as const;
  assertEquals([4, 5].map((step) => learningRateAt(schedule, step, 5)), [1, 1]);
});
