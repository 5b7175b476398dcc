import { exp, fma, largest, log, sum } from "./math";

/** e^x, as {@linkcode exp}. */
// @ts-ignore: decorator
@inline
function expOf(x: f32): f32 {
  return f32x4.extract_lane(exp(f32x4.splat(x)), 0);
}

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
  for (let row: usize = 0; row < <usize> rows << 2; row += 4) {
    let top: f32 = first ? -Infinity : load<f32>(max + row);
    const before = top;
    let tops = f32x4.splat(top);
    for (let i: usize = 0; i < whole; i += 16) tops = f32x4.max(tops, v128.load(logits + i));
    top = largest(tops);
    for (let i = whole; i < bytes; i += 4) top = Mathf.max(top, load<f32>(logits + i));
    tops = f32x4.splat(top);

    let exps = f32x4.splat(0), products = exps;
    for (let i: usize = 0; i < whole; i += 16) {
      const below = f32x4.sub(v128.load(logits + i), tops);
      const e = exp(below);
      exps = f32x4.add(exps, e);
      products = fma(e, below, products);
    }
    let s = sum(exps), t = sum(products);
    for (let i = whole; i < bytes; i += 4) {
      const below = load<f32>(logits + i) - top;
      const e = expOf(below);
      s += e;
      t += e * below;
    }
    if (!first) { // e^(z - before) = e^(z - top) / e^(before - top), and so on
      const below = before - top, e = expOf(below), s0 = load<f32>(sums + row);
      t += e * (load<f32>(entropies + row) + s0 * below);
      s += e * s0;
    }
    const target = load<i32>(targets + row) - start;
    if (target >= 0 && target < columns) {
      store<f32>(logProbs + row, load<f32>(logits + (<usize> target << 2)));
    }
    store<f32>(max + row, top);
    if (last) {
      const logSum = f32x4.extract_lane(log(f32x4.splat(s)), 0);
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
  for (let row: usize = 0; row < <usize> rows << 2; row += 4) {
    const dLogProb = load<f32>(dLogProbs + row), dEntropy = load<f32>(dEntropies + row);
    const entropy = load<f32>(entropies + row);
    const top = load<f32>(max + row), logSum = load<f32>(logSums + row);
    const tops = f32x4.splat(top), logSums4 = f32x4.splat(logSum);
    const d1 = f32x4.splat(-dLogProb), d2 = f32x4.splat(-dEntropy), h = f32x4.splat(entropy);
    for (let i: usize = 0; i < whole; i += 16) {
      const logP = f32x4.sub(f32x4.sub(v128.load(logits + i), tops), logSums4);
      v128.store(logits + i, f32x4.mul(exp(logP), fma(d2, f32x4.add(logP, h), d1)));
    }
    for (let i = whole; i < bytes; i += 4) {
      const logP = load<f32>(logits + i) - top - logSum;
      store<f32>(logits + i, -expOf(logP) * (dLogProb + dEntropy * (logP + entropy)));
    }
    const target = load<i32>(targets + row) - start;
    if (target >= 0 && target < columns) {
      const at = logits + (<usize> target << 2);
      store<f32>(at, load<f32>(at) + dLogProb);
    }
    logits += bytes;
  }
}
