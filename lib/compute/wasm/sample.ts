import {
  exp, fma, held, K1, K2, K3, K4, K5, largest, LEAST, LN2, log, LOG2E, logOf, maximum, power,
  ROUND, some, sum, zeroOf,
} from "./math";

/** Bins of a round of selection, and the rounds that cover the 32 bits of a key. */
const BIN_BITS = 11, BINS = 1 << BIN_BITS, ROUNDS = 3;

/** Bytes that `sampleTokens` needs: a copy of a row, and a mass and a count for each bin. */
export function sampleScratch(vocab: i32): i32 {
  return (((vocab + 15) & -16) << 2) + BINS * 16;
}

/** See `sampleTokens` in ops/sample.ts; `drawn` has `stride` numbers to a line. */
export function sampleTokens(
  scores: usize,
  keys: usize,
  positions: usize,
  offset: i32,
  tokens: usize,
  drawn: usize,
  stride: i32,
  rows: i32,
  vocab: i32,
  temperature: f32,
  topK: i32,
  topP: f64,
  scratch: usize,
): void {
  const line = <usize> stride << 2;
  const cuts = temperature > 0 && ((topK > 0 && topK < vocab) || topP < 1);
  for (let row = 0; row < rows; row++) {
    const highest = maximum(scores, vocab);
    const total = masses(scores, vocab, highest, 1);
    const logTotal = logOf(<f32> total);
    const entropy = logTotal - <f32> (weighted / total);
    let token: i32, samplingLogProb: f32 = 0;
    if (temperature == 0) token = firstOf(scores, vocab, highest);
    else {
      let kept = scores, mass = total;
      if (cuts) {
        cut(scores, vocab, highest, temperature, topK, topP, scratch);
        kept = scratch;
      }
      if (cuts || temperature != 1) mass = masses(kept, vocab, highest, 1 / temperature);
      token = draw(
        kept,
        vocab,
        highest,
        1 / temperature,
        load<u32>(keys),
        load<u32>(keys, 4),
        load<i32>(positions) + offset,
      );
      samplingLogProb = (load<f32>(scores + (<usize> token << 2)) - highest) / temperature -
        logOf(<f32> mass);
    }
    store<i32>(tokens, token);
    store<f32>(drawn, <f32> token);
    store<f32>(drawn + line, load<f32>(scores + (<usize> token << 2)) - highest - logTotal);
    store<f32>(drawn + 2 * line, samplingLogProb);
    store<f32>(drawn + 3 * line, entropy);
    scores += <usize> vocab << 2;
    keys += 8;
    positions += 4;
    tokens += 4;
    drawn += 4;
  }
}

function firstOf(x: usize, count: i32, value: f32): i32 {
  let id = 0;
  while (id < count - 1 && load<f32>(x + (<usize> id << 2)) != value) id++;
  return id;
}

/** What `masses` found beside the mass: the sum of e^z z. */
let weighted: f64 = 0;

/** The sum of e^z over z = (x - highest) * heat, in double precision every so often. */
function masses(x: usize, count: i32, highest: f32, heat: f32): f64 {
  const BLOCK = 256;
  const zero = zeroOf(count);
  const least = held(LEAST, zero), round = held(ROUND, zero), one = held(1, zero);
  const k1 = held(K1, zero), k2 = held(K2, zero), k3 = held(K3, zero);
  const k4 = held(K4, zero), k5 = held(K5, zero);
  const top = f32x4.splat(highest), scale = f32x4.splat(heat * LOG2E);
  let mass: f64 = 0;
  weighted = 0;
  for (let start = 0; start < count; start += BLOCK) {
    const stop = min(start + BLOCK, count);
    let masses = f32x4.splat(0), products = f32x4.splat(0);
    for (let id = start; id < stop; id += 4) {
      const at = x + (<usize> id << 2);
      const v = stop - id >= 4 ? v128.load(at) : some(at, <usize> (stop - id));
      const z = f32x4.pmax(f32x4.mul(f32x4.sub(v, top), scale), least);
      const e = power(z, round, k5, k4, k3, k2, k1, one);
      masses = f32x4.add(masses, e);
      products = fma(e, z, products);
    }
    mass += <f64> sum(masses);
    weighted += <f64> sum(products);
  }
  weighted *= Math.LN2;
  return mass;
}

/** High and low words of the products of four unsigned numbers with a constant. */
// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  const even = i64x2.extmul_low_i32x4_u(a, b), odd = i64x2.extmul_high_i32x4_u(a, b);
  return v128.shuffle<i32>(even, odd, 1, 3, 5, 7);
}

/**
 * The id of the highest (x - highest) * heat + gumbel: four blocks of Philox4x32-10 side by side, a
 * block for four ids, and the ids' numbers brought beside their scores.
 *
 * A gumbel, -log(-log u), is at most -log(1 - u), and a number's bits, as an integer, tell a bound
 * of its logarithm from below. Few ids can beat the record by this bound: only their gumbel is made.
 */
function draw(
  x: usize,
  count: i32,
  highest: f32,
  heat: f32,
  key0: u32,
  key1: u32,
  position: i32,
): i32 {
  const scale = f32x4.splat(heat), top4 = f32x4.splat(highest), zero = zeroOf(count);
  const m0 = v128.or(i32x4.splat(0xd2511f53), zero), m1 = v128.or(i32x4.splat(0xcd9e8d57), zero);
  const whole = held(8388607.5, zero), bitsToLog = held(LN2 / 8388608, zero);
  // Of 2^23, as 1 - u is multiplied by it, and a little that covers what rounding takes.
  const ceiling = v128.or(i32x4.splat((150 << 23) + 256), zero);
  let best = f32x4.splat(-Infinity), record = best, ids = i32x4.splat(0);
  for (let start = 0; start < count; start += 16) {
    let c0 = i32x4.add(i32x4.splat(start >> 2), i32x4(0, 1, 2, 3));
    let c1 = i32x4.splat(position), c2 = i32x4.splat(0), c3 = i32x4.splat(3);
    let k0 = key0, k1 = key1;
    for (let round = 0; round < 10; round++) {
      const high0 = high(c0, m0), low0 = i32x4.mul(c0, m0);
      const high1 = high(c2, m1), low1 = i32x4.mul(c2, m1);
      c0 = v128.xor(v128.xor(high1, c1), i32x4.splat(k0));
      c2 = v128.xor(v128.xor(high0, c3), i32x4.splat(k1));
      c1 = low1;
      c3 = low0;
      k0 += 0x9e3779b9;
      k1 += 0xbb67ae85;
    }
    // Lane b of word w belongs to id start + 4 b + w: transposed, block b has its ids in order.
    const a = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5), b = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5);
    const c = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7), d = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
    for (let block = 0; block < 4; block++) {
      const id = start + 4 * block;
      if (id >= count) break;
      const low = block < 2 ? a : c, up = block < 2 ? b : d;
      const words = block & 1
        ? v128.shuffle<i32>(low, up, 2, 3, 6, 7)
        : v128.shuffle<i32>(low, up, 0, 1, 4, 5);
      const at = x + (<usize> id << 2);
      const v = count - id >= 4 ? v128.load(at) : some(at, <usize> (count - id));
      const below = f32x4.sub(v, top4), drawn = f32x4.convert_i32x4_s(i32x4.shr_u(words, 9));
      const rest = i32x4.sub(ceiling, f32x4.sub(whole, drawn));
      const bound = fma(below, scale, f32x4.mul(f32x4.convert_i32x4_s(rest), bitsToLog));
      if (!v128.any_true(f32x4.ge(bound, record))) continue;
      const u = f32x4.mul(f32x4.add(drawn, f32x4.splat(0.5)), f32x4.splat(1.0 / 8388608.0));
      const value = fma(below, scale, f32x4.neg(log(f32x4.neg(log(u)))));
      const better = f32x4.gt(value, best);
      best = v128.bitselect(value, best, better);
      ids = v128.bitselect(i32x4.add(i32x4.splat(id), i32x4(0, 1, 2, 3)), ids, better);
      record = f32x4.splat(largest(best));
    }
  }
  const top = largest(best);
  let token = i32.MAX_VALUE;
  if (f32x4.extract_lane(best, 0) == top) token = min(token, i32x4.extract_lane(ids, 0));
  if (f32x4.extract_lane(best, 1) == top) token = min(token, i32x4.extract_lane(ids, 1));
  if (f32x4.extract_lane(best, 2) == top) token = min(token, i32x4.extract_lane(ids, 2));
  if (f32x4.extract_lane(best, 3) == top) token = min(token, i32x4.extract_lane(ids, 3));
  return token;
}

/** The bits of a number as an unsigned integer that grows as the number falls. */
// @ts-ignore: decorator
@inline
function rankKey(x: f32): u32 {
  const bits = reinterpret<u32>(x);
  return bits >> 31 ? bits : ~bits ^ 0x80000000;
}

/** What `select` found: the key of the last kept number, and what was taken before it. */
let lastKey: u32 = 0, taken: f64 = 0;

/**
 * Finds the key at which numbers, highest first, reach `need`: counted one each, or by their mass.
 * Eleven bits of the key at a time, from the top.
 */
function select(
  x: usize,
  count: i32,
  highest: f32,
  heat: f32,
  need: f64,
  byMass: bool,
  bins: usize,
): void {
  let prefix: u32 = 0, known = 0;
  taken = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const bits = min(BIN_BITS, 32 - known), shift = 32 - known - bits;
    memory.fill(bins, 0, BINS * 16);
    for (let id = 0; id < count; id++) {
      const value = load<f32>(x + (<usize> id << 2)), key = rankKey(value);
      if (known > 0 && key >> (32 - known) != prefix) continue;
      const bin = bins + (<usize> ((key >> shift) & ((1 << bits) - 1)) << 4);
      store<f64>(bin, load<f64>(bin) + (byMass ? weight(value, highest, heat) : 1));
      store<i32>(bin, load<i32>(bin, 8) + 1, 8);
    }
    let bin: u32 = 0, last: u32 = 0; // the last that holds anything, where rounding leaves a rest
    for (; bin < <u32> 1 << bits; bin++) {
      const at = bins + (<usize> bin << 4);
      if (load<i32>(at, 8) == 0) continue;
      last = bin;
      if (taken + load<f64>(at) >= need) break;
      taken += load<f64>(at);
    }
    if (bin == <u32> 1 << bits) taken -= load<f64>(bins + (<usize> last << 4));
    prefix = (prefix << bits) | last;
    known += bits;
  }
  lastKey = prefix;
}

function weight(value: f32, highest: f32, heat: f32): f64 {
  return exp((value - highest) * heat);
}

/** Copies x to scratch with -Infinity for what top-k and then top-p leave out. */
function cut(
  x: usize,
  count: i32,
  highest: f32,
  temperature: f32,
  topK: i32,
  topP: f64,
  scratch: usize,
): void {
  const bins = scratch + (<usize> ((count + 15) & -16) << 2), heat: f32 = 1 / temperature;
  let key: u32 = u32.MAX_VALUE, equals = count; // numbers up to this key, and how many have it
  let mass: f64 = 0;
  if (topK > 0 && topK < count) {
    select(x, count, highest, heat, topK, false, bins);
    key = lastKey;
    equals = topK - <i32> taken;
    let left = equals;
    for (let id = 0; id < count; id++) {
      const value = load<f32>(x + (<usize> id << 2)), own = rankKey(value);
      if (own < key || (own == key && left-- > 0)) mass += weight(value, highest, heat);
    }
  } else mass = masses(x, count, highest, heat);
  if (topP < 1) {
    select(x, count, highest, heat, topP * mass, true, bins);
    let value: f32 = 0;
    for (let id = 0; id < count; id++) {
      value = load<f32>(x + (<usize> id << 2));
      if (rankKey(value) == lastKey) break;
    }
    const each = weight(value, highest, heat);
    const most = each > 0 ? <i32> ceil((topP * mass - taken) / each) : 1;
    equals = lastKey == key ? min(equals, max(most, 1)) : max(most, 1);
    key = lastKey;
  }
  for (let id = 0; id < count; id++) {
    const at = <usize> id << 2, value = load<f32>(x + at), own = rankKey(value);
    const keeps = own < key || (own == key && equals-- > 0);
    store<f32>(scratch + at, keeps ? value : -Infinity);
  }
}
