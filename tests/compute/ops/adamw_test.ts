import { assert, assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { openedGpu } from "../../../lib/compute/gpu.ts";
import { kernelsInUse, useKernels } from "../../../lib/compute/kernels.ts";
import { type AdamwScalars, adamwUpdate } from "../../../lib/compute/ops/adamw.ts";
import { assertClose, eachDevice, take, wave } from "../../_devices.ts";

const SCALARS: AdamwScalars = {
  learningRate: 0.05,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.1,
  maxGradNorm: 1,
  step: 1,
};

/** Sizes of weights: shorter than a vector, not whole vectors, more than a workgroup, and many. */
const SIZES = [1, 3, 1000, 65_537];

/** Weights of several sizes as variables, with moments that are all 0. */
interface Training {
  readonly weights: tf.Variable[];
  readonly m: tf.Variable[];
  readonly v: tf.Variable[];
}

function training(sizes: readonly number[]): Training {
  const variables = (value: (size: number, i: number) => tf.Tensor) =>
    sizes.map((size, i) => tf.tidy(() => tf.variable(value(size, i))));
  return {
    weights: variables((size, i) => wave([size], i)),
    m: variables((size) => tf.zeros([size])),
    v: variables((size) => tf.zeros([size])),
  };
}

/** All numbers of weights and moments. */
async function numbersOf({ weights, m, v }: Training): Promise<number[][]> {
  const all = await Promise.all([weights, m, v].flat().map((tensor) => tensor.data()));
  return all.map((numbers) => [...numbers]);
}

/** AdamW in double precision on plain numbers, which it changes; returns the norm. */
function adamwByHand(
  weights: number[][],
  gradients: ArrayLike<number>[],
  m: number[][],
  v: number[][],
  { learningRate, beta1, beta2, epsilon, weightDecay, maxGradNorm, step }: AdamwScalars,
): number {
  let squares = 0;
  for (const gradient of gradients) {
    for (let i = 0; i < gradient.length; i++) squares += gradient[i]! ** 2;
  }
  const norm = Math.sqrt(squares);
  const clip = Math.min(1, maxGradNorm / (norm + 1e-6));
  weights.forEach((weight, k) => {
    for (let i = 0; i < weight.length; i++) {
      const g = gradients[k]![i]! * clip;
      weight[i]! *= 1 - learningRate * weightDecay;
      m[k]![i] = beta1 * m[k]![i]! + (1 - beta1) * g;
      v[k]![i] = beta2 * v[k]![i]! + (1 - beta2) * g * g;
      const [mHat, vHat] = [m[k]![i]! / (1 - beta1 ** step), v[k]![i]! / (1 - beta2 ** step)];
      weight[i]! -= learningRate * mHat / (Math.sqrt(vHat) + epsilon);
    }
  });
  return norm;
}

/** Fails unless some steps agree with double precision. */
async function checkSteps(sizes: readonly number[], scales: readonly number[]): Promise<void> {
  const device = training(sizes);
  const numbers = await numbersOf(device);
  const n = sizes.length;
  for (const [i, scale] of scales.entries()) {
    const gradients = sizes.map((size, k) => wave([size], 10 * i + k, scale));
    const scalars = { ...SCALARS, step: i + 1 };
    const norm = await take(adamwUpdate({ ...device, gradients }, scalars));
    const plain = await Promise.all(gradients.map((gradient) => gradient.data()));
    const [weights, m, v] = [numbers.slice(0, n), numbers.slice(n, 2 * n), numbers.slice(2 * n)];
    assertClose(norm, [adamwByHand(weights, plain, m, v, scalars)], 1e-5);
    assertClose((await numbersOf(device)).flat(), numbers.flat(), 2e-6 * (i + 1));
    plain.forEach((values, k) =>
      // gradients stay as they were
      assertEquals(values[0], Math.fround(scale * Math.sin(1 + 10 * i + k)))
    );
    tf.dispose(gradients);
  }
  tf.dispose([device.weights, device.m, device.v]);
}

eachDevice("adamwUpdate() agrees with double precision where the clip acts", async () => {
  await checkSteps(SIZES, [1, 30, 0.2]); // norm of 65,537 sines: 181 times the scale
});

eachDevice("adamwUpdate() agrees with double precision where the clip does not act", async () => {
  await checkSteps(SIZES, [1e-3, 3e-3, 2e-4]);
});

eachDevice("adamwUpdate() changes 40 weights at once", async (device) => {
  const launches = device === "webgpu" ? openedGpu().launches : 0;
  await checkSteps(Array.from({ length: 40 }, (_, i) => 1 + 7 * i), [1, 1e-3]);
  if (device !== "webgpu") return;
  const { maxStorageBuffersPerShaderStage } = openedGpu().device.limits;
  const most = 2 * Math.ceil(4 * 40 / Math.min(64, maxStorageBuffersPerShaderStage)) + 2;
  assert(openedGpu().launches - launches <= 2 * most);
});

eachDevice("adamwUpdate() agrees with its reference on the same device", async () => {
  const [fused, plain] = [training(SIZES), training(SIZES)];
  const inUse = kernelsInUse();
  for (const step of [1, 2]) {
    const gradients = SIZES.map((size, i) => wave([size], 10 * step + i));
    const norm = await take(adamwUpdate({ ...fused, gradients }, { ...SCALARS, step }));
    useKernels(false);
    const expected = await take(adamwUpdate({ ...plain, gradients }, { ...SCALARS, step }));
    useKernels(inUse);
    assertClose(norm, expected, 1e-5);
    tf.dispose(gradients);
  }
  assertClose((await numbersOf(fused)).flat(), (await numbersOf(plain)).flat(), 4e-6);
  for (const { weights, m, v } of [fused, plain]) tf.dispose([weights, m, v]);
});

eachDevice("adamwUpdate() writes to the data that variables have, where kernels run", async () => {
  const device = training([100]);
  const count = tf.backend().numDataIds();
  const ids = () => [device.weights, device.m, device.v].flat().map(({ dataId }) => dataId);
  const before = ids();
  const gradients = [wave([100])];
  await take(adamwUpdate({ ...device, gradients }, SCALARS));
  assert(ids().every((id, i) => id === before[i]));
  tf.dispose(gradients);
  assertEquals(tf.backend().numDataIds(), count); // and leaves none behind
  tf.dispose([device.weights, device.m, device.v]);
}, { devices: ["wasm", "webgpu"] });

eachDevice("adamwUpdate() changes nothing when a gradient is not finite", async () => {
  const sizes = [5, 3000, 2];
  const device = training(sizes);
  const good = sizes.map((size, i) => wave([size], i));
  await take(adamwUpdate({ ...device, gradients: good }, SCALARS));
  const before = await numbersOf(device);
  for (const bad of [NaN, Infinity, -Infinity]) {
    const values = Float32Array.from({ length: 3000 }, (_, i) => i === 2999 ? bad : 0.1);
    const gradients = [good[0]!, tf.tensor1d(values), good[2]!];
    const norm = await take(adamwUpdate({ ...device, gradients }, { ...SCALARS, step: 2 }));
    assert(!Number.isFinite(norm[0]));
    assertEquals(await numbersOf(device), before);
    gradients[1]!.dispose();
  }
  tf.dispose([good, device.weights, device.m, device.v]);
});

eachDevice("adamwUpdate() decays weights without a gradient and takes empty ones", async () => {
  const device = training([2, 0]);
  const before = (await numbersOf(device))[0]!;
  const gradients = [tf.zeros([2]), tf.zeros([0])];
  assertEquals(await take(adamwUpdate({ ...device, gradients }, SCALARS)), new Float32Array(1));
  const expected = before.map((weight) => weight * (1 - 0.05 * 0.1));
  assertClose((await numbersOf(device))[0]!, expected, 1e-6);
  tf.dispose([gradients, device.weights, device.m, device.v]);
});

eachDevice("adamwUpdate() leaves clones of a weight as they were", async () => {
  const device = training([6, 5]);
  const before = await numbersOf(device);
  const policy = device.weights.map((weight) => tf.clone(weight)); // a reference policy, say
  const zero = tf.clone(device.m[0]!);
  for (const step of [1, 2]) {
    const gradients = [wave([6]), wave([5])];
    await take(adamwUpdate({ ...device, gradients }, { ...SCALARS, step }));
    tf.dispose(gradients);
  }
  const after = await numbersOf(device);
  for (const [i, clone] of [...policy, zero].entries()) {
    assertEquals([...await clone.data()], before[i]);
    after[i]!.forEach((value, at) => assert(value !== before[i]![at]));
  }
  tf.dispose([policy, zero, device.weights, device.m, device.v]);
});

eachDevice("adamwUpdate() is finite for gradients of any size", async () => {
  const device = training([3]);
  const gradients = [tf.tensor1d([1e15, -1e-30, 0])]; // their squares: 1e30, 0 and 0
  assertClose(await take(adamwUpdate({ ...device, gradients }, SCALARS)), [1e15], 1e-6);
  for (const value of (await numbersOf(device)).flat()) assert(Number.isFinite(value));
  tf.dispose([gradients, device.weights, device.m, device.v]);
});
