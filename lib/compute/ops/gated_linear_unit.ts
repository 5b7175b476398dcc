import * as tf from "@tensorflow/tfjs";
import { type Gpu, registerGpuKernel, spread } from "../gpu.ts";
import { type Heap, registerWasmKernel } from "../heap.ts";
import { customGrad, hasKernel, runKernel } from "../kernels.ts";
import { gatedLinearUnitGradProgram, gatedLinearUnitProgram } from "../wgsl/gated_linear_unit.ts";

/** Activation of a feed-forward layer's gate, as Hugging Face's `hidden_act` names it. */
export type Activation = "silu" | "gelu_pytorch_tanh";

/**
 * Both are `z sigmoid(linear z + cubic z³)`: SiLU by definition, GELU's tanh form because
 * `(1 + tanh a) / 2 = sigmoid(2a)`. Kernels keep the sigmoid's z within ±limit, where its
 * exponential is still finite and the sigmoid as good as 0 or 1.
 */
const SIGMOIDS = {
  silu: { linear: 1, cubic: 0, limit: 80 },
  gelu_pytorch_tanh: {
    linear: 2 * Math.sqrt(2 / Math.PI),
    cubic: 2 * Math.sqrt(2 / Math.PI) * 0.044715,
    limit: 9.5,
  },
} as const satisfies Record<Activation, unknown>;

/**
 * The gated hidden layer of a feed-forward network: `activation(gate) * up`. SwiGLU with `silu`,
 * GeGLU with `gelu_pytorch_tanh` (arXiv:2002.05202, §2; GELU in the tanh form of
 * arXiv:1606.08415, §2).
 *
 * @param gateUp `[rows, 2 * inner]`: gate, then up.
 * @returns `[rows, inner]`.
 *
 * @example A gate that is far open, and one of 0
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import * as tf from "@tensorflow/tfjs";
 * import { gatedLinearUnit } from "./gated_linear_unit.ts";
 *
 * await tf.setBackend("cpu");
 * const y = gatedLinearUnit(tf.tensor2d([[200, 0, 2, 2]]), "silu");
 * assertEquals([...await y.data()], [400, 0]);
 * ```
 */
export function gatedLinearUnit(gateUp: tf.Tensor2D, activation: Activation): tf.Tensor2D {
  if (!hasKernel("GatedLinearUnit")) return gatedLinearUnitReference(gateUp, activation);
  const attributes = SIGMOIDS[activation];
  const fused = customGrad((...call) => {
    const [gateUp, save] = call as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([gateUp]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      runKernel("GatedLinearUnitGrad", { dy, gateUp: saved[0]! }, attributes);
    return { value: runKernel("GatedLinearUnit", { gateUp }, attributes), gradFunc };
  });
  return fused(gateUp) as tf.Tensor2D;
}

/** {@linkcode gatedLinearUnit} in plain tfjs operations. */
export function gatedLinearUnitReference(
  gateUp: tf.Tensor2D,
  activation: Activation,
): tf.Tensor2D {
  const { linear, cubic } = SIGMOIDS[activation];
  return tf.tidy(() => {
    const [gate, up] = tf.split(gateUp, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    const steepness = tf.add(tf.mul(tf.square(gate), cubic), linear);
    return tf.mul(tf.mul(gate, tf.sigmoid(tf.mul(gate, steepness))), up);
  });
}

type Inputs = Readonly<Record<"dy" | "gateUp", tf.TensorInfo>>;

/** Numbers of the result that are worth a thread. */
const GRAIN = 2 ** 13;

registerWasmKernel("GatedLinearUnit", (heap: Heap, inputs, { linear, cubic, limit }) => {
  const { gateUp } = inputs as Inputs;
  const [rows, inner] = [gateUp.shape[0]!, gateUp.shape[1]! / 2];
  const y = heap.output([rows, inner]);
  const [atGateUp, atY] = [heap.at(gateUp), heap.at(y)];
  heap.split("gatedLinearUnit", rows, Math.ceil(GRAIN / inner), (from, to) => [
    atGateUp + 8 * from * inner,
    atY + 4 * from * inner,
    to - from,
    inner,
    linear,
    cubic,
    limit,
  ]);
  return y;
});

registerWasmKernel("GatedLinearUnitGrad", (heap: Heap, inputs, { linear, cubic, limit }) => {
  const { dy, gateUp } = inputs as Inputs;
  const [rows, inner] = dy.shape as [number, number];
  const dGateUp = heap.output(gateUp.shape);
  const [atDy, atGateUp, atDGateUp] = [heap.at(dy), heap.at(gateUp), heap.at(dGateUp)];
  heap.split("gatedLinearUnitGrad", rows, Math.ceil(GRAIN / inner), (from, to) => [
    atDy + 4 * from * inner,
    atGateUp + 8 * from * inner,
    atDGateUp + 8 * from * inner,
    to - from,
    inner,
    linear,
    cubic,
    limit,
  ]);
  return dGateUp;
});

registerGpuKernel("GatedLinearUnit", (gpu: Gpu, inputs, attributes) => {
  const { gateUp } = inputs as Inputs;
  const [rows, inner] = [gateUp.shape[0]!, gateUp.shape[1]! / 2];
  const lanes = inner % 4 === 0 ? 4 : 1;
  const size = rows * inner / lanes;
  const y = gpu.output([rows, inner]);
  gpu.launch(
    gatedLinearUnitProgram(lanes),
    { gateUp, y },
    { size, inner: inner / lanes, ...attributes },
    spread(Math.ceil(size / 64)),
  );
  return y;
});

registerGpuKernel("GatedLinearUnitGrad", (gpu: Gpu, inputs, attributes) => {
  const { dy, gateUp } = inputs as Inputs;
  const [rows, inner] = dy.shape as [number, number];
  const lanes = inner % 4 === 0 ? 4 : 1;
  const size = rows * inner / lanes;
  const dGateUp = gpu.output(gateUp.shape);
  gpu.launch(
    gatedLinearUnitGradProgram(lanes),
    { dy, gateUp, dGateUp },
    { size, inner: inner / lanes, ...attributes },
    spread(Math.ceil(size / 64)),
  );
  return dGateUp;
});
