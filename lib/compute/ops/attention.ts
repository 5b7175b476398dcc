import * as tf from "@tensorflow/tfjs";
import { type Gpu, registerGpuKernel } from "../gpu.ts";
import { type Heap, registerWasmKernel } from "../heap.ts";
import { customGrad, hasKernel, runKernel, runKernels } from "../kernels.ts";
import { attentionPrograms, TILE } from "../wgsl/attention.ts";

/** Sequences laid end to end in one row of tokens: packed, without padding. */
export interface Sequences {
  /** Tokens of each, in order, each > 0. */
  readonly lengths: readonly number[];
  /** First token of each token's sequence, `[tokens]`, int32. */
  readonly starts: tf.Tensor1D;
  /** One past the last token of each token's sequence, `[tokens]`, int32. */
  readonly ends: tf.Tensor1D;
}

/**
 * Lays sequences of these lengths end to end. The caller owns the tensors.
 *
 * @param lengths Tokens of each, whole and > 0.
 * @throws {RangeError} When a length is not.
 */
export function packedSequences(lengths: readonly number[]): Sequences {
  const wrong = lengths.find((length) => !(Number.isInteger(length) && length > 0));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot pack sequences as lengths must be > 0: current value is ${wrong}`);
  }
  const tokens = sum(lengths);
  const [starts, ends] = [new Int32Array(tokens), new Int32Array(tokens)];
  let start = 0;
  for (const length of lengths) {
    starts.fill(start, start, start + length);
    ends.fill(start + length, start, start + length);
    start += length;
  }
  return { lengths, starts: tf.tensor1d(starts), ends: tf.tensor1d(ends) };
}

/** How the columns of queries, keys and values divide into heads. */
export interface HeadShape {
  /** Query heads, a multiple of `keyValueHeads`. */
  readonly heads: number;
  readonly keyValueHeads: number;
  /** Numbers of a head, even. */
  readonly headDim: number;
}

/**
 * Causal attention with grouped queries (arXiv:2305.13245) over packed sequences: for each head
 * `softmax(q kᵀ / √headDim) v`, where a token reads its own sequence up to itself, and each key and
 * value head serves `heads / keyValueHeads` neighbouring query heads.
 *
 * Keeps one number for each token and head rather than the probabilities, which the gradient
 * computes again (arXiv:2205.14135).
 *
 * @param qkv `[tokens, (heads + 2 keyValueHeads) headDim]`: rotated queries, rotated keys and values
 * side by side.
 * @returns `[tokens, heads headDim]`.
 * @throws {RangeError} When the heads cannot be grouped, or `headDim` is odd.
 * @throws {TypeError} When the shape of `qkv` is another.
 *
 * @example Two sequences; in the first, equal scores average the values
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import * as tf from "@tensorflow/tfjs";
 * import { attention, packedSequences } from "./attention.ts";
 *
 * await tf.setBackend("cpu");
 * const [query, key] = [[0, 0], [0, 0]];
 * const qkv = tf.tensor2d([[1, 2], [3, 6], [5, 5]].map((value) => [query, key, value].flat()));
 * const shape = { heads: 1, keyValueHeads: 1, headDim: 2 };
 *
 * const mixed = attention(qkv, packedSequences([2, 1]), shape);
 * assertEquals(await mixed.array(), [[1, 2], [2, 4], [5, 5]]); // (1 + 3) / 2, (2 + 6) / 2
 * ```
 */
export function attention(qkv: tf.Tensor2D, sequences: Sequences, shape: HeadShape): tf.Tensor2D {
  check(qkv, sequences, shape);
  if (!hasKernel("Attention")) return attentionReference(qkv, sequences, shape);
  const { lengths, starts, ends } = sequences;
  const fused = customGrad((...call) => {
    const [qkv, save] = call as unknown as [tf.Tensor, tf.GradSaveFunc];
    const [out, lse] = runKernels("Attention", { qkv, starts, ends }, { lengths, shape }) as [
      tf.Tensor,
      tf.Tensor,
    ];
    save([qkv, out, lse, starts, ends]);
    const gradFunc = (dOut: tf.Tensor, saved: tf.Tensor[]) => {
      const [qkv, out, lse, starts, ends] = saved as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const inputs = { dOut, qkv, out, lse, starts, ends };
      return runKernel("AttentionGrad", inputs, { lengths, shape });
    };
    return { value: out, gradFunc };
  });
  return fused(qkv) as tf.Tensor2D;
}

function check(
  qkv: tf.Tensor2D,
  { lengths, starts }: Sequences,
  { heads, keyValueHeads, headDim }: HeadShape,
): void {
  if (heads % keyValueHeads !== 0) {
    throw new RangeError(
      `Cannot group queries as keyValueHeads must divide heads: current values are ` +
        `${keyValueHeads} and ${heads}`,
    );
  }
  if (headDim % 2 !== 0) {
    throw new RangeError(`Cannot attend as headDim must be even: current value is ${headDim}`);
  }
  const expected = [starts.shape[0], (heads + 2 * keyValueHeads) * headDim];
  if (qkv.shape.join() !== expected.join()) {
    throw new TypeError(
      `Cannot attend as qkv must be [${expected}] for ${lengths.length} sequences: ` +
        `current shape is [${qkv.shape}]`,
    );
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, x) => total + x, 0);
}

/** {@linkcode attention} in plain tfjs operations, one sequence at a time. */
export function attentionReference(
  qkv: tf.Tensor2D,
  { lengths }: Sequences,
  shape: HeadShape,
): tf.Tensor2D {
  const { heads, headDim } = shape;
  if (lengths.length === 0) return tf.slice(qkv, [0, 0], [0, heads * headDim]);
  return tf.tidy(() => {
    // The gradient of a split into one part fails.
    const each = lengths.length === 1 ? [qkv] : tf.split(qkv, [...lengths]) as tf.Tensor2D[];
    return tf.concat(each.map((qkv) => attentionOfOne(qkv, shape)));
  });
}

function attentionOfOne(
  qkv: tf.Tensor2D,
  { heads, keyValueHeads, headDim }: HeadShape,
): tf.Tensor2D {
  const tokens = qkv.shape[0], group = heads / keyValueHeads;
  const widths = [heads, keyValueHeads, keyValueHeads].map((count) => count * headDim);
  const [q, k, v] = tf.split(qkv, widths, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const perHead = (x: tf.Tensor) =>
    x.reshape([tokens, keyValueHeads, headDim]).transpose([1, 0, 2]) as tf.Tensor3D;
  const queries = q.reshape([tokens, keyValueHeads, group, headDim]).transpose([1, 2, 0, 3])
    .reshape([keyValueHeads, group * tokens, headDim]) as tf.Tensor3D;
  const scores = tf.matMul(queries, perHead(k), false, true) // [keyValueHeads, group tokens, tokens]
    .mul(1 / Math.sqrt(headDim)).reshape([heads, tokens, tokens]);
  const later = tf.sub(1, tf.linalg.bandPart(tf.ones([tokens, tokens]), -1, 0));
  const weights = tf.softmax(tf.add(scores, tf.mul(later, BLOCKED)));
  const mixed = tf.matMul(
    weights.reshape([keyValueHeads, group * tokens, tokens]) as tf.Tensor3D,
    perHead(v),
  ); // [keyValueHeads, group tokens, headDim]
  return mixed.reshape([heads, tokens, headDim]).transpose([1, 0, 2])
    .reshape([tokens, heads * headDim]);
}

/** Added to a score that must not count; softmax turns it into an exact 0. */
const BLOCKED = -1e9;

type Inputs = Readonly<
  Record<"qkv" | "starts" | "ends" | "dOut" | "out" | "lse", tf.TensorInfo>
>;
interface Attributes {
  readonly lengths: readonly number[];
  readonly shape: HeadShape;
}

/** Multiply-adds that are worth a thread. */
const GRAIN = 2 ** 18;

/**
 * Splits the pairs of a sequence and a key and value head among threads, by their work.
 *
 * @param addresses The job's first numbers.
 */
function splitPairs(
  heap: Heap,
  job: "attend" | "attendGrad",
  addresses: readonly number[],
  { lengths, shape: { heads, keyValueHeads, headDim } }: Attributes,
): void {
  const pairs = lengths.length * keyValueHeads;
  const starts: number[] = [], before = [0]; // tokens before a sequence, work before a pair
  let tokens = 0;
  for (const length of lengths) {
    starts.push(tokens);
    tokens += length;
    const work = length * (length + 32) * heads / keyValueHeads * headDim;
    for (let head = 0; head < keyValueHeads; head++) before.push(before.at(-1)! + work);
  }
  const bytes = heap.kernels.attentionScratch(Math.max(1, ...lengths), headDim);
  const scratch = heap.scratch(bytes * heap.threads);
  heap.split(job, before[pairs]!, GRAIN, (from, to, part) => {
    const [pair, end] = [from, to].map((border) => before.findIndex((work) => work >= border));
    const place = [starts[Math.floor(pair! / keyValueHeads)] ?? 0, pair! % keyValueHeads];
    const room = scratch + part * bytes;
    return [...addresses, heads, keyValueHeads, headDim, ...place, end! - pair!, room];
  });
}

registerWasmKernel("Attention", (heap: Heap, inputs, attributes: Attributes) => {
  const { qkv, ends } = inputs as Inputs;
  const { heads, headDim } = attributes.shape;
  const tokens = qkv.shape[0]!;
  const [out, lse] = [heap.output([tokens, heads * headDim]), heap.output([tokens, heads])];
  splitPairs(heap, "attend", [qkv, ends, out, lse].map(heap.at), attributes);
  return [out, lse];
});

registerWasmKernel("AttentionGrad", (heap: Heap, inputs, attributes: Attributes) => {
  const { dOut, qkv, ends, out, lse } = inputs as Inputs;
  const dqkv = heap.output(qkv.shape);
  const addresses = [dOut, qkv, ends, out, lse, dqkv].map(heap.at);
  splitPairs(heap, "attendGrad", addresses, attributes);
  return dqkv;
});

registerGpuKernel("Attention", (gpu: Gpu, inputs, { shape }: Attributes) => {
  const { qkv, starts } = inputs as Inputs;
  const { heads, keyValueHeads, headDim } = shape;
  const { forward } = attentionPrograms(headDim);
  const tokens = qkv.shape[0]!;
  const [out, lse] = [gpu.output([tokens, heads * headDim]), gpu.output([tokens, heads])];
  const groups = [Math.ceil(tokens / TILE), heads, 1] as const;
  gpu.launch(forward, { qkv, starts, out, lse }, { tokens, heads, keyValueHeads }, groups);
  return [out, lse];
});

registerGpuKernel("AttentionGrad", (gpu: Gpu, inputs, { shape }: Attributes) => {
  const { dOut, qkv, starts, ends, out, lse } = inputs as Inputs;
  const { heads, keyValueHeads, headDim } = shape;
  const { queryGrad, keyGrad } = attentionPrograms(headDim);
  const tokens = qkv.shape[0]!;
  const [dqkv, delta] = [gpu.output(qkv.shape), gpu.output(lse.shape)];
  const tensors = { dOut, qkv, starts, ends, out, lse, dqkv, delta };
  const params = { tokens, heads, keyValueHeads };
  const blocks = Math.ceil(tokens / TILE);
  gpu.launch(queryGrad, tensors, params, [blocks, heads, 1]);
  gpu.launch(keyGrad, tensors, params, [blocks, keyValueHeads, 1]);
  gpu.backend.disposeData(delta.dataId);
  return dqkv;
});
