import * as tf from "@tensorflow/tfjs";
import { type Gpu, registerGpuKernel } from "../gpu.ts";
import { type Heap, registerWasmKernel } from "../heap.ts";
import {
  type Attributes,
  customGrad,
  hasKernel,
  isFrozen,
  runKernel,
  runKernels,
} from "../kernels.ts";
import { multiplyOnGpu } from "./matmul.ts";

/** What a projection adds to the product. */
export interface LinearOptions {
  /** One for each weight, `[out]`. */
  readonly biases?: readonly tf.Tensor1D[];
  /** Added to the product, `[rows, Σ out]`: what a layer writes into. */
  readonly residual?: tf.Tensor2D;
}

/**
 * Projections of the same rows, side by side: `[x W₁ᵀ | x W₂ᵀ | …] + biases + residual`.
 *
 * Weights that read the same rows (query, key and value; gate and up) go together, so that the rows
 * are read once and their gradient is added up where it is computed. Weights that are all frozen
 * cost no gradient, nor do their biases.
 *
 * @param x `[rows, in]`.
 * @param weights Each `[out, in]`, as in Hugging Face's checkpoints.
 * @returns `[rows, Σ out]`.
 */
export function linear(
  x: tf.Tensor2D,
  weights: readonly tf.Tensor2D[],
  options: LinearOptions = {},
): tf.Tensor2D {
  if (!hasKernel("Linear")) return linearReference(x, weights, options);
  const { biases = [], residual } = options;
  const frozen = weights.every(isFrozen); // so are their biases
  const fused = customGrad((...call) => {
    const save = call.at(-1) as unknown as tf.GradSaveFunc;
    const x = call[0] as tf.Tensor;
    const value = runKernel("Linear", {
      x,
      ...named("weight", weights),
      ...named("bias", biases),
      ...(residual ? { residual } : {}),
    });
    save(frozen ? [x] : [x, ...weights]);
    const gradFunc = (dy: tf.Tensor, [x, ...kept]: tf.Tensor[]) => {
      const inputs = { dy, x: x!, ...named("weight", frozen ? weights : kept) };
      const [dx, ...dWeights] = runKernels("LinearGrad", inputs, { frozen });
      const dBiases = frozen || biases.length === 0
        ? []
        : tf.split(columnSums(dy as tf.Tensor2D), weights.map((weight) => weight.shape[0]));
      return [dx!, ...dWeights, ...dBiases, ...(residual ? [dy.clone()] : [])];
    };
    return { value, gradFunc };
  });
  const learned = frozen ? [] : [...weights, ...biases];
  return fused(x, ...learned, ...(residual ? [residual] : [])) as tf.Tensor2D;
}

/** Tensors as a kernel's inputs `name0`, `name1`, … */
function named(name: string, tensors: readonly tf.Tensor[]): Record<string, tf.Tensor> {
  return Object.fromEntries(tensors.map((tensor, i) => [`${name}${i}`, tensor]));
}

/** {@linkcode linear} in plain tfjs operations. */
export function linearReference(
  x: tf.Tensor2D,
  weights: readonly tf.Tensor2D[],
  { biases = [], residual }: LinearOptions = {},
): tf.Tensor2D {
  const parts = weights.map((weight, i) => {
    const y: tf.Tensor2D = tf.matMul(x, weight, false, true);
    return biases[i] ? tf.add(y, biases[i]) as tf.Tensor2D : y;
  });
  const y = tf.concat(parts, 1);
  return residual ? tf.add(y, residual) : y;
}

/** Sums of columns as a matrix product: tfjs's own sum over a leading axis transposes first. */
function columnSums(x: tf.Tensor2D): tf.Tensor1D {
  return tf.matMul(tf.ones([1, x.shape[0]]), x).reshape([x.shape[1]]);
}

/** The tensors `name0`, `name1`, … of a kernel's inputs. */
function numbered(inputs: Readonly<Record<string, tf.TensorInfo>>, name: string): tf.TensorInfo[] {
  return Object.keys(inputs).filter((key) => /^[a-z]+\d+$/.test(key) && key.startsWith(name))
    .map((key) => inputs[key]!);
}

/** Rows from which the weights are first copied into one matrix: larger products are quicker. */
const WORTH_STACKING = 1024;
/** Numbers that are worth a thread when they are copied. */
const COPY_GRAIN = 2 ** 15;

/** A matrix of weights, and the column of y that its product begins at. */
interface Part {
  readonly at: number;
  readonly out: number;
  readonly column: number;
}

/** Whether weights are worth copying into one matrix first. */
function isStacked(weights: readonly tf.TensorInfo[], rows: number): boolean {
  return weights.length > 1 && rows >= WORTH_STACKING;
}

/** The weights as they are, or all as one at address `room`. */
function partsOf(heap: Heap, weights: readonly tf.TensorInfo[], room?: number): Part[] {
  let column = 0;
  const parts = weights.map((weight) => {
    const out = weight.shape[0]!;
    return { at: heap.at(weight), out, column: (column += out) - out };
  });
  if (room === undefined) return parts;
  const width = weights[0]!.shape[1]!;
  for (const { at, out, column } of parts) {
    heap.kernels.copyNumbers(room + 4 * column * width, at, out * width);
  }
  return [{ at: room, out: column, column: 0 }];
}

registerWasmKernel("Linear", (heap: Heap, inputs) => {
  const { x, residual } = inputs as Record<"x" | "residual", tf.TensorInfo>;
  const [weights, biases] = [numbered(inputs, "weight"), numbered(inputs, "bias")];
  const [rows, width] = x.shape as [number, number];
  const total = weights.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const y = heap.output([rows, total]);
  const [atX, atY] = [heap.at(x), heap.at(y)];
  if (residual) {
    const from = heap.at(residual);
    heap.split("copyNumbers", rows * total, COPY_GRAIN, (first, end) => [
      atY + 4 * first,
      from + 4 * first,
      end - first,
    ]);
  }
  let column = 0;
  biases.forEach((bias) => {
    const [out] = bias.shape as [number];
    heap.kernels.addToRows(heap.at(bias), atY + 4 * column, rows, out, total, residual ? 1 : 0);
    column += out;
  });
  const adds = residual || biases.length > 0 ? 1 : 0;
  const room = isStacked(weights, rows) ? heap.scratch(4 * total * width) : undefined;
  for (const { at, out, column } of partsOf(heap, weights, room)) {
    const to = atY + 4 * column;
    heap.gemm(false, true, rows, out, width, 1, atX, width, at, width, adds, to, total);
  }
  return y;
});

registerWasmKernel("LinearGrad", (heap: Heap, inputs, { frozen }) => {
  const { dy, x } = inputs as Record<"dy" | "x", tf.TensorInfo>;
  const weights = numbered(inputs, "weight");
  const [rows, width] = x.shape as [number, number];
  const total = dy.shape[1]!;
  const dx = heap.output(x.shape);
  const dWeights = frozen ? [] : weights.map(({ shape }) => heap.output(shape));
  const room = isStacked(weights, rows) ? heap.scratch(8 * total * width) : undefined;
  const [atX, atDy, atDx] = [x, dy, dx].map(heap.at) as [number, number, number];
  const parts = partsOf(heap, weights, room);
  const stacked = room === undefined ? undefined : room + 4 * total * width;
  parts.forEach(({ at, out, column }, i) => {
    const [from, adds] = [atDy + 4 * column, i > 0 ? 1 : 0];
    heap.gemm(false, false, rows, width, out, 1, from, total, at, width, adds, atDx, width);
    if (frozen) return;
    const to = stacked ?? heap.at(dWeights[i]!);
    heap.gemm(true, false, out, width, rows, 1, from, total, atX, width, 0, to, width);
  });
  if (stacked !== undefined && !frozen) {
    let column = 0;
    for (const dWeight of dWeights) {
      const [out] = dWeight.shape as [number];
      const from = stacked + 4 * column * width;
      heap.kernels.copyNumbers(heap.at(dWeight), from, out * width);
      column += out;
    }
  }
  return [dx, ...dWeights];
});

/** Weights, each with a bias, that one launch on the GPU takes; more are copied into one first. */
const BOUND = 3;

/** Runs a kernel of tfjs's own, which has one output. */
function runPlain(
  { backend }: Gpu,
  name: "Concat" | "Slice",
  inputs: unknown,
  attrs: Attributes,
): tf.TensorInfo {
  const { kernelFunc } = tf.getKernel(name, "webgpu");
  const call = { inputs, attrs, backend } as unknown as Parameters<typeof kernelFunc>[0];
  return kernelFunc(call) as tf.TensorInfo;
}

/** Matrices one below the other, or vectors one after the other, as one. */
function joined(gpu: Gpu, tensors: readonly tf.TensorInfo[]): tf.TensorInfo[] {
  return tensors.length === 0 ? [] : [runPlain(gpu, "Concat", tensors, { axis: 0 })];
}

function free(gpu: Gpu, tensors: readonly tf.TensorInfo[]): void {
  for (const { dataId } of tensors) gpu.backend.disposeData(dataId);
}

registerGpuKernel("Linear", (gpu: Gpu, inputs) => {
  const { x, residual } = inputs as Record<"x" | "residual", tf.TensorInfo>;
  const [weights, biases] = [numbered(inputs, "weight"), numbered(inputs, "bias")];
  const [m, k] = x.shape as [number, number];
  const n = weights.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const buffers = weights.length + biases.length + 3; // with x, residual and y
  const fits = weights.length <= BOUND &&
    buffers <= gpu.device.limits.maxStorageBuffersPerShaderStage;
  const [b, added] = fits ? [weights, biases] : [joined(gpu, weights), joined(gpu, biases)];
  const [y] = multiplyOnGpu(gpu, {
    a: x,
    b,
    transposeA: false,
    transposeB: true,
    m,
    n,
    k,
    biases: added,
    residual,
    shapes: [[m, n]],
    halfB: gpu.half,
  });
  if (!fits) free(gpu, [...b, ...added]);
  return y!;
});

registerGpuKernel("LinearGrad", (gpu: Gpu, inputs, { frozen }) => {
  const { dy, x } = inputs as Record<"dy" | "x", tf.TensorInfo>;
  const weights = numbered(inputs, "weight");
  const [rows, width] = x.shape as [number, number];
  const total = dy.shape[1]!;
  const fits = weights.length <= BOUND;
  const b = fits ? weights : joined(gpu, weights);
  const [dx] = multiplyOnGpu(gpu, {
    a: dy,
    b,
    transposeA: false,
    transposeB: false,
    m: rows,
    n: width,
    k: total,
    shapes: [x.shape],
    halfB: gpu.half,
  });
  if (frozen) {
    if (!fits) free(gpu, b);
    return [dx!];
  }
  const dWeights = multiplyOnGpu(gpu, {
    a: dy,
    b: [x],
    transposeA: true,
    transposeB: false,
    m: total,
    n: width,
    k: rows,
    shapes: b.map(({ shape }) => shape),
  });
  if (fits) return [dx!, ...dWeights];
  let row = 0;
  const parts = weights.map(({ shape }) => {
    const part = runPlain(gpu, "Slice", { x: dWeights[0] }, { begin: [row, 0], size: shape });
    row += shape[0]!;
    return part;
  });
  free(gpu, [...b, ...dWeights]);
  return [dx!, ...parts];
});
