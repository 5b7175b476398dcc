import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import {
  attention,
  attentionReference,
  type HeadShape,
  packedSequences,
} from "../../../lib/compute/ops/attention.ts";
import { assertClose, eachDevice, take, wave } from "../../_devices.ts";
import { checkOp, checkSame } from "../_check_op.ts";

const shapeOf = (heads: number, keyValueHeads: number, headDim: number): HeadShape => ({
  heads,
  keyValueHeads,
  headDim,
});
const columnsOf = ({ heads, keyValueHeads, headDim }: HeadShape): number =>
  (heads + 2 * keyValueHeads) * headDim;
const tokensOf = (lengths: readonly number[]): number => lengths.reduce((sum, x) => sum + x, 0);

/** {@linkcode attention} in double precision, and its gradient by hand. */
function attention64(
  qkv: ArrayLike<number>,
  dOut: ArrayLike<number>,
  lengths: readonly number[],
  shape: HeadShape,
): { out: number[]; dqkv: number[] } {
  const { heads, keyValueHeads, headDim } = shape;
  const columns = columnsOf(shape), tokens = tokensOf(lengths);
  const out = Array<number>(tokens * heads * headDim).fill(0);
  const dqkv = Array<number>(tokens * columns).fill(0);
  const each = Array.from({ length: headDim }, (_, i) => i);
  const dot = (a: ArrayLike<number>, atA: number, b: ArrayLike<number>, atB: number) =>
    each.reduce((sum, i) => sum + a[atA + i]! * b[atB + i]!, 0);
  const add = (to: number[], at: number, by: number, x: ArrayLike<number>, from: number) =>
    each.forEach((i) => to[at + i]! += by * x[from + i]!);
  let start = 0;
  for (const length of lengths) {
    for (let t = start; t < start + length; t++) {
      for (let head = 0; head < heads; head++) {
        const keyHead = Math.floor(head / (heads / keyValueHeads));
        const q = t * columns + head * headDim, o = (t * heads + head) * headDim;
        const keys = Array.from(
          { length: t - start + 1 },
          (_, i) => (start + i) * columns + (heads + keyHead) * headDim,
        );
        const v = keyValueHeads * headDim; // from a key to its value
        const scores = keys.map((k) => dot(qkv, q, qkv, k) / Math.sqrt(headDim));
        const top = Math.max(...scores);
        const total = scores.reduce((sum, s) => sum + Math.exp(s - top), 0);
        const p = scores.map((s) => Math.exp(s - top) / total);
        const dp = keys.map((k) => dot(dOut, o, qkv, k + v));
        const mean = p.reduce((sum, x, i) => sum + x * dp[i]!, 0);
        keys.forEach((k, i) => {
          const ds = p[i]! * (dp[i]! - mean) / Math.sqrt(headDim);
          add(out, o, p[i]!, qkv, k + v);
          add(dqkv, q, ds, qkv, k);
          add(dqkv, k, ds, qkv, q);
          add(dqkv, k + v, p[i]!, dOut, o);
        });
      }
    }
    start += length;
  }
  return { out, dqkv };
}

/** Output and gradient, for uneven gradients of the output. */
async function run(
  qkv: tf.Tensor,
  lengths: readonly number[],
  shape: HeadShape,
): Promise<{ out: Float32Array; dqkv: Float32Array; dOut: Float32Array }> {
  const sequences = packedSequences(lengths);
  const dOut = wave([tokensOf(lengths), shape.heads * shape.headDim], 3) as tf.Tensor2D;
  const { value, grad } = tf.valueAndGrad((x) => attention(x as tf.Tensor2D, sequences, shape))(
    qkv,
    dOut,
  );
  tf.dispose([sequences.starts, sequences.ends]);
  const [out, dqkv] = await Promise.all([take(value), take(grad)]);
  return { out, dqkv, dOut: await take(dOut) };
}

/** Checks output and gradient against double precision. */
async function check(lengths: readonly number[], shape: HeadShape): Promise<void> {
  const qkv = wave([tokensOf(lengths), columnsOf(shape)], 0, 1.5);
  const { out, dqkv, dOut } = await run(qkv, lengths, shape);
  const expected = attention64(await take(qkv), dOut, lengths, shape);
  assertClose(out, expected.out, 1e-5);
  assertClose(dqkv, expected.dqkv, 2e-5);
}

eachDevice("attention() agrees with double precision in value and gradient", async () => {
  await check([1], shapeOf(1, 1, 6)); // heads of 6 end in the middle of a vector
  await check([1, 1, 3, 1], shapeOf(2, 1, 6));
  await check([5, 1, 7], shapeOf(4, 2, 6));
  await check([9, 4, 30], shapeOf(6, 3, 6));
  await check([150], shapeOf(4, 1, 6)); // more than a block, and by products where there is BLAS
  await check([3, 131, 5], shapeOf(4, 2, 6));
  await check([64, 3, 33], shapeOf(4, 2, 64));
});

eachDevice("attention() takes heads of any even size", async () => {
  for (const headDim of [2, 4, 10, 32, 128, 160]) await check([37, 12], shapeOf(2, 1, headDim));
  await check(Array(12).fill(64), shapeOf(4, 4, 32)); // enough for several threads
}, { devices: ["wasm"] }); // on webgpu each size compiles programs, for seconds in software

eachDevice("attention() has the gradient that differences show", async () => {
  const [lengths, shape] = [[2, 3], shapeOf(2, 1, 6)];
  const sequences = packedSequences(lengths), none = new Float32Array(5 * 12);
  await checkOp(
    (qkv) => attention(qkv as tf.Tensor2D, sequences, shape),
    (qkv) => attention64(qkv, none, lengths, shape).out,
    [wave([5, columnsOf(shape)])],
  );
  tf.dispose([sequences.starts, sequences.ends]);
});

eachDevice("attention() agrees with its reference, and repeats its bits", async () => {
  const [lengths, shape] = [[17, 1, 40, 9], shapeOf(6, 2, 6)];
  const sequences = packedSequences(lengths);
  await checkSame(
    (qkv) => attention(qkv as tf.Tensor2D, sequences, shape),
    (qkv) => attentionReference(qkv as tf.Tensor2D, sequences, shape),
    [wave([tokensOf(lengths), columnsOf(shape)])],
  );
  tf.dispose([sequences.starts, sequences.ends]);
});

eachDevice("attention() keeps scores of thousands finite", async () => {
  const [lengths, shape] = [[6, 3], shapeOf(2, 1, 6)];
  // Queries and keys up to 40: scores up to 40 * 40 * 6 / sqrt(6) = 3919; values up to 1.
  const scale = tf.tensor1d([...Array(18).fill(40), ...Array(6).fill(1)]);
  const qkv = tf.tidy(() => tf.mul(wave([9, columnsOf(shape)]), scale));
  scale.dispose();
  const { out, dqkv, dOut } = await run(qkv, lengths, shape);
  const expected = attention64(await take(qkv), dOut, lengths, shape);
  assertClose(out, expected.out, 2e-3); // a float32 near 3919 is off by up to 1 / 8192
  assertClose(dqkv, expected.dqkv, 2e-2);
});

/** Outputs `[tokens][heads headDim]` before and after rows of qkv are changed. */
async function beforeAndAfter(
  lengths: readonly number[],
  changed: (token: number) => boolean,
): Promise<[number[][], number[][]]> {
  const shape = shapeOf(4, 2, 6), tokens = tokensOf(lengths);
  const qkv = wave([tokens, columnsOf(shape)]);
  const rows = tf.tensor2d(Array.from({ length: tokens }, (_, t) => [changed(t) ? 7 : 1]));
  const other = tf.mul(qkv, rows);
  const [before, after] = [await run(qkv, lengths, shape), await run(other, lengths, shape)];
  tf.dispose([qkv, rows, other]);
  const width = shape.heads * shape.headDim;
  const byToken = (out: Float32Array) =>
    Array.from({ length: tokens }, (_, t) => [...out.subarray(t * width, (t + 1) * width)]);
  return [byToken(before.out), byToken(after.out)];
}

eachDevice("attention() of a sequence does not see its neighbours", async () => {
  const [before, after] = await beforeAndAfter([5, 37, 6], (token) => token >= 5 && token < 42);
  assertEquals(after.slice(0, 5), before.slice(0, 5)); // bit by bit
  assertEquals(after.slice(42), before.slice(42));
  assertNotEquals(after.slice(5, 42), before.slice(5, 42)); // and the change did arrive
});

eachDevice("attention() never reads a later token", async () => {
  for (const from of [1, 6, 39]) {
    const [before, after] = await beforeAndAfter([3, 47], (token) => token >= from);
    assertEquals(after.slice(0, from), before.slice(0, from));
    assertNotEquals(after[from], before[from]);
  }
});

eachDevice("attention() of sequences of one token gives their values", async () => {
  const [lengths, shape] = [Array(70).fill(1), shapeOf(2, 1, 6)];
  const qkv = wave([70, 24]);
  const { out, dqkv, dOut } = await run(qkv, lengths, shape);
  const given = await take(qkv);
  for (let t = 0; t < 70; t++) {
    const value = given.subarray(24 * t + 18, 24 * t + 24);
    assertClose(out.subarray(12 * t, 12 * t + 12), [...value, ...value], 1e-6); // of both heads
    const [first, second] = [12 * t, 12 * t + 6].map((at) => dOut.subarray(at, at + 6));
    const back = [...Array(18).fill(0), ...first!.map((x, i) => x + second![i]!)];
    assertClose(dqkv.subarray(24 * t, 24 * t + 24), back, 1e-6);
  }
});

eachDevice("attention() of no tokens is empty, and so is its gradient", async () => {
  const qkv = tf.zeros([0, 12]);
  const { out, dqkv } = await run(qkv, [], shapeOf(4, 1, 2)); // launches nothing
  assertEquals([out.length, dqkv.length], [0, 0]);
  qkv.dispose();
});

eachDevice("attention() rejects what does not fit, and names it", async () => {
  const sequences = packedSequences([2]), qkv = tf.zeros<tf.Rank.R2>([2, 12]);
  const attend = (...shape: [number, number, number]) => () =>
    attention(qkv, sequences, shapeOf(...shape));
  assertThrows(attend(4, 3, 2), RangeError, "current values are 3 and 4");
  assertThrows(attend(4, 1, 3), RangeError, "current value is 3");
  assertThrows(attend(4, 2, 2), TypeError, "must be [2,16]");
  tf.dispose([qkv, sequences.starts, sequences.ends]);
  await Promise.resolve();
}, { devices: ["cpu"] });

Deno.test("packedSequences() tells each token where its sequence starts and ends", async () => {
  await tf.setBackend("cpu");
  const { lengths, starts, ends } = packedSequences([2, 1, 3]);
  assertEquals(lengths, [2, 1, 3]);
  assert(starts.dtype === "int32" && ends.dtype === "int32");
  assertEquals([...await starts.data()], [0, 0, 2, 3, 3, 3]);
  assertEquals([...await ends.data()], [2, 2, 3, 6, 6, 6]);
  tf.dispose([starts, ends]);
  assertThrows(() => packedSequences([2, 0]), RangeError, "current value is 0");
});
