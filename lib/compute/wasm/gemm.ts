/*
 * Matrix products in single precision.
 *
 * Many rows: the scheme of BLIS (van Zee and van de Geijn, 2015). A block of C, 6 rows by 8
 * columns, stays in 12 of the 15 vector registers that V8 hands out; one step takes 8 numbers of a
 * row of op(B) and 6 of a column of op(A). It reads A through any two strides, so that A is used
 * where it lies, transposed or not. B is packed, 256 x 256 of it at a time (256 KiB, half of a
 * small level-2 cache): cut upright into strips 8 wide, padded with zeros. A transposed A is copied
 * too where its rows are a multiple of 4 KiB apart, since all of them would then share 12 lines of
 * the level-1 cache: 42 GFLOP/s became 57.
 *
 * Few rows: packing B would cost more than it gains. Rows of B are added to rows of C or, when B is
 * transposed, dot products are taken, eight numbers of A or of C at a time; B is read once, in long
 * streams.
 *
 * Measured in Deno 2.9 on a Zen 5 core at 4 GHz, which can do 64 GFLOP/s with 128-bit registers. On
 * packed strips 6x8 gives 62, 5x8 59, 3x12 57, 4x8 56; 4x12 and others that want a 16th register
 * spill and give 30, and so does 6x8 unrolled (42). Panels from 256 x 256 to 1024 x 192 are alike.
 * Under Deno V8 checks the bounds of every access, so loads are what is scarce. A module that
 * declares no initial memory (asc --initialMemory) pays for a second check, 62 becomes 53. Shared
 * memory costs up to a tenth, as its size is read again after every store.
 */
import { fma } from "./math";

const ROWS = 6, COLUMNS = 8; // of the block of C in registers
const DEPTH = 256, WIDTH = 256; // of the panel of B that is packed at a time
const ADDED_ROWS = 32; // up to here rows of B are added to rows of C
const DOT_ROWS = 16; // up to here dot products are taken

/** Bytes of scratch that {@linkcode gemm} needs: at most 263 KiB. */
export function gemmScratch(m: i32, n: i32, k: i32): i32 {
  const depth = min(k, DEPTH), width = (min(n, WIDTH) + COLUMNS - 1) & -COLUMNS;
  return 4 * (ROWS * COLUMNS + ROWS * depth + width * depth);
}

/**
 * C = alpha op(A) op(B) + beta C, all row-major; op(A) is `[m, k]`, op(B) `[k, n]`, C `[m, n]`.
 * Leading dimensions are in numbers, as in cblas. C is not read when beta is 0, nor A and B when
 * alpha is.
 */
export function gemm(
  transposeA: i32,
  transposeB: i32,
  m: i32,
  n: i32,
  k: i32,
  alpha: f32,
  a: usize,
  lda: i32,
  b: usize,
  ldb: i32,
  beta: f32,
  c: usize,
  ldc: i32,
  scratch: usize,
): void {
  if (m <= 0 || n <= 0) return;
  // Bytes from a row of op(A) to the next, and from a column; for B and C from a row as it lies.
  const aRow = transposeA ? 4 : 4 * lda, aColumn = transposeA ? 4 * lda : 4;
  const bRow = 4 * ldb, cRow = 4 * ldc;
  if (k <= 0 || alpha == 0) {
    scale(m, n, beta, c, cRow);
  } else if (m <= ADDED_ROWS && !transposeB) {
    scale(m, n, beta, c, cRow);
    addRows(m, n, k, alpha, a, aRow, aColumn, b, bRow, c, cRow);
  } else if (m <= DOT_ROWS && !transposeA) {
    dotProducts(m, n, k, alpha, a, aRow, b, bRow, beta, c, cRow);
  } else {
    multiplyPanels(m, n, k, alpha, a, aRow, aColumn, transposeB, b, bRow, beta, c, cRow, scratch);
  }
}

function scale(m: i32, n: i32, beta: f32, c: usize, cRow: i32): void {
  if (beta == 1) return;
  for (let i = 0; i < m; i++, c += cRow) {
    if (beta == 0) memory.fill(c, 0, 4 * n);
    else for (let j = 0; j < n; j++) store<f32>(c + 4 * j, beta * load<f32>(c + 4 * j));
  }
}

// ---- Many rows: blocks of C against a packed panel of B ----

function multiplyPanels(
  m: i32,
  n: i32,
  k: i32,
  alpha: f32,
  a: usize,
  aRow: i32,
  aColumn: i32,
  transposeB: i32,
  b: usize,
  bRow: i32,
  beta: f32,
  c: usize,
  cRow: i32,
  scratch: usize,
): void {
  const block = scratch, strip = block + 4 * ROWS * COLUMNS;
  const panel = strip + 4 * ROWS * min(k, DEPTH);
  const copiesA = aRow == 4 && aColumn % 4096 == 0;
  for (let p = 0; p < k; p += DEPTH) {
    const depth = min(DEPTH, k - p);
    const kept: f32 = p == 0 ? beta : 1;
    for (let j = 0; j < n; j += WIDTH) {
      const width = min(WIDTH, n - j);
      if (transposeB) packTransposed(b + j * bRow + 4 * p, bRow, width, depth, panel);
      else packUpright(b + p * bRow + 4 * j, bRow, width, depth, panel);
      for (let i = 0; i < m;) {
        const left = m - i;
        const fours = left <= 4 || left == 7 || left == 8; // 8 as 4 + 4, not 6 + 2
        const rows = min(fours ? 4 : ROWS, left);
        let from = a + i * aRow + p * aColumn, row = aRow, column = aColumn;
        if (copiesA) {
          packColumns(from, aColumn, rows, depth, strip);
          from = strip;
          row = 4;
          column = 4 * ROWS;
        }
        const to = c + i * cRow + 4 * j;
        if (fours) {
          fourRows(rows, width, depth, alpha, from, row, column, panel, kept, to, cRow, block);
        } else {
          sixRows(rows, width, depth, alpha, from, row, column, panel, kept, to, cRow, block);
        }
        i += rows;
      }
    }
  }
}

function sixRows(
  rows: i32,
  width: i32,
  depth: i32,
  alpha: f32,
  a: usize,
  aRow: i32,
  aColumn: i32,
  panel: usize,
  beta: f32,
  c: usize,
  cRow: i32,
  block: usize,
): void {
  allColumns(6, rows, width, depth, alpha, a, aRow, aColumn, panel, beta, c, cRow, block);
}

function fourRows(
  rows: i32,
  width: i32,
  depth: i32,
  alpha: f32,
  a: usize,
  aRow: i32,
  aColumn: i32,
  panel: usize,
  beta: f32,
  c: usize,
  cRow: i32,
  block: usize,
): void {
  allColumns(4, rows, width, depth, alpha, a, aRow, aColumn, panel, beta, c, cRow, block);
}

/**
 * Blocks of `height` rows, a constant, along the panel. Where fewer `rows` or columns are left the
 * kernel works on copies of the first row and on zeros; `block` takes a block that is too wide.
 */
// @ts-ignore: decorator
@inline
function allColumns(
  height: i32,
  rows: i32,
  width: i32,
  depth: i32,
  alpha: f32,
  a: usize,
  aRow: i32,
  aColumn: i32,
  panel: usize,
  beta: f32,
  c: usize,
  cRow: i32,
  block: usize,
): void {
  const a1 = rows > 1 ? aRow : 0, a2 = rows > 2 ? 2 * aRow : 0, a3 = rows > 3 ? 3 * aRow : 0;
  const a4 = rows > 4 ? 4 * aRow : 0, a5 = rows > 5 ? 5 * aRow : 0;
  for (; width > 0; width -= COLUMNS, c += 4 * COLUMNS) {
    let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
    let c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
    let at = a;
    for (let p = depth; p > 0; p--, at += aColumn, panel += 4 * COLUMNS) {
      const b0 = v128.load(panel), b1 = v128.load(panel, 16);
      let x = v128.load32_splat(at);
      c00 = fma(x, b0, c00);
      c01 = fma(x, b1, c01);
      x = v128.load32_splat(at + a1);
      c10 = fma(x, b0, c10);
      c11 = fma(x, b1, c11);
      x = v128.load32_splat(at + a2);
      c20 = fma(x, b0, c20);
      c21 = fma(x, b1, c21);
      x = v128.load32_splat(at + a3);
      c30 = fma(x, b0, c30);
      c31 = fma(x, b1, c31);
      if (height > 4) {
        x = v128.load32_splat(at + a4);
        c40 = fma(x, b0, c40);
        c41 = fma(x, b1, c41);
        x = v128.load32_splat(at + a5);
        c50 = fma(x, b0, c50);
        c51 = fma(x, b1, c51);
      }
    }
    const fits = width >= COLUMNS;
    const kept: f32 = fits ? beta : 0, step = fits ? cRow : 4 * COLUMNS;
    const to = fits ? c : block;
    put(to, c00, c01, alpha, kept);
    if (rows > 1) put(to + step, c10, c11, alpha, kept);
    if (rows > 2) put(to + 2 * step, c20, c21, alpha, kept);
    if (rows > 3) put(to + 3 * step, c30, c31, alpha, kept);
    if (height > 4) {
      if (rows > 4) put(to + 4 * step, c40, c41, alpha, kept);
      if (rows > 5) put(to + 5 * step, c50, c51, alpha, kept);
    }
    if (!fits) {
      for (let i = 0; i < rows; i++) {
        for (let x = 0; x < width; x++) {
          const at = c + i * cRow + 4 * x, value = load<f32>(block + 4 * (COLUMNS * i + x));
          store<f32>(at, beta == 0 ? value : value + beta * load<f32>(at));
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function put(c: usize, sum0: v128, sum1: v128, alpha: f32, beta: f32): void {
  sum0 = f32x4.mul(f32x4.splat(alpha), sum0);
  sum1 = f32x4.mul(f32x4.splat(alpha), sum1);
  if (beta != 0) {
    sum0 = fma(f32x4.splat(beta), v128.load(c), sum0);
    sum1 = fma(f32x4.splat(beta), v128.load(c, 16), sum1);
  }
  v128.store(c, sum0);
  v128.store(c, sum1, 16);
}

/** Copies `[depth, width]` of B into strips `[depth, 8]`. */
function packUpright(b: usize, bRow: i32, width: i32, depth: i32, to: usize): void {
  for (; width > 0; width -= COLUMNS, b += 4 * COLUMNS) {
    let from = b;
    for (let p = 0; p < depth; p++, from += bRow, to += 4 * COLUMNS) {
      if (width >= COLUMNS) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
      } else {
        for (let x = 0; x < COLUMNS; x++) {
          store<f32>(to + 4 * x, x < width ? load<f32>(from + 4 * x) : 0);
        }
      }
    }
  }
}

/** Copies `[width, depth]` of B into the same strips `[depth, 8]`. */
function packTransposed(b: usize, bRow: i32, width: i32, depth: i32, to: usize): void {
  for (; width > 0; width -= COLUMNS, b += COLUMNS * bRow) {
    let from = b, p = width < COLUMNS ? 0 : depth >> 2;
    for (let left = p; left > 0; left--, from += 16, to += 16 * COLUMNS) {
      transposeSquare(from, bRow, to);
      transposeSquare(from + 4 * bRow, bRow, to + 16);
    }
    for (p *= 4; p < depth; p++, from += 4, to += 4 * COLUMNS) {
      for (let x = 0; x < COLUMNS; x++) {
        store<f32>(to + 4 * x, x < width ? load<f32>(from + x * bRow) : 0);
      }
    }
  }
}

/** 4 rows of 4 become columns of a strip. */
// @ts-ignore: decorator
@inline
function transposeSquare(from: usize, row: i32, to: usize): void {
  const x0 = v128.load(from), x1 = v128.load(from + row);
  const x2 = v128.load(from + 2 * row), x3 = v128.load(from + 3 * row);
  const low0 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
  const low2 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
  const high0 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
  const high2 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f64>(low0, low2, 0, 2));
  v128.store(to, v128.shuffle<f64>(low0, low2, 1, 3), 4 * COLUMNS);
  v128.store(to, v128.shuffle<f64>(high0, high2, 0, 2), 8 * COLUMNS);
  v128.store(to, v128.shuffle<f64>(high0, high2, 1, 3), 12 * COLUMNS);
}

/** Copies `[depth, rows]` of a transposed A into a strip `[depth, 6]`. */
function packColumns(a: usize, aColumn: i32, rows: i32, depth: i32, to: usize): void {
  for (; depth > 0; depth--, a += aColumn, to += 4 * ROWS) {
    if (rows == ROWS) {
      v128.store(to, v128.load(a));
      store<u64>(to, load<u64>(a, 16), 16);
    } else {
      for (let x = 0; x < rows; x++) store<f32>(to + 4 * x, load<f32>(a + 4 * x));
    }
  }
}

// ---- Few rows, B upright: rows of B, times numbers of A, are added to rows of C ----

function addRows(
  m: i32,
  n: i32,
  k: i32,
  alpha: f32,
  a: usize,
  aRow: i32,
  aColumn: i32,
  b: usize,
  bRow: i32,
  c: usize,
  cRow: i32,
): void {
  for (; k >= 4; k -= 4, a += 4 * aColumn, b += 4 * bRow) {
    let i = 0;
    for (; i + 2 <= m; i += 2) {
      addTo(2, 4, n, alpha, a + i * aRow, aRow, aColumn, b, bRow, c + i * cRow, cRow);
    }
    if (i < m) addTo(1, 4, n, alpha, a + i * aRow, aRow, aColumn, b, bRow, c + i * cRow, cRow);
  }
  for (; k > 0; k--, a += aColumn, b += bRow) {
    for (let i = 0; i < m; i++) {
      addTo(1, 1, n, alpha, a + i * aRow, aRow, aColumn, b, bRow, c + i * cRow, cRow);
    }
  }
}

/** Adds `depth` rows of B, 1 or 4, to `rows` rows of C, 1 or 2; both are constants. */
// @ts-ignore: decorator
@inline
function addTo(
  rows: i32,
  depth: i32,
  n: i32,
  alpha: f32,
  a: usize,
  aRow: i32,
  aColumn: i32,
  b: usize,
  bRow: i32,
  c: usize,
  cRow: i32,
): void {
  const x00 = times(alpha, a), x10 = rows > 1 ? times(alpha, a + aRow) : x00;
  let x01 = x00, x02 = x00, x03 = x00, x11 = x00, x12 = x00, x13 = x00;
  if (depth > 1) {
    x01 = times(alpha, a + aColumn);
    x02 = times(alpha, a + 2 * aColumn);
    x03 = times(alpha, a + 3 * aColumn);
  }
  if (depth > 1 && rows > 1) {
    x11 = times(alpha, a + aRow + aColumn);
    x12 = times(alpha, a + aRow + 2 * aColumn);
    x13 = times(alpha, a + aRow + 3 * aColumn);
  }
  const b1 = bRow, b2 = 2 * bRow, b3 = 3 * bRow;
  // Two vectors a round: 60 GFLOP/s, not 53.
  for (; n >= 8; n -= 8, b += 32, c += 32) {
    const y = b + 16, z = c + 16;
    addColumns(4, rows, depth, x00, x01, x02, x03, x10, x11, x12, x13, b, b1, b2, b3, c, cRow);
    addColumns(4, rows, depth, x00, x01, x02, x03, x10, x11, x12, x13, y, b1, b2, b3, z, cRow);
  }
  for (; n >= 4; n -= 4, b += 16, c += 16) {
    addColumns(4, rows, depth, x00, x01, x02, x03, x10, x11, x12, x13, b, b1, b2, b3, c, cRow);
  }
  for (; n > 0; n--, b += 4, c += 4) {
    addColumns(1, rows, depth, x00, x01, x02, x03, x10, x11, x12, x13, b, b1, b2, b3, c, cRow);
  }
}

// @ts-ignore: decorator
@inline
function times(alpha: f32, a: usize): v128 {
  return f32x4.splat(alpha * load<f32>(a));
}

// @ts-ignore: decorator
@inline
function addColumns(
  columns: i32,
  rows: i32,
  depth: i32,
  x00: v128,
  x01: v128,
  x02: v128,
  x03: v128,
  x10: v128,
  x11: v128,
  x12: v128,
  x13: v128,
  b: usize,
  b1: i32,
  b2: i32,
  b3: i32,
  c: usize,
  cRow: i32,
): void {
  let y = loadSome(columns, b);
  let c0 = fma(x00, y, loadSome(columns, c)), c1 = c0;
  if (rows > 1) c1 = fma(x10, y, loadSome(columns, c + cRow));
  if (depth > 1) {
    y = loadSome(columns, b + b1);
    c0 = fma(x01, y, c0);
    if (rows > 1) c1 = fma(x11, y, c1);
    y = loadSome(columns, b + b2);
    c0 = fma(x02, y, c0);
    if (rows > 1) c1 = fma(x12, y, c1);
    y = loadSome(columns, b + b3);
    c0 = fma(x03, y, c0);
    if (rows > 1) c1 = fma(x13, y, c1);
  }
  storeSome(columns, c, c0);
  if (rows > 1) storeSome(columns, c + cRow, c1);
}

/** 4 numbers, or 1 and zeros; `count` is a constant. */
// @ts-ignore: decorator
@inline
function loadSome(count: i32, at: usize): v128 {
  return count == 4 ? v128.load(at) : v128.load32_zero(at);
}

// @ts-ignore: decorator
@inline
function storeSome(count: i32, at: usize, x: v128): void {
  if (count == 4) v128.store(at, x);
  else v128.store_lane<f32>(at, x, 0);
}

// ---- Few rows, B transposed: dot products of rows of A and rows of B ----

/**
 * Eight at a time: 2 rows by 4 columns, or 1 by 8. The columns are a quarter or an eighth of n
 * apart, so that B is read in long streams: from memory twice as fast as in short ones.
 */
function dotProducts(
  m: i32,
  n: i32,
  k: i32,
  alpha: f32,
  a: usize,
  aRow: i32,
  b: usize,
  bRow: i32,
  beta: f32,
  c: usize,
  cRow: i32,
): void {
  const apart = m == 1 ? n >> 3 : n >> 2, together = m == 1 ? apart << 3 : apart << 2;
  for (let j = 0; j < n; j = j + 1 == apart ? together : j + 1) {
    // The columns left over, and an odd row, are taken again and again, all to the same result.
    const step = j < together ? apart : 0, column = b + j * bRow, to = c + 4 * j;
    if (m == 1) {
      eightDots(1, k, alpha, a, 0, column, step * bRow, beta, to, 16 * step, 4 * step);
    } else {
      for (let i = 0; i < m; i += 2) {
        const pair = i + 1 < m, aNext = pair ? aRow : 0, cNext = pair ? cRow : 0;
        const row = a + i * aRow, at = to + i * cRow;
        eightDots(2, k, alpha, row, aNext, column, step * bRow, beta, at, cNext, 4 * step);
      }
    }
  }
}

/** The second four are of the next row where `rows`, a constant, is 2; of the next columns if 1. */
// @ts-ignore: decorator
@inline
function eightDots(
  rows: i32,
  k: i32,
  alpha: f32,
  a: usize,
  aNext: i32,
  b: usize,
  bStep: i32,
  beta: f32,
  c: usize,
  cNext: i32,
  cStep: i32,
): void {
  let c0 = f32x4.splat(0), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;
  // Not left to the compilers, which would multiply in the loop.
  const b1 = bStep, b2 = 2 * bStep, b3 = 3 * bStep, b4 = 4 * bStep;
  const b5 = 5 * bStep, b6 = 6 * bStep, b7 = 7 * bStep;
  for (; k >= 4; k -= 4, a += 16, b += 16) {
    const x = v128.load(a), x1 = rows > 1 ? v128.load(a + aNext) : x;
    let y = v128.load(b);
    c0 = fma(x, y, c0);
    if (rows > 1) c4 = fma(x1, y, c4);
    y = v128.load(b + b1);
    c1 = fma(x, y, c1);
    if (rows > 1) c5 = fma(x1, y, c5);
    y = v128.load(b + b2);
    c2 = fma(x, y, c2);
    if (rows > 1) c6 = fma(x1, y, c6);
    y = v128.load(b + b3);
    c3 = fma(x, y, c3);
    if (rows > 1) c7 = fma(x1, y, c7);
    if (rows == 1) {
      c4 = fma(x, v128.load(b + b4), c4);
      c5 = fma(x, v128.load(b + b5), c5);
      c6 = fma(x, v128.load(b + b6), c6);
      c7 = fma(x, v128.load(b + b7), c7);
    }
  }
  let dots0 = sums(c0, c1, c2, c3), dots1 = sums(c4, c5, c6, c7);
  for (; k > 0; k--, a += 4, b += 4) {
    const y = gather(b, bStep);
    dots0 = fma(v128.load32_splat(a), y, dots0);
    dots1 = fma(v128.load32_splat(a + aNext), rows > 1 ? y : gather(b + 4 * bStep, bStep), dots1);
  }
  dots0 = f32x4.mul(f32x4.splat(alpha), dots0);
  dots1 = f32x4.mul(f32x4.splat(alpha), dots1);
  if (beta != 0) {
    dots0 = fma(f32x4.splat(beta), gather(c, cStep), dots0);
    dots1 = fma(f32x4.splat(beta), gather(c + cNext, cStep), dots1);
  }
  scatter(c, cStep, dots0);
  scatter(c + cNext, cStep, dots1);
}

/** The sums of four vectors, in one. */
// @ts-ignore: decorator
@inline
function sums(x0: v128, x1: v128, x2: v128, x3: v128): v128 {
  const low = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), high = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
  const low2 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5), high2 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
  const sum01 = f32x4.add(low, high), sum23 = f32x4.add(low2, high2);
  return f32x4.add(v128.shuffle<f64>(sum01, sum23, 0, 2), v128.shuffle<f64>(sum01, sum23, 1, 3));
}

// @ts-ignore: decorator
@inline
function gather(at: usize, step: i32): v128 {
  const last = at + 3 * step;
  return f32x4(load<f32>(at), load<f32>(at + step), load<f32>(at + 2 * step), load<f32>(last));
}

// @ts-ignore: decorator
@inline
function scatter(at: usize, step: i32, x: v128): void {
  v128.store_lane<f32>(at, x, 0);
  v128.store_lane<f32>(at + step, x, 1);
  v128.store_lane<f32>(at + 2 * step, x, 2);
  v128.store_lane<f32>(at + 3 * step, x, 3);
}
