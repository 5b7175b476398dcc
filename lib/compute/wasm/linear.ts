/** Each row of y [rows, width], `stride` numbers apart, becomes bias, or bias added to it. */
export function addToRows(
  bias: usize,
  y: usize,
  rows: i32,
  width: i32,
  stride: i32,
  adds: i32,
): void {
  for (let row = 0; row < rows; row++) {
    for (let i: usize = 0; i < <usize> width << 2; i += 4) {
      const before: f32 = adds ? load<f32>(y + i) : 0;
      store<f32>(y + i, before + load<f32>(bias + i));
    }
    y += <usize> stride << 2;
  }
}

/** Copies `count` numbers; the two places do not overlap. */
export function copyNumbers(to: usize, from: usize, count: i32): void {
  memory.copy(to, from, <usize> count << 2);
}
