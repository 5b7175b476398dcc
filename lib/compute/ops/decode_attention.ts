/**
 * Attention of tokens that are generated, over a cache of fixed size that is written in place: a
 * prompt is kept once for all the completions of its group.
 *
 * Nothing here has a gradient.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type Gpu, registerGpuKernel, spread, storesHalves } from "../gpu.ts";
import { type Heap, registerWasmKernel } from "../heap.ts";
import { hasKernel, runKernel, runKernels } from "../kernels.ts";
import * as wgsl from "../wgsl/decode_attention.ts";
import type { HeadShape, Sequences } from "./attention.ts";

/**
 * Keys and values of one layer. A position holds its keys, then its values: `width` is
 * `2 * keyValueHeads * headDim`. Variables, as tfjs names what changes.
 *
 * Where the device was opened with `half`, they are int32 and half as wide: two 16-bit floats each.
 */
export interface LayerCache {
  /** `[promptSlots, promptCapacity, width]`. */
  readonly prompts: tf.Variable<tf.Rank.R3>;
  /** `[completionSlots, completionCapacity, width]`. */
  readonly completions: tf.Variable<tf.Rank.R3>;
}

/** Slots of a {@linkcode LayerCache}, and the tokens that one holds. */
export interface CacheSize {
  readonly promptSlots: number;
  readonly promptCapacity: number;
  readonly completionSlots: number;
  readonly completionCapacity: number;
}

/**
 * Where each row of a decode step lives: int32 `[4, rows]`, of which the rows are completion slots,
 * prompt slots, tokens of the prompt, and tokens that the completion had when the block of steps
 * began. Rows that share a completion slot spoil each other's numbers, and nothing else.
 */
export type CacheRows = tf.Tensor2D;

/** An empty cache, all zeros. The caller frees it: it outlives `tf.tidy`. */
export function layerCache({ keyValueHeads, headDim }: HeadShape, size: CacheSize): LayerCache {
  const slots = (count: number, capacity: number) => {
    const [width, dtype] = storesHalves()
      ? [keyValueHeads * headDim, "int32"] as const
      : [2 * keyValueHeads * headDim, "float32"] as const;
    const zeros = () => tf.fill<tf.Rank.R3>([count, capacity, width], 0, dtype);
    return tf.tidy(() => tf.variable(zeros(), false));
  };
  return {
    prompts: slots(size.promptSlots, size.promptCapacity),
    completions: slots(size.completionSlots, size.completionCapacity),
  };
}

/**
 * Copies the keys and values of prompts into their slots, in place.
 *
 * @param qkv `[tokens, (heads + 2 * keyValueHeads) * headDim]`, rotated: packed sequences.
 * @param sequences Of which the first are the prompts.
 * @param slots Of each prompt; sequences beyond them are left out.
 * @throws {RangeError} When a prompt is longer than a slot, or its slot is not there.
 */
export function cachePrompts(
  { prompts }: LayerCache,
  qkv: tf.Tensor2D,
  { lengths }: Pick<Sequences, "lengths">,
  slots: readonly number[],
): void {
  const [count, capacity, width] = prompts.shape;
  const places = slots.flatMap((slot, i) => {
    const length = lengths[i]!;
    if (!(slot >= 0 && slot < count)) {
      throw new RangeError(
        `Cannot cache prompt ${i} as its slot must be in [0, ${count}): current value is ${slot}`,
      );
    }
    if (!(length <= capacity)) {
      throw new RangeError(
        `Cannot cache prompt ${i} as it must have at most ${capacity} tokens: ` +
          `current value is ${length}`,
      );
    }
    return Array.from({ length }, (_, at) => slot * capacity + at);
  });
  tf.tidy(() => {
    const positions = tf.tensor1d(places, "int32");
    if (hasKernel("CachePrompts")) {
      runKernels("CachePrompts", { qkv, positions, prompts });
    } else if (places.length > 0) {
      const kept = tf.slice(qkv, [0, qkv.shape[1] - width], [places.length, width]);
      const flat = prompts.reshape([count * capacity, width]);
      const changed = tf.tensorScatterUpdate(flat, positions.reshape([places.length, 1]), kept);
      prompts.assign(changed.reshape(prompts.shape));
    }
  });
}

/**
 * One token of each row: keeps its key and value, and attends to the row's prompt and to its
 * completion, this token included, with grouped queries (arXiv:2305.13245).
 *
 * The token is the completion's number `tokens + step`. At the end of a slot the last position is
 * written again and again, so that a row that has ended can be decoded on; what it then gives means
 * nothing.
 *
 * @param qkv `[rows, (heads + 2 * keyValueHeads) * headDim]`, rotated: queries, keys, values.
 * @param cache Changed in place.
 * @param rows See {@linkcode CacheRows}.
 * @param step Steps since `rows` was made, >= 0.
 * @returns `[rows, heads * headDim]`.
 *
 * @example A prompt of one token: keys of 0 weigh all values alike
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import * as tf from "@tensorflow/tfjs";
 * import { cachePrompts, decodeAttention, layerCache } from "./decode_attention.ts";
 *
 * await tf.setBackend("cpu");
 * const shape = { heads: 1, keyValueHeads: 1, headDim: 2 };
 * const size = { promptSlots: 1, promptCapacity: 4, completionSlots: 1, completionCapacity: 4 };
 * const cache = layerCache(shape, size);
 * cachePrompts(cache, tf.tensor2d([[1, 1, 0, 0, 2, 4]]), { lengths: [1] }, [0]);
 * const rows = tf.tensor2d([[0], [0], [1], [0]], [4, 1], "int32");
 * const token = tf.tensor2d([[1, 1, 0, 0, 4, 8]]);
 * assertEquals([...await decodeAttention(token, cache, rows, 0, shape).data()], [3, 6]);
 * ```
 */
export function decodeAttention(
  qkv: tf.Tensor2D,
  cache: LayerCache,
  rows: CacheRows,
  step: number,
  shape: HeadShape,
): tf.Tensor2D {
  if (!hasKernel("DecodeAttention")) {
    return decodeAttentionReference(qkv, cache, rows, step, shape);
  }
  return runKernel("DecodeAttention", { qkv, ...cache, rows }, { step, ...shape });
}

/** {@linkcode decodeAttention} in plain tfjs operations. */
export function decodeAttentionReference(
  qkv: tf.Tensor2D,
  { prompts, completions }: LayerCache,
  rows: CacheRows,
  step: number,
  { heads, keyValueHeads, headDim }: HeadShape,
): tf.Tensor2D {
  const count = qkv.shape[0];
  if (count === 0) return tf.zeros([0, heads * headDim]);
  const [, promptCapacity] = prompts.shape, [, completionCapacity] = completions.shape;
  const capacity = promptCapacity + completionCapacity;
  return tf.tidy(() => {
    const [slot, promptSlot, read, earlier] = tf.unstack(rows) as [
      tf.Tensor1D,
      tf.Tensor1D,
      tf.Tensor1D,
      tf.Tensor1D,
    ];
    const written = tf.minimum(tf.add(earlier, step), completionCapacity - 1).cast("int32");
    const [queries, fresh] = tf.split(
      qkv,
      [heads * headDim, 2 * keyValueHeads * headDim],
      1,
    ) as [tf.Tensor2D, tf.Tensor2D];
    const places = tf.stack([slot, written], 1);
    completions.assign(tf.tensorScatterUpdate(completions, places, fresh) as tf.Tensor3D);

    const past = tf.concat([tf.gather(prompts, promptSlot), tf.gather(completions, slot)], 1);
    const [keys, values] = tf.unstack(
      tf.transpose(
        past.reshape([count, capacity, 2, keyValueHeads, headDim]),
        [2, 0, 3, 1, 4],
      ),
    ) as [tf.Tensor4D, tf.Tensor4D]; // [rows, keyValueHeads, capacity, headDim]
    const visible = tf.concat([
      tf.less(tf.range(0, promptCapacity, 1, "int32"), read.reshape([count, 1])),
      tf.lessEqual(tf.range(0, completionCapacity, 1, "int32"), written.reshape([count, 1])),
    ], 1); // [rows, capacity]
    const scores = tf.matMul(
      queries.reshape([count, keyValueHeads, heads / keyValueHeads, headDim]),
      keys,
      false,
      true,
    ); // [rows, keyValueHeads, group, capacity]
    const weights = tf.softmax(tf.where(
      tf.broadcastTo(visible.reshape([count, 1, 1, capacity]), scores.shape),
      tf.div(scores, Math.sqrt(headDim)),
      tf.fill(scores.shape, -1e38),
    ));
    return tf.matMul(weights, values).reshape([count, heads * headDim]);
  });
}

type Inputs = Readonly<
  Record<"qkv" | "prompts" | "completions" | "rows" | "positions", tf.TensorInfo>
>;

type Three = [number, number, number];

/** Numbers of queries, keys and values that are worth a thread. */
const GRAIN = 2 ** 12;

registerWasmKernel("CachePrompts", (heap: Heap, inputs) => {
  const { qkv, prompts, positions } = inputs as Inputs;
  const [columns, width] = [qkv.shape[1]!, prompts.shape[2]!];
  heap.kernels.cachePrompts(
    heap.at(qkv) + 4 * (columns - width),
    heap.at(positions),
    heap.at(prompts),
    positions.shape[0]!,
    columns,
    width,
  );
  return [];
});

registerWasmKernel("DecodeAttention", (heap: Heap, inputs, attributes) => {
  const { qkv, prompts, completions, rows } = inputs as Inputs;
  const { step, heads, keyValueHeads, headDim } = attributes as HeadShape & { step: number };
  const [promptCapacity, completionCapacity] = [prompts.shape[1]!, completions.shape[1]!];
  const [count, columns] = qkv.shape as [number, number];
  const y = heap.output([count, heads * headDim]);
  // A thread has room for the scores of one row; both parts are rounded up to whole fours.
  const room = 4 * heads * (promptCapacity + completionCapacity + 6);
  const scores = heap.scratch(room * heap.threads);
  const [atQkv, atPrompts, atCompletions] = [qkv, prompts, completions].map(heap.at) as Three;
  const [atRows, atY] = [heap.at(rows), heap.at(y)];
  heap.split("decodeAttention", count, Math.ceil(GRAIN / columns), (from, to, part) => [
    atQkv + 4 * from * columns,
    atPrompts,
    atCompletions,
    atRows + 4 * from,
    atY + 4 * from * heads * headDim,
    scores + room * part,
    to - from,
    count,
    step,
    heads,
    keyValueHeads,
    headDim,
    promptCapacity,
    completionCapacity,
  ]);
  return y;
});

registerGpuKernel("CachePrompts", (gpu: Gpu, inputs) => {
  const { qkv, prompts, positions } = inputs as Inputs;
  const half = prompts.dtype === "int32";
  const [rows, width] = [positions.shape[0]!, prompts.shape[2]!];
  const columns = qkv.shape[1]! / (half ? 2 : 1);
  const groups = spread(Math.ceil(rows * width / wgsl.COPIED_PER_GROUP));
  const program = wgsl.cachePrompts(half);
  gpu.launch(program, { qkv, positions, prompts }, { rows, columns, width }, groups);
  return [];
});

registerGpuKernel("DecodeAttention", (gpu: Gpu, inputs, attributes) => {
  const { qkv, prompts, completions, rows } = inputs as Inputs;
  const { step, ...shape } = attributes as HeadShape & { step: number };
  const count = qkv.shape[0]!;
  const y = gpu.output([count, shape.heads * shape.headDim]);
  const params = {
    rows: count,
    step,
    promptCapacity: prompts.shape[1]!,
    completionCapacity: completions.shape[1]!,
  };
  const tensors = { qkv, prompts, rows, completions, y };
  const program = wgsl.decodeAttention(shape, prompts.dtype === "int32");
  gpu.launch(program, tensors, params, spread(count * shape.keyValueHeads));
  return y;
});
