import {
  exp, fma, held, K1, K2, K3, K4, K5, LEAST, LN2, logOf, LOG2E, maximum, power, put, ROUND, some,
  sum, take, zeroOf,
} from "./math";

/**
 * Takes the logits [rows, columns] of some columns of the vocabulary, from `start` on, into what is
 * known of each row: the largest logit `max`, `sums` = sum of e^(z - max), `entropies` = sum of
 * e^(z - max) (z - max) and `logProbs` = the target's logit. After the last columns these become
 * log(sums), the entropy and the log-probability.
 */
export function tokenLogProbs(
  logits: usize,
  targets: usize,
  logProbs: usize,
  entropies: usize,
  max: usize,
  sums: usize,
  rows: i32,
  columns: i32,
  start: i32,
  first: bool,
  last: bool,
): void {
  const bytes: usize = <usize> columns << 2, whole = bytes & ~15;
  const zero = zeroOf(rows);
  const least = held(LEAST, zero), round = held(ROUND, zero), one = held(1, zero);
  const k1 = held(K1, zero), k2 = held(K2, zero), k3 = held(K3, zero);
  const k4 = held(K4, zero), k5 = held(K5, zero);
  const log2e = held(LOG2E, zero);
  for (let row: usize = 0; row < <usize> rows << 2; row += 4) {
    const before: f32 = first ? -Infinity : load<f32>(max + row);
    const top = Mathf.max(before, maximum(logits, columns)), tops = f32x4.splat(top);
    let exps = f32x4.splat(0), products = exps;
    for (let i: usize = 0; i < bytes; i += 16) {
      const z = i < whole ? v128.load(logits + i) : some(logits + i, bytes - i >> 2);
      const x = f32x4.pmax(f32x4.mul(f32x4.sub(z, tops), log2e), least);
      const e = power(x, round, k5, k4, k3, k2, k1, one);
      exps = f32x4.add(exps, e);
      products = fma(e, x, products);
    }
    let s = sum(exps), t = sum(products) * LN2;
    if (!first) { // e^(z - before) = e^(z - top) / e^(before - top), and so on
      const below = before - top, e = exp(below), s0 = load<f32>(sums + row);
      t += e * (load<f32>(entropies + row) + s0 * below);
      s += e * s0;
    }
    const target = load<i32>(targets + row) - start;
    if (target >= 0 && target < columns) {
      store<f32>(logProbs + row, load<f32>(logits + (<usize> target << 2)));
    }
    store<f32>(max + row, top);
    if (last) {
      const logSum = logOf(s);
      store<f32>(logProbs + row, load<f32>(logProbs + row) - top - logSum);
      store<f32>(entropies + row, logSum - t / s);
      store<f32>(sums + row, logSum);
    } else {
      store<f32>(entropies + row, t);
      store<f32>(sums + row, s);
    }
    logits += bytes;
  }
}

/**
 * Logits z become their gradients dLogProb ([target] - p) - dEntropy p (log p + entropy), where
 * log p = z - max - logSum.
 */
export function tokenLogProbsGrad(
  logits: usize,
  targets: usize,
  dLogProbs: usize,
  dEntropies: usize,
  entropies: usize,
  max: usize,
  logSums: usize,
  rows: i32,
  columns: i32,
  start: i32,
): void {
  const bytes: usize = <usize> columns << 2, whole = bytes & ~15;
  const zero = zeroOf(rows);
  const least = held(LEAST, zero), round = held(ROUND, zero), one = held(1, zero);
  const k1 = held(K1, zero), k2 = held(K2, zero), k3 = held(K3, zero);
  const k4 = held(K4, zero), k5 = held(K5, zero);
  const log2e = held(LOG2E, zero);
  for (let row: usize = 0; row < <usize> rows << 2; row += 4) {
    const dLogProb = load<f32>(dLogProbs + row), dEntropy = load<f32>(dEntropies + row);
    const tops = f32x4.splat(load<f32>(max + row)), logSum = f32x4.splat(load<f32>(logSums + row));
    const slope = f32x4.splat(-dEntropy * LN2);
    const rest = f32x4.splat(-dLogProb - dEntropy * load<f32>(entropies + row));
    let step: usize = 16;
    for (let i: usize = 0; i < bytes; i += step) {
      const four = i < whole;
      if (!four) step = 4;
      const logP = f32x4.sub(f32x4.sub(take(logits + i, four), tops), logSum);
      const x = f32x4.pmax(f32x4.mul(logP, log2e), least);
      const p = power(x, round, k5, k4, k3, k2, k1, one);
      put(logits + i, f32x4.mul(p, fma(slope, x, rest)), four);
    }
    const target = load<i32>(targets + row) - start;
    if (target >= 0 && target < columns) {
      const at = logits + (<usize> target << 2);
      store<f32>(at, load<f32>(at) + dLogProb);
    }
    logits += bytes;
  }
}
