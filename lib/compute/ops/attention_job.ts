/**
 * Attention on a thread, pair by pair of a sequence and a key and value head: short sequences by the
 * kernels alone, long ones by products of a BLAS library, whose wider registers then pay.
 *
 * @module
 */
import type { Job, Thread } from "../thread.ts";

/** Tokens from which a sequence is long. */
const LONG = 128;
/** Queries of a long sequence at a time: as many as `attentionScratch` has room for. */
const BLOCK = 64;

type Numbers<N extends string> = Readonly<Record<N, number>>;
type Pair = Numbers<
  "tokens" | "token" | "head" | "heads" | "keyValueHeads" | "headDim" | "scratch"
>;

/** Attention of `units` pairs; the numbers are those of the kernel `attention`. */
export const attend: Job = (
  thread,
  ...[qkv, ends, out, lse, heads, keyValueHeads, headDim, token, head, units, scratch]: number[]
) => {
  const at = { qkv, out, lse } as Numbers<"qkv" | "out" | "lse">;
  const shape = { heads, keyValueHeads, headDim, scratch } as Pair;
  eachPair(thread, ends!, { ...shape, token, head } as Pair, units!, (pair) => {
    if (thread.blas && pair.tokens >= LONG) return byProducts(thread, pair, at);
    const { token, head } = pair;
    thread.kernels.attention(
      qkv!,
      ends!,
      out!,
      lse!,
      heads!,
      keyValueHeads!,
      headDim!,
      token,
      head,
      1,
      scratch!,
    );
  });
};

/** The gradient of `units` pairs; the numbers are those of the kernel `attentionGrad`. */
export const attendGrad: Job = (
  thread,
  ...[dOut, qkv, ends, out, lse, dqkv, heads, keyValueHeads, headDim, ...rest]: number[]
) => {
  const [token, head, units, scratch] = rest;
  const at = { dOut, qkv, out, lse, dqkv } as Numbers<"dOut" | "qkv" | "out" | "lse" | "dqkv">;
  const shape = { heads, keyValueHeads, headDim, scratch } as Pair;
  eachPair(thread, ends!, { ...shape, token, head } as Pair, units!, (pair) => {
    if (thread.blas && pair.tokens >= LONG) return gradByProducts(thread, pair, at);
    const { token, head } = pair;
    thread.kernels.attentionGrad(
      dOut!,
      qkv!,
      ends!,
      out!,
      lse!,
      dqkv!,
      heads!,
      keyValueHeads!,
      headDim!,
      token,
      head,
      1,
      scratch!,
    );
  });
};

function eachPair(
  { kernels }: Thread,
  ends: number,
  first: Pair,
  units: number,
  body: (pair: Pair) => void,
): void {
  let { token, head } = first;
  for (; units > 0; units--) {
    const end = kernels.attentionEnd(ends, token);
    body({ ...first, token, head, tokens: end - token });
    head = (head + 1) % first.keyValueHeads;
    if (head === 0) token = end;
  }
}

/** Queries of a head: the first, how many, the keys they read, and where what is theirs begins. */
type Block = Numbers<"first" | "rows" | "keys" | "adds" | "q" | "k" | "v" | "o" | "lse">;

/** Blocks of a pair's queries, head by head; addresses are in bytes from the start of a tensor. */
function* blocksOf(
  { tokens, token, head, heads, keyValueHeads, headDim }: Pair,
): Generator<Block> {
  const group = heads / keyValueHeads, width = (heads + 2 * keyValueHeads) * headDim;
  const k = 4 * (token * width + (heads + head) * headDim), v = k + 4 * keyValueHeads * headDim;
  for (let query = head * group; query < (head + 1) * group; query++) {
    // From the last, which reads all keys: what it sets, the others add to.
    for (let first = Math.floor((tokens - 1) / BLOCK) * BLOCK; first >= 0; first -= BLOCK) {
      const rows = Math.min(BLOCK, tokens - first), row = token + first;
      const adds = query > head * group || first + rows < tokens ? 1 : 0;
      const q = 4 * (row * width + query * headDim), o = 4 * (row * heads + query) * headDim;
      yield { first, rows, keys: first + rows, adds, q, k, v, o, lse: 4 * (row * heads + query) };
    }
  }
}

/** Numbers from one row of scores to the next, as in the kernels. */
const strideOf = ({ tokens }: Pair) => 16 * Math.ceil(tokens / 16) + 16;

function byProducts(
  { gemm, kernels }: Thread,
  pair: Pair,
  { qkv, out, lse }: Numbers<"qkv" | "out" | "lse">,
): void {
  const { heads, keyValueHeads, headDim, scratch: p } = pair;
  const width = (heads + 2 * keyValueHeads) * headDim, outs = heads * headDim;
  const stride = strideOf(pair);
  for (const { first, rows, keys, q, k, v, o, lse: at } of blocksOf(pair)) {
    gemm(false, true, rows, keys, headDim, 1, qkv + q, width, qkv + k, width, 0, p, stride);
    kernels.attentionSoftmax(p, 4 * stride, first, rows, keys, headDim, lse + at, 4 * heads);
    gemm(false, false, rows, headDim, keys, 1, p, stride, qkv + v, width, 0, out + o, outs);
  }
}

function gradByProducts(
  { gemm, kernels }: Thread,
  pair: Pair,
  { dOut, qkv, out, lse, dqkv }: Numbers<"dOut" | "qkv" | "out" | "lse" | "dqkv">,
): void {
  const { heads, keyValueHeads, headDim, scratch: p } = pair;
  const width = (heads + 2 * keyValueHeads) * headDim, outs = heads * headDim;
  const stride = strideOf(pair), ds = p + 4 * BLOCK * stride;
  for (const { first, rows, keys, adds, q, k, v, o, lse: at } of blocksOf(pair)) {
    gemm(false, true, rows, keys, headDim, 1, qkv + q, width, qkv + k, width, 0, p, stride);
    gemm(false, true, rows, keys, headDim, 1, dOut + o, outs, qkv + v, width, 0, ds, stride);
    kernels.attentionSoftmaxGrad(
      p,
      ds,
      4 * stride,
      first,
      rows,
      keys,
      headDim,
      lse + at,
      4 * heads,
      dOut + o,
      out + o,
      4 * outs,
    );
    gemm(false, false, rows, headDim, keys, 1, ds, stride, qkv + k, width, 0, dqkv + q, width);
    gemm(true, false, keys, headDim, rows, 1, ds, stride, qkv + q, width, adds, dqkv + k, width);
    gemm(true, false, keys, headDim, rows, 1, p, stride, dOut + o, outs, adds, dqkv + v, width);
  }
}
