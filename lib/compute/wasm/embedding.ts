/** y[r] = table[ids[r]], rows of `width`. */
export function embedding(table: usize, ids: usize, y: usize, rows: i32, width: i32): void {
  const bytes: usize = <usize> width << 2;
  for (let row = 0; row < rows; row++) {
    memory.copy(y, table + <usize> load<i32>(ids) * bytes, bytes);
    ids += 4;
    y += bytes;
  }
}

/**
 * Rows first to last (excluded) of dTable [*, width]: 0, then dTable[ids[r]] += dy[r] in the order
 * of r, whatever part of the table a thread has.
 */
export function embeddingGrad(
  dy: usize,
  ids: usize,
  dTable: usize,
  rows: i32,
  first: i32,
  last: i32,
  width: i32,
): void {
  const bytes: usize = <usize> width << 2, whole = bytes & ~15;
  memory.fill(dTable + <usize> first * bytes, 0, <usize> (last - first) * bytes);
  for (let row = 0; row < rows; row++) {
    const id = load<i32>(ids);
    if (first <= id && id < last) {
      const sums = dTable + <usize> id * bytes;
      for (let i: usize = 0; i < whole; i += 16) {
        v128.store(sums + i, f32x4.add(v128.load(sums + i), v128.load(dy + i)));
      }
      for (let i = whole; i < bytes; i += 4) {
        store<f32>(sums + i, load<f32>(sums + i) + load<f32>(dy + i));
      }
    }
    ids += 4;
    dy += bytes;
  }
}
