import {
  fma, held, K1, K2, K3, K4, K5, largest, LEAST, log, LOG2E, power, ROUND, sum, zeroOf,
} from "./math";

// Products are made of tiles of 4 rows and 8 columns. The second operand is packed beforehand in
// panels of 8 columns, which also keeps rows of a power of two apart from the same cache lines.

/** Query rows whose probabilities the gradient keeps at once: its room is linear in the tokens. */
const BLOCK: usize = 64;

// @ts-ignore: decorator
@inline
function upTo(n: usize, multiple: usize): usize {
  return (n + multiple - 1) & ~(multiple - 1);
}

/** Bytes from one row of scores to the next; the odd line keeps rows out of each other's cache. */
// @ts-ignore: decorator
@inline
function scoresRow(tokens: usize): usize {
  return (upTo(tokens, 16) + 16) << 2;
}

/** Bytes of a sequence's keys, or values, when packed. */
// @ts-ignore: decorator
@inline
function packed(tokens: usize, headDim: usize): usize {
  return upTo(tokens, 8) * upTo(headDim, 8) << 2;
}

/** Bytes of scratch for a sequence, forward or backward. */
export function attentionScratch(tokens: usize, headDim: usize): usize {
  return 3 * packed(tokens, headDim) + 2 * packed(BLOCK, headDim) + 2 * BLOCK * scoresRow(tokens);
}

/** The first `columns` of a row's eight numbers, stored or added. */
// @ts-ignore: decorator
@inline
function put(c: usize, columns: usize, left: v128, right: v128, adds: bool): void {
  if (columns >= 8) {
    v128.store(c, adds ? f32x4.add(left, v128.load(c)) : left);
    v128.store(c, adds ? f32x4.add(right, v128.load(c, 16)) : right, 16);
  } else {
    for (const end = c + (columns << 2); c < end; c += 4) {
      const x = f32x4.extract_lane(left, 0);
      store<f32>(c, adds ? x + load<f32>(c) : x);
      left = v128.shuffle<f32>(left, right, 1, 2, 3, 4);
      right = v128.shuffle<f32>(right, right, 1, 2, 3, 0);
    }
  }
}

/**
 * C [rows, columns] = A [rows, depth] B, or added to C; rows <= 4 and depth even. Numbers of A are
 * aRow and aStep bytes apart; B [depth, 8] comes in panels.
 */
function multiply(
  a: usize,
  aRow: usize,
  aStep: usize,
  rows: usize,
  depth: usize,
  b: usize,
  panel: usize,
  c: usize,
  cRow: usize,
  columns: usize,
  adds: bool,
): void {
  const second = rows > 1 ? a + aRow : a;
  const third = rows > 2 ? second + aRow : a;
  const fourth = rows > 3 ? third + aRow : a;
  for (let column: usize = 0; column < columns; column += 8) {
    let a0 = a, a1 = second, a2 = third, a3 = fourth, at = b;
    let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00;
    let c20 = c00, c21 = c00, c30 = c00, c31 = c00;
    for (const end = b + (depth << 5); at < end; at += 64) {
      let b0 = v128.load(at), b1 = v128.load(at, 16), x = v128.load32_splat(a0);
      c00 = fma(x, b0, c00);
      c01 = fma(x, b1, c01);
      x = v128.load32_splat(a1);
      c10 = fma(x, b0, c10);
      c11 = fma(x, b1, c11);
      x = v128.load32_splat(a2);
      c20 = fma(x, b0, c20);
      c21 = fma(x, b1, c21);
      x = v128.load32_splat(a3);
      c30 = fma(x, b0, c30);
      c31 = fma(x, b1, c31);
      b0 = v128.load(at, 32);
      b1 = v128.load(at, 48);
      x = v128.load32_splat(a0 + aStep);
      c00 = fma(x, b0, c00);
      c01 = fma(x, b1, c01);
      x = v128.load32_splat(a1 + aStep);
      c10 = fma(x, b0, c10);
      c11 = fma(x, b1, c11);
      x = v128.load32_splat(a2 + aStep);
      c20 = fma(x, b0, c20);
      c21 = fma(x, b1, c21);
      x = v128.load32_splat(a3 + aStep);
      c30 = fma(x, b0, c30);
      c31 = fma(x, b1, c31);
      a0 += 2 * aStep;
      a1 += 2 * aStep;
      a2 += 2 * aStep;
      a3 += 2 * aStep;
    }
    const left = columns - column;
    put(c, left, c00, c01, adds);
    if (rows > 1) put(c + cRow, left, c10, c11, adds);
    if (rows > 2) put(c + 2 * cRow, left, c20, c21, adds);
    if (rows > 3) put(c + 3 * cRow, left, c30, c31, adds);
    b += panel;
    c += 32;
  }
}

/** x [rows, columns] as panels [columns / 8, rows, 8]; 0 up to a multiple of 4 rows, 8 columns. */
function pack(x: usize, stride: usize, rows: usize, columns: usize, y: usize): void {
  const beyond = upTo(rows, 4) - rows << 5;
  for (let column: usize = 0; column < columns; column += 8) {
    const whole = column + 8 <= columns;
    let from = x + (column << 2);
    for (const end = y + (rows << 5); y < end; y += 32) {
      if (whole) {
        v128.store(y, v128.load(from));
        v128.store(y, v128.load(from, 16), 16);
      } else {
        memory.fill(y, 0, 32);
        memory.copy(y, from, columns - column << 2);
      }
      from += stride;
    }
    memory.fill(y, 0, beyond);
    y += beyond;
  }
}

/** x [rows, columns] transposed, as panels [rows / 8, columns, 8]; anything where rows end. */
function packTransposed(x: usize, stride: usize, rows: usize, columns: usize, y: usize): void {
  const whole = columns & ~3;
  for (let row: usize = 0; row < rows; row += 4) {
    let x0 = x + row * stride;
    let x1 = row + 1 < rows ? x0 + stride : x0;
    let x2 = row + 2 < rows ? x1 + stride : x0;
    let x3 = row + 3 < rows ? x2 + stride : x0;
    let to = y + ((row & ~7) * columns + (row & 4) << 2);
    for (let column: usize = 0; column < whole; column += 4) {
      const v0 = v128.load(x0), v1 = v128.load(x1), v2 = v128.load(x2), v3 = v128.load(x3);
      const s0 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5), s1 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
      const s2 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5), s3 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<f64>(s0, s2, 0, 2));
      v128.store(to, v128.shuffle<f64>(s0, s2, 1, 3), 32);
      v128.store(to, v128.shuffle<f64>(s1, s3, 0, 2), 64);
      v128.store(to, v128.shuffle<f64>(s1, s3, 1, 3), 96);
      x0 += 16;
      x1 += 16;
      x2 += 16;
      x3 += 16;
      to += 128;
    }
    for (let column = whole; column < columns; column++) {
      store<f32>(to, load<f32>(x0));
      store<f32>(to, load<f32>(x1), 4);
      store<f32>(to, load<f32>(x2), 8);
      store<f32>(to, load<f32>(x3), 12);
      x0 += 4;
      x1 += 4;
      x2 += 4;
      x3 += 4;
      to += 32;
    }
  }
}

/** Ones in the lanes of the last four keys that row `i` of four reads. */
// @ts-ignore: decorator
@inline
function reads(i: i32): v128 {
  return i32x4.le_s(i32x4(0, 1, 2, 3), i32x4.splat(i));
}

/**
 * Replaces x in four rows by 2^(x scale + shift), up to the `last` four keys of each, where keys
 * that a row may not read get 0. Gives the four sums.
 */
function powers(p: usize, row: usize, last: usize, scale: v128, shifts: v128): v128 {
  const zero = zeroOf(row);
  const least = held(LEAST, zero), round = held(ROUND, zero), one = held(1, zero);
  const k1 = held(K1, zero), k2 = held(K2, zero), k3 = held(K3, zero);
  const k4 = held(K4, zero), k5 = held(K5, zero);
  const p1 = p + row, p2 = p1 + row, p3 = p2 + row;
  const shift0 = v128.shuffle<f32>(shifts, shifts, 0, 0, 0, 0);
  const shift1 = v128.shuffle<f32>(shifts, shifts, 1, 1, 1, 1);
  const shift2 = v128.shuffle<f32>(shifts, shifts, 2, 2, 2, 2);
  const shift3 = v128.shuffle<f32>(shifts, shifts, 3, 3, 3, 3);
  let sum0 = f32x4.splat(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (let at: usize = 0; at <= last; at += 16) {
    let x = fma(v128.load(p + at), scale, shift0);
    x = power(f32x4.pmax(x, least), round, k5, k4, k3, k2, k1, one);
    sum0 = f32x4.add(sum0, x);
    v128.store(p + at, x);
    x = fma(v128.load(p1 + at), scale, shift1);
    x = power(f32x4.pmax(x, least), round, k5, k4, k3, k2, k1, one);
    sum1 = f32x4.add(sum1, x);
    v128.store(p1 + at, x);
    x = fma(v128.load(p2 + at), scale, shift2);
    x = power(f32x4.pmax(x, least), round, k5, k4, k3, k2, k1, one);
    sum2 = f32x4.add(sum2, x);
    v128.store(p2 + at, x);
    x = fma(v128.load(p3 + at), scale, shift3);
    x = power(f32x4.pmax(x, least), round, k5, k4, k3, k2, k1, one);
    sum3 = f32x4.add(sum3, x);
    v128.store(p3 + at, x);
  }
  v128.store(p + last, v128.and(v128.load(p + last), reads(0)));
  v128.store(p1 + last, v128.and(v128.load(p1 + last), reads(1)));
  v128.store(p2 + last, v128.and(v128.load(p2 + last), reads(2)));
  return f32x4(sum(sum0), sum(sum1), sum(sum2), sum(sum3));
}

/**
 * Scores of four rows from row `first` of the sequence become probabilities, and lse the logarithm
 * to base 2 of what they were divided by, of `rows` of them; scale is that of powers of 2.
 */
function softmax(
  p: usize,
  row: usize,
  first: usize,
  rows: usize,
  scale: f32,
  lse: usize,
  lseRow: usize,
): void {
  const last = first << 2, p1 = p + row, p2 = p1 + row, p3 = p2 + row;
  const lowest = f32x4.splat(-Infinity);
  let top0 = v128.bitselect(v128.load(p + last), lowest, reads(0));
  let top1 = v128.bitselect(v128.load(p1 + last), lowest, reads(1));
  let top2 = v128.bitselect(v128.load(p2 + last), lowest, reads(2));
  let top3 = v128.load(p3 + last);
  v128.store(p + last, top0);
  v128.store(p1 + last, top1);
  v128.store(p2 + last, top2);
  for (let at: usize = 0; at < last; at += 16) {
    top0 = f32x4.pmax(top0, v128.load(p + at));
    top1 = f32x4.pmax(top1, v128.load(p1 + at));
    top2 = f32x4.pmax(top2, v128.load(p2 + at));
    top3 = f32x4.pmax(top3, v128.load(p3 + at));
  }
  const by = f32x4.splat(scale);
  const tops = f32x4(largest(top0), largest(top1), largest(top2), largest(top3));
  const shifts = f32x4.neg(f32x4.mul(by, tops));
  const sums = powers(p, row, last, by, shifts);
  const ones = f32x4.div(f32x4.splat(1), sums);
  const one0 = f32x4.splat(f32x4.extract_lane(ones, 0));
  const one1 = f32x4.splat(f32x4.extract_lane(ones, 1));
  const one2 = f32x4.splat(f32x4.extract_lane(ones, 2));
  const one3 = f32x4.splat(f32x4.extract_lane(ones, 3));
  for (let at: usize = 0; at <= last; at += 16) {
    v128.store(p + at, f32x4.mul(v128.load(p + at), one0));
    v128.store(p1 + at, f32x4.mul(v128.load(p1 + at), one1));
    v128.store(p2 + at, f32x4.mul(v128.load(p2 + at), one2));
    v128.store(p3 + at, f32x4.mul(v128.load(p3 + at), one3));
  }
  const logs = f32x4.sub(f32x4.mul(log(sums), f32x4.splat(LOG2E)), shifts);
  store<f32>(lse, f32x4.extract_lane(logs, 0));
  if (rows > 1) store<f32>(lse + lseRow, f32x4.extract_lane(logs, 1));
  if (rows > 2) store<f32>(lse + 2 * lseRow, f32x4.extract_lane(logs, 2));
  if (rows > 3) store<f32>(lse + 3 * lseRow, f32x4.extract_lane(logs, 3));
}

// @ts-ignore: decorator
@inline
function dot(a: usize, b: usize, n: usize): f32 {
  let products = f32x4.splat(0);
  const end = a + (n << 2), whole = a + (n << 2 & ~15);
  for (; a < whole; a += 16, b += 16) products = fma(v128.load(a), v128.load(b), products);
  let total = sum(products);
  for (; a < end; a += 4, b += 4) total += load<f32>(a) * load<f32>(b);
  return total;
}

/**
 * From scores p and dOut v^T in ds of four rows: p becomes probabilities and ds the gradient of the
 * unscaled scores, p (ds - D) / sqrt(headDim) with D = dOut . out (arXiv:2307.08691, eq. 4).
 */
function softmaxGrad(
  p: usize,
  ds: usize,
  row: usize,
  first: usize,
  rows: usize,
  headDim: usize,
  lse: usize,
  lseRow: usize,
  dOut: usize,
  out: usize,
  outRow: usize,
): void {
  const last = first << 2;
  const second: usize = rows > 1 ? 1 : 0, third: usize = rows > 2 ? 2 : 0;
  const fourth: usize = rows > 3 ? 3 : 0; // rows there are not read again
  const scale = f32x4.splat(<f32> 1 / Mathf.sqrt(<f32> headDim));
  const shifts = f32x4.neg(
    f32x4(
      load<f32>(lse),
      load<f32>(lse + second * lseRow),
      load<f32>(lse + third * lseRow),
      load<f32>(lse + fourth * lseRow),
    ),
  );
  powers(p, row, last, f32x4.mul(scale, f32x4.splat(LOG2E)), shifts);
  const d0 = f32x4.splat(dot(dOut, out, headDim));
  const d1 = f32x4.splat(dot(dOut + second * outRow, out + second * outRow, headDim));
  const d2 = f32x4.splat(dot(dOut + third * outRow, out + third * outRow, headDim));
  const d3 = f32x4.splat(dot(dOut + fourth * outRow, out + fourth * outRow, headDim));
  const p1 = p + row, p2 = p1 + row, p3 = p2 + row;
  const ds1 = ds + row, ds2 = ds1 + row, ds3 = ds2 + row;
  for (let at: usize = 0; at <= last; at += 16) {
    let x = f32x4.mul(v128.load(p + at), scale);
    v128.store(ds + at, f32x4.mul(x, f32x4.sub(v128.load(ds + at), d0)));
    x = f32x4.mul(v128.load(p1 + at), scale);
    v128.store(ds1 + at, f32x4.mul(x, f32x4.sub(v128.load(ds1 + at), d1)));
    x = f32x4.mul(v128.load(p2 + at), scale);
    v128.store(ds2 + at, f32x4.mul(x, f32x4.sub(v128.load(ds2 + at), d2)));
    x = f32x4.mul(v128.load(p3 + at), scale);
    v128.store(ds3 + at, f32x4.mul(x, f32x4.sub(v128.load(ds3 + at), d3)));
  }
}

/** Zeros from key `from` to `to` of four rows: products of whole blocks read them. */
// @ts-ignore: decorator
@inline
function clear(p: usize, row: usize, from: usize, to: usize): void {
  if (from >= to) return;
  memory.fill(p + (from << 2), 0, to - from << 2);
  memory.fill(p + row + (from << 2), 0, to - from << 2);
  memory.fill(p + 2 * row + (from << 2), 0, to - from << 2);
  memory.fill(p + 3 * row + (from << 2), 0, to - from << 2);
}

/** Scores of `rows` rows of a head with `keys` columns become probabilities; room for whole fours. */
export function attentionSoftmax(
  p: usize,
  row: usize,
  first: usize,
  rows: usize,
  keys: usize,
  headDim: usize,
  lse: usize,
  lseRow: usize,
): void {
  const scale = LOG2E / Mathf.sqrt(<f32> headDim);
  for (let i: usize = 0; i < rows; i += 4) {
    softmax(p + i * row, row, first + i, min<usize>(4, rows - i), scale, lse + i * lseRow, lseRow);
    clear(p + i * row, row, first + i + 4, keys);
  }
}

/** Scores in p and dOut v^T in ds become probabilities and the gradient of q k^T, likewise. */
export function attentionSoftmaxGrad(
  p: usize,
  ds: usize,
  row: usize,
  first: usize,
  rows: usize,
  keys: usize,
  headDim: usize,
  lse: usize,
  lseRow: usize,
  dOut: usize,
  out: usize,
  outRow: usize,
): void {
  for (let i: usize = 0; i < rows; i += 4) {
    const four = min<usize>(4, rows - i), o = i * outRow;
    softmaxGrad(
      p + i * row, ds + i * row, row, first + i, four, headDim, lse + i * lseRow, lseRow,
      dOut + o, out + o, outRow,
    );
    clear(p + i * row, row, first + i + 4, keys);
    clear(ds + i * row, row, first + i + 4, keys);
  }
}

/** Where the sequence of a token ends. */
export function attentionEnd(ends: usize, token: usize): usize {
  return load<i32>(ends + (token << 2));
}

/**
 * Attention of `units` pairs of a sequence and a key and value head, in this order, from the
 * sequence that starts at `token` and the given `head`.
 */
export function attention(
  qkv: usize,
  ends: usize,
  out: usize,
  lse: usize,
  heads: usize,
  keyValueHeads: usize,
  headDim: usize,
  token: usize,
  head: usize,
  units: usize,
  scratch: usize,
): void {
  const wide = headDim << 2, outRow = heads * wide, qkvRow = outRow + 2 * keyValueHeads * wide;
  const group = heads / keyValueHeads;
  const scale = LOG2E / Mathf.sqrt(<f32> headDim);
  for (; units > 0; units--) {
    const tokens = <usize> load<i32>(ends + (token << 2)) - token;
    const k = qkv + token * qkvRow + outRow + head * wide, v = k + keyValueHeads * wide;
    const keys = scratch, values = keys + packed(tokens, headDim);
    const p = values + packed(tokens, headDim), row = scoresRow(tokens);
    packTransposed(k, qkvRow, tokens, headDim, keys);
    pack(v, qkvRow, tokens, headDim, values);
    for (let h = head * group; h < (head + 1) * group; h++) {
      const q = qkv + token * qkvRow + h * wide, o = out + token * outRow + h * wide;
      for (let i: usize = 0; i < tokens; i += 4) {
        const rows = min<usize>(4, tokens - i), seen = i + 4;
        multiply(
          q + i * qkvRow, qkvRow, 4, rows, headDim, keys, headDim << 5, p, row, upTo(seen, 8),
          false,
        );
        softmax(p, row, i, rows, scale, lse + ((token + i) * heads + h << 2), heads << 2);
        multiply(
          p, row, 4, rows, seen, values, upTo(tokens, 4) << 5, o + i * outRow, outRow, headDim,
          false,
        );
      }
    }
    if (++head == keyValueHeads) {
      head = 0;
      token += tokens;
    }
  }
}

/** The gradient of `attention`, for the same units. */
export function attentionGrad(
  dOut: usize,
  qkv: usize,
  ends: usize,
  out: usize,
  lse: usize,
  dqkv: usize,
  heads: usize,
  keyValueHeads: usize,
  headDim: usize,
  token: usize,
  head: usize,
  units: usize,
  scratch: usize,
): void {
  const wide = headDim << 2, outRow = heads * wide, qkvRow = outRow + 2 * keyValueHeads * wide;
  const group = heads / keyValueHeads;
  for (; units > 0; units--) {
    const tokens = <usize> load<i32>(ends + (token << 2)) - token;
    const atK = token * qkvRow + outRow + head * wide, atV = atK + keyValueHeads * wide;
    const acrossKeys = scratch, acrossValues = acrossKeys + packed(tokens, headDim);
    const keys = acrossValues + packed(tokens, headDim);
    const queries = keys + packed(tokens, headDim), dOuts = queries + packed(BLOCK, headDim);
    const p = dOuts + packed(BLOCK, headDim), row = scoresRow(tokens), ds = p + BLOCK * row;
    packTransposed(qkv + atK, qkvRow, tokens, headDim, acrossKeys);
    packTransposed(qkv + atV, qkvRow, tokens, headDim, acrossValues);
    pack(qkv + atK, qkvRow, tokens, headDim, keys);
    for (let h = head * group; h < (head + 1) * group; h++) {
      for (let start: usize = 0; start < tokens; start += BLOCK) {
        const size = min<usize>(BLOCK, tokens - start), panel = upTo(size, 4) << 5;
        const atQ = (token + start) * qkvRow + h * wide;
        const atOut = (token + start) * outRow + h * wide;
        pack(qkv + atQ, qkvRow, size, headDim, queries);
        pack(dOut + atOut, outRow, size, headDim, dOuts);
        for (let i: usize = 0; i < size; i += 4) {
          const rows = min<usize>(4, size - i), seen = start + i + 4;
          const q = atQ + i * qkvRow, o = atOut + i * outRow, pI = p + i * row, dsI = ds + i * row;
          multiply(
            qkv + q, qkvRow, 4, rows, headDim, acrossKeys, headDim << 5, pI, row, upTo(seen, 8),
            false,
          );
          multiply(
            dOut + o, outRow, 4, rows, headDim, acrossValues, headDim << 5, dsI, row, upTo(seen, 8),
            false,
          );
          softmaxGrad(
            pI, dsI, row, start + i, rows, headDim, lse + ((token + start + i) * heads + h << 2),
            heads << 2, dOut + o, out + o, outRow,
          );
          multiply(
            dsI, row, 4, rows, seen, keys, upTo(tokens, 4) << 5, dqkv + q, qkvRow, headDim, false,
          );
          memory.fill(pI + rows * row, 0, (4 - rows) * row); // what follows reads rows in fours
          memory.fill(dsI + rows * row, 0, (4 - rows) * row);
        }
        for (let j: usize = 0; j < start + size; j += 4) {
          const i = max(start, j) - start, depth = upTo(size, 4) - i;
          const rows = min<usize>(4, tokens - j), adds = j < start || h > head * group;
          const at = i * row + (j << 2), to = dqkv + j * qkvRow;
          multiply(
            p + at, 4, row, rows, depth, dOuts + (i << 5), panel, to + atV, qkvRow, headDim,
            adds,
          );
          multiply(
            ds + at, 4, row, rows, depth, queries + (i << 5), panel, to + atK, qkvRow, headDim,
            adds,
          );
        }
      }
    }
    if (++head == keyValueHeads) {
      head = 0;
      token += tokens;
    }
  }
}
