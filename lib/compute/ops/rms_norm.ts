import * as tf from "@tensorflow/tfjs";
import { type Gpu, registerGpuKernel, spread } from "../gpu.ts";
import { type Heap, registerWasmKernel } from "../heap.ts";
import { customGrad, hasKernel, runKernels } from "../kernels.ts";
import { COLUMN_SUMS, RMS_NORM, RMS_NORM_GRAD, ROWS_PER_GROUP } from "../wgsl/rms_norm.ts";

/**
 * Root-mean-square layer normalization (arXiv:1910.07467, eq. 4): each row of `x` divided by its
 * root mean square, times a learned gain. Unlike layer normalization it subtracts no mean.
 *
 * @param x `[rows, width]`.
 * @param gain `[width]`.
 * @param epsilon Added to the mean square, > 0.
 * @returns `[rows, width]`.
 *
 * @example A row whose root mean square is 5
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import * as tf from "@tensorflow/tfjs";
 * import { rmsNorm } from "./rms_norm.ts";
 *
 * await tf.setBackend("cpu");
 * const y = await rmsNorm(tf.tensor2d([[1, 7]]), tf.tensor1d([1, 2]), 1e-12).data();
 * assertAlmostEquals(y[0]!, 1 / 5, 1e-6); // sqrt((1 + 49) / 2) = 5
 * assertAlmostEquals(y[1]!, 14 / 5, 1e-6);
 * ```
 */
export function rmsNorm(x: tf.Tensor2D, gain: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  if (!hasKernel("RmsNorm")) return rmsNormReference(x, gain, epsilon);
  const fused = customGrad((...call) => {
    const [x, gain, save] = call as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const [y, scale] = runKernels("RmsNorm", { x, gain }, { epsilon }) as [tf.Tensor, tf.Tensor];
    save([x, gain, scale]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x, gain, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      return runKernels("RmsNormGrad", { dy, x, gain, scale }); // [dx, dGain]
    };
    return { value: y, gradFunc };
  });
  return fused(x, gain) as tf.Tensor2D;
}

/** {@linkcode rmsNorm} in plain tfjs operations. */
export function rmsNormReference(x: tf.Tensor2D, gain: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon)); // [rows, 1]
  return tf.mul(tf.mul(x, scale), gain);
}

type Inputs = Readonly<Record<"x" | "gain" | "dy" | "scale", tf.TensorInfo>>;
type Four = [number, number, number, number];

/** Numbers that are worth a thread. */
const GRAIN = 2 ** 14;

registerWasmKernel("RmsNorm", (heap: Heap, inputs, { epsilon }) => {
  const { x, gain } = inputs as Inputs;
  const [rows, width] = x.shape as [number, number];
  const [y, scale] = [heap.output(x.shape), heap.output([rows])];
  const [atX, atGain, atY, atScale] = [x, gain, y, scale].map(heap.at) as Four;
  heap.split("rmsNorm", rows, Math.ceil(GRAIN / width), (from, to) => [
    atX + 4 * from * width,
    atGain,
    atY + 4 * from * width,
    atScale + 4 * from,
    to - from,
    width,
    epsilon,
  ]);
  return [y, scale];
});

registerWasmKernel("RmsNormGrad", (heap: Heap, inputs) => {
  const { dy, x, gain, scale } = inputs as Inputs;
  const [rows, width] = x.shape as [number, number];
  const [dx, dGain] = [heap.output(x.shape), heap.output([width])];
  const [atDy, atX, atGain, atScale] = [dy, x, gain, scale].map(heap.at) as Four;
  const [atDx, atDGain] = [heap.at(dx), heap.at(dGain)];
  const sums = heap.scratch(4 * width * heap.threads); // of each part but the first
  let parts = 0;
  heap.split("rmsNormGrad", rows, Math.ceil(GRAIN / width), (from, to, part) => {
    parts = part + 1;
    return [
      atDy + 4 * from * width,
      atX + 4 * from * width,
      atGain,
      atScale + 4 * from,
      atDx + 4 * from * width,
      part === 0 ? atDGain : sums + 4 * part * width,
      to - from,
      width,
    ];
  });
  for (let part = 1; part < parts; part++) {
    heap.kernels.addToRows(sums + 4 * part * width, atDGain, 1, width, width, 1);
  }
  return [dx, dGain];
});

registerGpuKernel("RmsNorm", (gpu: Gpu, inputs, { epsilon }) => {
  const { x, gain } = inputs as Inputs;
  const [rows, width] = x.shape as [number, number];
  const [y, scale] = [gpu.output(x.shape), gpu.output([rows])];
  gpu.launch(RMS_NORM, { x, gain, y, scale }, { rows, width, epsilon }, spread(rows));
  return [y, scale];
});

registerGpuKernel("RmsNormGrad", (gpu: Gpu, inputs) => {
  const { dy, x, gain, scale } = inputs as Inputs;
  const [rows, width] = x.shape as [number, number];
  const blocks = Math.ceil(rows / ROWS_PER_GROUP);
  const [dx, parts, dGain] = [
    gpu.output(x.shape),
    gpu.output([blocks, width]),
    gpu.output([width]),
  ];
  const tensors = { dy, x, gain, scale, dx, dGain: parts };
  gpu.launch(RMS_NORM_GRAD, tensors, { rows, width }, spread(blocks));
  gpu.launch(COLUMN_SUMS, { x: parts, y: dGain }, { rows: blocks, width }, [
    Math.ceil(width / 64),
    1,
    1,
  ]);
  gpu.backend.disposeData(parts.dataId);
  return [dx, dGain];
});
