import { fma } from "./math";

/**
 * Turns the first `heads` * `headDim` columns of x [rows, columns] and copies the rest. Row r turns
 * by `sign` times the angles in row positions[r] + offset of table [*, headDim]: cosines, then sines.
 */
export function rotate(
  x: usize,
  positions: usize,
  table: usize,
  y: usize,
  rows: i32,
  columns: i32,
  heads: i32,
  headDim: i32,
  offset: i32,
  sign: f32,
): void {
  const bytes: usize = <usize> columns << 2, head: usize = <usize> headDim << 2;
  const half = head >> 1, whole = half & ~15, turned = <usize> heads * head;
  const signs = f32x4.splat(sign);
  for (let row = 0; row < rows; row++) {
    const cos = table + <usize> (load<i32>(positions) + offset) * head, sin = cos + half;
    for (let at: usize = 0; at < turned; at += head) {
      const a = x + at, b = a + half, turnedA = y + at, turnedB = turnedA + half;
      for (let i: usize = 0; i < whole; i += 16) {
        const c = v128.load(cos + i), s = f32x4.mul(v128.load(sin + i), signs);
        const u = v128.load(a + i), v = v128.load(b + i);
        v128.store(turnedA + i, fma(u, c, f32x4.neg(f32x4.mul(v, s))));
        v128.store(turnedB + i, fma(v, c, f32x4.mul(u, s)));
      }
      for (let i = whole; i < half; i += 4) {
        const c = load<f32>(cos + i), s = load<f32>(sin + i) * sign;
        const u = load<f32>(a + i), v = load<f32>(b + i);
        store<f32>(turnedA + i, u * c - v * s);
        store<f32>(turnedB + i, v * c + u * s);
      }
    }
    memory.copy(y + turned, x + turned, bytes - turned);
    positions += 4;
    x += bytes;
    y += bytes;
  }
}
