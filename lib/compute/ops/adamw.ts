import * as tf from "@tensorflow/tfjs";
import { type Gpu, registerGpuKernel } from "../gpu.ts";
import { type Heap, registerWasmKernel } from "../heap.ts";
import { hasKernel, runKernel } from "../kernels.ts";
import { adamw, GLOBAL_NORM, INVOCATIONS, sumOfSquares } from "../wgsl/adamw.ts";

/** What {@linkcode adamwUpdate} works on: lists in the same order, one tensor for each weight. */
export interface AdamwTensors {
  /** `tf.Variable`s, changed. */
  readonly weights: readonly tf.Tensor[];
  /** Read only. */
  readonly gradients: readonly tf.Tensor[];
  /** `tf.Variable`s, changed: running means of gradients. */
  readonly m: readonly tf.Tensor[];
  /** `tf.Variable`s, changed: running means of squared gradients. */
  readonly v: readonly tf.Tensor[];
}

/** Numbers of one step; symbols are those of arXiv:1711.05101, algorithm 2. */
export interface AdamwScalars {
  /** α of this step. */
  readonly learningRate: number;
  /** β1, in `[0, 1)`. */
  readonly beta1: number;
  /** β2, in `[0, 1)`. */
  readonly beta2: number;
  /** ε, added to the root of the second moment. */
  readonly epsilon: number;
  /** λ, decay of every weight by `learningRate * weightDecay`. */
  readonly weightDecay: number;
  /** Gradients are scaled down to this global norm when they exceed it. */
  readonly maxGradNorm: number;
  /** t, 1 for the first step. */
  readonly step: number;
}

/**
 * Clips gradients by their global norm and takes one step of AdamW with decoupled weight decay
 * (arXiv:1711.05101, algorithm 2, without its schedule multiplier), all on the device: nothing is
 * read, and memory is passed over once for the norm and once for the step.
 *
 * Weights and moments are changed in place; one that shares its data with another tensor gets its
 * own first. When the norm is not finite nothing changes. A read of them that is under way must be
 * awaited before: on `webgpu` tfjs would keep what it read as their value.
 *
 * @returns L2 norm of all gradients together before clipping, `[]`.
 *
 * @example The first step moves each weight by the learning rate against its gradient
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import * as tf from "@tensorflow/tfjs";
 * import { adamwUpdate } from "./adamw.ts";
 *
 * await tf.setBackend("cpu");
 * const weight = tf.variable(tf.tensor1d([1, 2]));
 * const [m, v] = [tf.variable(tf.zeros([2])), tf.variable(tf.zeros([2]))];
 * const norm = adamwUpdate(
 *   { weights: [weight], gradients: [tf.tensor1d([3, -4])], m: [m], v: [v] },
 *   {
 *     learningRate: 0.1,
 *     beta1: 0.9,
 *     beta2: 0.999,
 *     epsilon: 1e-8,
 *     weightDecay: 0,
 *     maxGradNorm: 1,
 *     step: 1,
 *   },
 * );
 * assertAlmostEquals((await norm.data())[0]!, 5, 1e-6);
 * assertAlmostEquals((await weight.data())[0]!, 0.9, 1e-6);
 * assertAlmostEquals((await weight.data())[1]!, 2.1, 1e-6);
 * ```
 */
export function adamwUpdate(tensors: AdamwTensors, scalars: AdamwScalars): tf.Scalar {
  if (!hasKernel("Adamw")) return adamwUpdateReference(tensors, scalars);
  const { weights, gradients, m, v } = tensors;
  [weights, m, v].flat().forEach(detach);
  // [weight, gradient, m, v] of the first weight, then of the next
  const inputs = weights.flatMap((weight, i) => [weight, gradients[i]!, m[i]!, v[i]!]);
  return runKernel("Adamw", Object.fromEntries(inputs.entries()), { ...scalars });
}

/** Gives a variable data of its own, if it shares them: a clone must not see a change in place. */
function detach(variable: tf.Tensor): void {
  const { backend } = tf.engine();
  if (backend.refCount(variable.dataId) <= 1) return;
  tf.tidy(() => (variable as tf.Variable).assign(tf.mul(variable, 1)));
}

/** {@linkcode adamwUpdate} in plain tfjs operations; variables are assigned new data. */
export function adamwUpdateReference(tensors: AdamwTensors, scalars: AdamwScalars): tf.Scalar {
  const { beta1, rest1, beta2, rest2, keep, stepSize, scale, epsilon, maxGradNorm } = factors(
    scalars,
  );
  return tf.tidy(() => {
    const squares = tensors.gradients.map((gradient) => tf.sum(tf.square(gradient)));
    const norm = tf.sqrt(tf.addN([tf.scalar(0), ...squares])) as tf.Scalar;
    const finite = tf.isFinite(norm);
    const clip = tf.minimum(tf.div(maxGradNorm, tf.add(norm, 1e-6)), 1);
    tensors.weights.forEach((weight, i) => {
      const [m, v] = [tensors.m[i]!, tensors.v[i]!];
      const assign = (variable: tf.Tensor, value: tf.Tensor) =>
        (variable as tf.Variable).assign(tf.where(finite, value, variable));
      tf.tidy(() => {
        const g = tf.mul(tensors.gradients[i]!, clip);
        assign(m, tf.add(tf.mul(m, beta1), tf.mul(g, rest1)));
        assign(v, tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), rest2)));
        const direction = tf.div(m, tf.add(tf.mul(tf.sqrt(v), scale), epsilon));
        assign(weight, tf.sub(tf.mul(weight, keep), tf.mul(direction, stepSize)));
      });
    });
    return norm;
  });
}

/** Numbers that the formulas read; of `m̂ / (√v̂ + ε)` both bias corrections are moved to them. */
type Factors = Readonly<
  Record<
    | "beta1"
    | "rest1"
    | "beta2"
    | "rest2"
    | "keep"
    | "stepSize"
    | "scale"
    | "epsilon"
    | "maxGradNorm",
    number
  >
>;

function factors(scalars: AdamwScalars): Factors {
  const { learningRate, beta1, beta2, epsilon, weightDecay, maxGradNorm, step } = scalars;
  return {
    beta1,
    rest1: 1 - beta1,
    beta2,
    rest2: 1 - beta2,
    keep: 1 - learningRate * weightDecay,
    stepSize: learningRate / (1 - beta1 ** step),
    scale: 1 / Math.sqrt(1 - beta2 ** step),
    epsilon,
    maxGradNorm,
  };
}

const sizeOf = (tensor: tf.TensorInfo): number => tf.util.sizeFromShape(tensor.shape);

/** The tensors of each weight that has any numbers: `[weight, gradient, m, v]`. */
function quadruples(inputs: Readonly<Record<string, tf.TensorInfo>>): tf.TensorInfo[][] {
  return chunks(Object.values(inputs), 4).filter(([weight]) => sizeOf(weight!) > 0);
}

/** `items` in runs of `size`; the last may be shorter. */
function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from(
    { length: Math.ceil(items.length / size) },
    (_, i) => items.slice(i * size, (i + 1) * size),
  );
}

/** Numbers whose squares are added up together, however many threads there are. */
const BLOCK = 2 ** 12;
/** Numbers that are worth a thread. */
const GRAIN = 2 ** 17;

registerWasmKernel("Adamw", (heap: Heap, inputs, scalars: AdamwScalars) => {
  const weights = quadruples(inputs);
  const norm = globalNorm(heap, weights.map(([, gradient]) => gradient!));
  const [value] = heap.floats(norm);
  if (!Number.isFinite(value)) return norm;
  const { beta1, rest1, beta2, rest2, keep, stepSize, scale, epsilon, maxGradNorm } = factors(
    scalars,
  );
  const clip = Math.min(1, maxGradNorm / (value! + 1e-6)); // as torch.nn.utils does
  for (const tensors of weights) {
    heap.split("adamw", sizeOf(tensors[0]!), GRAIN, (from, to) => [
      ...tensors.map((tensor) => heap.at(tensor) + 4 * from),
      to - from,
      clip,
      beta1,
      rest1,
      beta2,
      rest2,
      keep,
      stepSize,
      scale,
      epsilon,
    ]);
  }
  return norm;
});

/** L2 norm of all numbers of some tensors together, `[]`. */
function globalNorm(heap: Heap, tensors: readonly tf.TensorInfo[]): tf.TensorInfo {
  const blocksOf = (tensor: tf.TensorInfo) => Math.ceil(sizeOf(tensor) / BLOCK);
  const total = tensors.reduce((sum, tensor) => sum + blocksOf(tensor), 0);
  const scratch = heap.scratch(8 * total);
  let first = 0;
  for (const tensor of tensors) {
    const [at, size, sums] = [heap.at(tensor), sizeOf(tensor), scratch + 8 * first];
    heap.split("sumsOfSquares", blocksOf(tensor), GRAIN / BLOCK, (from, to) => [
      at + 4 * BLOCK * from,
      Math.min(size, BLOCK * to) - BLOCK * from,
      BLOCK,
      sums + 8 * from,
    ]);
    first += blocksOf(tensor);
  }
  const norm = heap.output([]);
  const value = heap.floats(norm);
  const sums = new Float64Array(value.buffer, scratch, total);
  value[0] = Math.sqrt(sums.reduce((sum, each) => sum + each, 0));
  return norm;
}

/** Storage buffers of one launch, where the device grants more. */
const MOST_BUFFERS = 64;

registerGpuKernel("Adamw", (gpu: Gpu, inputs, scalars: AdamwScalars) => {
  const weights = quadruples(inputs);
  const buffers = Math.min(gpu.device.limits.maxStorageBuffersPerShaderStage, MOST_BUFFERS) - 1;
  // Enough for the largest to fill a GPU; their invocations take turns where there is more.
  const groupsFor = (tensors: readonly tf.TensorInfo[]) =>
    Math.min(1024, Math.ceil(Math.max(...tensors.map(sizeOf)) / INVOCATIONS));
  const named = (name: string, tensors: readonly tf.TensorInfo[]) =>
    Object.fromEntries(tensors.map((tensor, i) => [`${name}${i}`, tensor]));

  const summed = chunks(weights.map(([, gradient]) => gradient!), buffers)
    .map((gradients) => ({ gradients, groups: groupsFor(gradients) }));
  const parts = summed.reduce((sum, { groups }) => sum + groups, 0);
  const [norm, sums] = [gpu.output([]), gpu.output([Math.max(1, parts)])];
  let first = 0;
  for (const { gradients, groups } of summed) {
    const tensors = { ...named("gradient", gradients), sums };
    gpu.launch(sumOfSquares(gradients.length), tensors, { first }, [groups, 1, 1]);
    first += groups;
  }
  gpu.launch(GLOBAL_NORM, { sums, norm }, { count: parts }, [1, 1, 1]);
  gpu.backend.disposeData(sums.dataId);

  for (const bundle of chunks(weights, Math.floor(buffers / 4))) {
    const tensors = ["weight", "gradient", "m", "v"].map((name, which) =>
      named(name, bundle.map((tensors) => tensors[which]!))
    );
    gpu.launch(
      adamw(bundle.length),
      Object.assign({ norm }, ...tensors),
      factors(scalars),
      [groupsFor(bundle.map(([weight]) => weight!)), 1, 1],
    );
  }
  return norm;
});
