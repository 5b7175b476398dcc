import * as tf from "@tensorflow/tfjs";
import { type Gpu, registerGpuKernel, spread } from "../gpu.ts";
import { type Heap, registerWasmKernel } from "../heap.ts";
import { customGrad, hasKernel, runKernel } from "../kernels.ts";
import { rotary } from "../wgsl/rotary.ts";

/**
 * Periods of the pairs of one attention head: `theta^(2i / headDim)` for pair i.
 *
 * @param headDim Even width of one attention head.
 * @param theta Base of the wavelengths (`rope_theta`).
 * @returns Positions in which a pair turns by one radian, `[headDim / 2]`.
 */
export function rotaryPeriods(headDim: number, theta: number): number[] {
  const half = headDim / 2;
  return Array.from({ length: half }, (_, i) => theta ** (i / half));
}

/**
 * Table for {@linkcode rotate}: angle `position / period` for each pair.
 *
 * @param positions How many, from 0.
 * @param periods Of {@linkcode rotaryPeriods}, or longer ones, `[headDim / 2]`.
 * @param scale Multiplies cosines and sines; 1 unless given.
 * @returns `[positions, headDim]`: cosines of the headDim / 2 angles, then their sines.
 */
export function rotaryTable(
  positions: number,
  periods: readonly number[],
  scale: number = 1,
): tf.Tensor2D {
  const half = periods.length, headDim = 2 * half;
  const table = new Float32Array(positions * headDim);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position / periods[i]!, at = position * headDim + i;
      table[at] = scale * Math.cos(angle);
      table[at + half] = scale * Math.sin(angle);
    }
  }
  return tf.tensor2d(table, [positions, headDim]);
}

/** Which columns turn, and from where positions count. */
export interface RotateOptions {
  /** Heads at the front of each row that turn: those of queries, then those of keys. */
  readonly heads: number;
  /** Width of one head, as the table's. */
  readonly headDim: number;
  /** Added to every position. */
  readonly offset?: number;
}

/**
 * Rotary position embedding (arXiv:2104.09864, eq. 34) in the half-split layout of Hugging Face's
 * Llama: dimension i turns with dimension i + headDim / 2, not with its neighbour.
 *
 * @param x `[rows, columns]`; the first `heads * headDim` columns turn, the rest is copied.
 * @param positions `[rows]`, int32; with the offset they name rows of the table.
 * @param table Of {@linkcode rotaryTable}, `[*, headDim]`; it gets no gradient.
 * @returns `[rows, columns]`.
 * @throws {TypeError} When a row is narrower than its heads.
 *
 * @example A quarter turn of the pair (1, 2), beside a column that stays
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import * as tf from "@tensorflow/tfjs";
 * import { rotate } from "./rotary.ts";
 *
 * await tf.setBackend("cpu");
 * const table = tf.tensor2d([[1, 0], [0, 1]]); // cosine and sine of 0, and of a quarter turn
 * const position = tf.tensor1d([1], "int32");
 * const y = rotate(tf.tensor2d([[1, 2, 3]]), position, table, { heads: 1, headDim: 2 });
 * assertEquals([...await y.data()], [-2, 1, 3]);
 * ```
 */
export function rotate(
  x: tf.Tensor2D,
  positions: tf.Tensor1D,
  table: tf.Tensor2D,
  options: RotateOptions,
): tf.Tensor2D {
  const { heads, headDim, offset = 0 } = options;
  if (x.shape[1] < heads * headDim) {
    throw new TypeError(
      `Cannot turn ${heads} heads of ${headDim} as rows must hold them: ` +
        `current value is ${x.shape[1]} columns`,
    );
  }
  if (!hasKernel("Rotate")) return rotateReference(x, positions, table, options);
  const fused = customGrad((...call) => {
    const [x, save] = call as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([positions, table]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [positions, table] = saved as [tf.Tensor, tf.Tensor];
      return runKernel("Rotate", { x: dy, positions, table }, { heads, offset, sign: -1 });
    };
    const value = runKernel("Rotate", { x, positions, table }, { heads, offset, sign: 1 });
    return { value, gradFunc };
  });
  return fused(x) as tf.Tensor2D;
}

/** {@linkcode rotate} in plain tfjs operations. */
export function rotateReference(
  x: tf.Tensor2D,
  positions: tf.Tensor1D,
  table: tf.Tensor2D,
  { heads, headDim, offset = 0 }: RotateOptions,
): tf.Tensor2D {
  return tf.tidy(() => {
    const [rows, columns] = x.shape;
    const angles = tf.gather(table, tf.add(positions, tf.scalar(offset, "int32")));
    const [cos, sin] = tf.split(angles.reshape([rows, 1, headDim]), 2, 2) as [tf.Tensor, tf.Tensor];
    const width = heads * headDim;
    const [turning, rest] = tf.split(x, [width, columns - width], 1) as [tf.Tensor, tf.Tensor2D];
    const [a, b] = tf.split(turning.reshape([rows, heads, headDim]), 2, 2) as [
      tf.Tensor,
      tf.Tensor,
    ];
    const turned = tf.concat([
      tf.sub(tf.mul(a, cos), tf.mul(b, sin)),
      tf.add(tf.mul(b, cos), tf.mul(a, sin)),
    ], 2); // [rows, heads, headDim]
    return tf.concat([turned.reshape([rows, width]) as tf.Tensor2D, rest], 1);
  });
}

type Inputs = Readonly<Record<"x" | "positions" | "table", tf.TensorInfo>>;
type Four = [number, number, number, number];

/** Numbers that are worth a thread. */
const GRAIN = 2 ** 15;

registerWasmKernel("Rotate", (heap: Heap, inputs, { heads, offset, sign }) => {
  const { x, positions, table } = inputs as Inputs;
  const [rows, columns] = x.shape as [number, number];
  const y = heap.output(x.shape);
  const [atX, atPositions, atTable, atY] = [x, positions, table, y].map(heap.at) as Four;
  heap.split("rotate", rows, Math.ceil(GRAIN / columns), (from, to) => [
    atX + 4 * from * columns,
    atPositions + 4 * from,
    atTable,
    atY + 4 * from * columns,
    to - from,
    columns,
    heads,
    table.shape[1]!,
    offset,
    sign,
  ]);
  return y;
});

registerGpuKernel("Rotate", (gpu: Gpu, inputs, { heads, offset, sign }) => {
  const { x, positions, table } = inputs as Inputs;
  const [rows, width] = x.shape as [number, number];
  const lanes = width % 4 === 0 && table.shape[1]! % 8 === 0 ? 4 : 1;
  const [columns, half] = [width / lanes, table.shape[1]! / 2 / lanes];
  const y = gpu.output(x.shape);
  gpu.launch(
    rotary(lanes),
    { x, positions, table, y },
    { rows, columns, heads, half, offset, sign },
    spread(Math.ceil(rows * (columns - heads * half) / 64)),
  );
  return y;
});
