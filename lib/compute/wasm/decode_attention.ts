import {
  fma, held, K1, K2, K3, K4, K5, largest, LEAST, LOG2E, power, ROUND, sum, zeroOf,
} from "./math";

/** Row i of x, `width` numbers every `stride`, becomes row positions[i] of cache [.., width]. */
export function cachePrompts(
  x: usize,
  positions: usize,
  cache: usize,
  rows: i32,
  stride: i32,
  width: i32,
): void {
  const bytes = <usize> width << 2;
  for (let row = 0; row < rows; row++) {
    memory.copy(cache + <usize> load<i32>(positions + (<usize> row << 2)) * bytes, x, bytes);
    x += <usize> stride << 2;
  }
}

// Below, four positions go at once, and two heads where they share a key and a value: loads are
// what limits the speed. A head has `bytes` bytes, eights of numbers first and then pairs.

/** The four sums of a, b, c and d. */
// @ts-ignore: decorator

function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** total + the products of eight numbers at `at` with low and high. */
// @ts-ignore: decorator

function dot(low: v128, high: v128, at: usize, total: v128): v128 {
  return fma(high, v128.load(at, 16), fma(low, v128.load(at), total));
}

/** The scores of a query: scale * q · k + bias. */
// @ts-ignore: decorator

function scoreOne(
  q: usize,
  k0: usize,
  k1: usize,
  k2: usize,
  k3: usize,
  bytes: usize,
  scale: v128,
  bias: v128,
  scores: usize,
): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  let i: usize = 0;
  for (; i < (bytes & ~31); i += 32) {
    const low = v128.load(q + i), high = v128.load(q + i, 16);
    s0 = dot(low, high, k0 + i, s0);
    s1 = dot(low, high, k1 + i, s1);
    s2 = dot(low, high, k2 + i, s2);
    s3 = dot(low, high, k3 + i, s3);
  }
  for (; i < bytes; i += 8) {
    const pair = v128.load64_zero(q + i);
    s0 = fma(pair, v128.load64_zero(k0 + i), s0);
    s1 = fma(pair, v128.load64_zero(k1 + i), s1);
    s2 = fma(pair, v128.load64_zero(k2 + i), s2);
    s3 = fma(pair, v128.load64_zero(k3 + i), s3);
  }
  v128.store(scores, fma(sums(s0, s1, s2, s3), scale, bias));
}

/** The scores of two queries, the second `bytes` after the first, its scores `room` after. */
// @ts-ignore: decorator

function scoreTwo(
  q: usize,
  k0: usize,
  k1: usize,
  k2: usize,
  k3: usize,
  bytes: usize,
  scale: v128,
  bias: v128,
  scores: usize,
  room: usize,
): void {
  const p = q + bytes;
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
  let i: usize = 0;
  for (; i < (bytes & ~31); i += 32) {
    const a = v128.load(q + i), b = v128.load(q + i, 16);
    const c = v128.load(p + i), d = v128.load(p + i, 16);
    let low = v128.load(k0 + i), high = v128.load(k0 + i, 16);
    s0 = fma(b, high, fma(a, low, s0));
    t0 = fma(d, high, fma(c, low, t0));
    low = v128.load(k1 + i), high = v128.load(k1 + i, 16);
    s1 = fma(b, high, fma(a, low, s1));
    t1 = fma(d, high, fma(c, low, t1));
    low = v128.load(k2 + i), high = v128.load(k2 + i, 16);
    s2 = fma(b, high, fma(a, low, s2));
    t2 = fma(d, high, fma(c, low, t2));
    low = v128.load(k3 + i), high = v128.load(k3 + i, 16);
    s3 = fma(b, high, fma(a, low, s3));
    t3 = fma(d, high, fma(c, low, t3));
  }
  for (; i < bytes; i += 8) {
    const a = v128.load64_zero(q + i), c = v128.load64_zero(p + i);
    let pair = v128.load64_zero(k0 + i);
    s0 = fma(a, pair, s0);
    t0 = fma(c, pair, t0);
    pair = v128.load64_zero(k1 + i);
    s1 = fma(a, pair, s1);
    t1 = fma(c, pair, t1);
    pair = v128.load64_zero(k2 + i);
    s2 = fma(a, pair, s2);
    t2 = fma(c, pair, t2);
    pair = v128.load64_zero(k3 + i);
    s3 = fma(a, pair, s3);
    t3 = fma(c, pair, t3);
  }
  v128.store(scores, fma(sums(s0, s1, s2, s3), scale, bias));
  v128.store(scores + room, fma(sums(t0, t1, t2, t3), scale, bias));
}

/** y += weights · values. */
// @ts-ignore: decorator

function mixOne(
  y: usize,
  v0: usize,
  v1: usize,
  v2: usize,
  v3: usize,
  bytes: usize,
  weights: usize,
): void {
  const w0 = v128.load32_splat(weights), w1 = v128.load32_splat(weights, 4);
  const w2 = v128.load32_splat(weights, 8), w3 = v128.load32_splat(weights, 12);
  let i: usize = 0;
  for (; i < (bytes & ~31); i += 32) {
    const to = y + i;
    let low = fma(w0, v128.load(v0 + i), v128.load(to));
    let high = fma(w0, v128.load(v0 + i, 16), v128.load(to, 16));
    low = fma(w1, v128.load(v1 + i), low);
    high = fma(w1, v128.load(v1 + i, 16), high);
    low = fma(w2, v128.load(v2 + i), low);
    high = fma(w2, v128.load(v2 + i, 16), high);
    v128.store(to, fma(w3, v128.load(v3 + i), low));
    v128.store(to, fma(w3, v128.load(v3 + i, 16), high), 16);
  }
  for (; i < bytes; i += 8) {
    let pair = fma(w0, v128.load64_zero(v0 + i), v128.load64_zero(y + i));
    pair = fma(w1, v128.load64_zero(v1 + i), pair);
    pair = fma(w2, v128.load64_zero(v2 + i), pair);
    v128.store64_lane(y + i, fma(w3, v128.load64_zero(v3 + i), pair), 0);
  }
}

/** The same for two heads, the second `bytes` after the first, its weights `room` after. */
// @ts-ignore: decorator

function mixTwo(
  y: usize,
  v0: usize,
  v1: usize,
  v2: usize,
  v3: usize,
  bytes: usize,
  weights: usize,
  room: usize,
): void {
  const z = y + bytes;
  const w0 = v128.load32_splat(weights), w1 = v128.load32_splat(weights, 4);
  const w2 = v128.load32_splat(weights, 8), w3 = v128.load32_splat(weights, 12);
  weights += room;
  const u0 = v128.load32_splat(weights), u1 = v128.load32_splat(weights, 4);
  const u2 = v128.load32_splat(weights, 8), u3 = v128.load32_splat(weights, 12);
  let i: usize = 0;
  for (; i < (bytes & ~31); i += 32) {
    let low = v128.load(v0 + i), high = v128.load(v0 + i, 16);
    let a = fma(w0, low, v128.load(y + i)), b = fma(w0, high, v128.load(y + i, 16));
    let c = fma(u0, low, v128.load(z + i)), d = fma(u0, high, v128.load(z + i, 16));
    low = v128.load(v1 + i), high = v128.load(v1 + i, 16);
    a = fma(w1, low, a), b = fma(w1, high, b);
    c = fma(u1, low, c), d = fma(u1, high, d);
    low = v128.load(v2 + i), high = v128.load(v2 + i, 16);
    a = fma(w2, low, a), b = fma(w2, high, b);
    c = fma(u2, low, c), d = fma(u2, high, d);
    low = v128.load(v3 + i), high = v128.load(v3 + i, 16);
    v128.store(y + i, fma(w3, low, a));
    v128.store(y + i, fma(w3, high, b), 16);
    v128.store(z + i, fma(u3, low, c));
    v128.store(z + i, fma(u3, high, d), 16);
  }
  for (; i < bytes; i += 8) {
    let pair = v128.load64_zero(v0 + i);
    let a = fma(w0, pair, v128.load64_zero(y + i)), c = fma(u0, pair, v128.load64_zero(z + i));
    pair = v128.load64_zero(v1 + i);
    a = fma(w1, pair, a), c = fma(u1, pair, c);
    pair = v128.load64_zero(v2 + i);
    a = fma(w2, pair, a), c = fma(u2, pair, c);
    pair = v128.load64_zero(v3 + i);
    v128.store64_lane(y + i, fma(w3, pair, a), 0);
    v128.store64_lane(z + i, fma(u3, pair, c), 0);
  }
}

/**
 * Goes over the positions of a slot, `stride` bytes apart. With keys, `row` are a row's queries and
 * `scores` [heads, room] are set; with values, they are the weights that are added up to `row`.
 * Scores past the last position become -inf.
 */
function walk(
  mixes: bool,
  row: usize,
  slot: usize,
  positions: i32,
  stride: usize,
  keyValueHeads: i32,
  group: i32,
  bytes: usize,
  scores: usize,
  room: usize,
): void {
  const scale = f32x4.splat(<f32> 1 / Mathf.sqrt(<f32> (bytes >> 2)));
  for (let position = 0; position < positions; position += 4) {
    const last = positions - 1 - position; // positions past it are it again
    const past = i32x4.gt_s(i32x4(0, 1, 2, 3), i32x4.splat(last));
    const bias = v128.and(past, f32x4.splat(-Infinity));
    let at0 = slot + <usize> position * stride;
    let at1 = at0 + <usize> min(1, last) * stride;
    let at2 = at0 + <usize> min(2, last) * stride;
    let at3 = at0 + <usize> min(3, last) * stride;
    let head = row, to = scores + (<usize> position << 2);
    for (let kv = 0; kv < keyValueHeads; kv++) {
      let left = group;
      for (; left >= 2; left -= 2) {
        if (mixes) mixTwo(head, at0, at1, at2, at3, bytes, to, room);
        else scoreTwo(head, at0, at1, at2, at3, bytes, scale, bias, to, room);
        head += bytes << 1;
        to += room << 1;
      }
      if (left) {
        if (mixes) mixOne(head, at0, at1, at2, at3, bytes, to);
        else scoreOne(head, at0, at1, at2, at3, bytes, scale, bias, to);
        head += bytes;
        to += room;
      }
      at0 += bytes, at1 += bytes, at2 += bytes, at3 += bytes;
    }
  }
}

/** The softmax of `bytes` of scores, in place. */
function softmax(scores: usize, bytes: usize): void {
  let highest = v128.load(scores);
  for (let i: usize = 16; i < bytes; i += 16) {
    highest = f32x4.pmax(highest, v128.load(scores + i));
  }
  const zero = zeroOf(bytes);
  const least = held(LEAST, zero), round = held(ROUND, zero), one = held(1, zero);
  const k1 = held(K1, zero), k2 = held(K2, zero), k3 = held(K3, zero);
  const k4 = held(K4, zero), k5 = held(K5, zero);
  const top = f32x4.splat(largest(highest)), log2e = held(LOG2E, zero);
  let total = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = f32x4.mul(f32x4.sub(v128.load(scores + i), top), log2e);
    const e = power(f32x4.pmax(x, least), round, k5, k4, k3, k2, k1, one);
    v128.store(scores + i, e);
    total = f32x4.add(total, e);
  }
  const share = f32x4.splat(<f32> 1 / sum(total));
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(scores + i, f32x4.mul(v128.load(scores + i), share));
  }
}

/**
 * Writes each row's keys and values into its completion, then attends.
 *
 * @param rows Columns of `CacheRows` [4, allRows].
 * @param scores Room for a row: heads * (promptCapacity + completionCapacity + 6) numbers.
 */
export function decodeAttention(
  qkv: usize,
  prompts: usize,
  completions: usize,
  rows: usize,
  y: usize,
  scores: usize,
  count: i32,
  allRows: i32,
  step: i32,
  heads: i32,
  keyValueHeads: i32,
  headDim: i32,
  promptCapacity: i32,
  completionCapacity: i32,
): void {
  const bytes = <usize> headDim << 2, group = heads / keyValueHeads;
  const queries = <usize> heads * bytes, keys = <usize> keyValueHeads * bytes, stride = keys << 1;
  const field = <usize> allRows << 2;
  for (let row = 0; row < count; row++) {
    const completion = completions + <usize> load<i32>(rows) * <usize> completionCapacity * stride;
    const prompt = prompts + <usize> load<i32>(rows + field) * <usize> promptCapacity * stride;
    const read = load<i32>(rows + 2 * field);
    const own = min(load<i32>(rows + 3 * field) + step + 1, completionCapacity);
    memory.copy(completion + <usize> (own - 1) * stride, qkv + queries, stride);
    const skip = <usize> (read + 3 & ~3) << 2, room = skip + (<usize> (own + 3 & ~3) << 2);
    walk(false, qkv, prompt, read, stride, keyValueHeads, group, bytes, scores, room);
    walk(false, qkv, completion, own, stride, keyValueHeads, group, bytes, scores + skip, room);
    for (let head = 0; head < heads; head++) softmax(scores + <usize> head * room, room);
    memory.fill(y, 0, queries);
    walk(true, y, prompt + keys, read, stride, keyValueHeads, group, bytes, scores, room);
    walk(true, y, completion + keys, own, stride, keyValueHeads, group, bytes, scores + skip, room);
    qkv += queries + stride;
    y += queries;
    rows += 4;
  }
}
