import { assertEquals } from "@std/assert";
import { BF16, F16, F32, type FloatFormat } from "../../../lib/model/io/number_formats.ts";

/** Numbers after a way to a file and back. */
function stored(format: FloatFormat, numbers: number[]): number[] {
  const bytes = format.encode(Float32Array.from(numbers)).slice();
  assertEquals(bytes.length, numbers.length * format.bytes);
  const values = new Float32Array(numbers.length);
  format.decode(bytes, values);
  return [...values];
}

const ODD = [0, -0, 1, -2.5, Infinity, -Infinity, NaN];

Deno.test("F32 keeps every bit", () => {
  const numbers = [...ODD, Math.fround(1e-45), 3.4028234663852886e38, Math.fround(1 / 3)];
  assertEquals(stored(F32, numbers), numbers);
});

Deno.test("BF16 rounds to 8 bits, ties to even", () => {
  assertEquals(stored(BF16, ODD), ODD);
  const step = 2 ** -7; // between neighbours from 1 on
  assertEquals(
    stored(BF16, [1 + step / 2, 1 + 3 * step / 2, 1 + 0.51 * step, -1 - 0.49 * step]),
    [1, 1 + 2 * step, 1 + step, -1],
  );
  assertEquals(stored(BF16, [3.4028234663852886e38]), [Infinity]); // the nearest, as in PyTorch
  assertEquals([...BF16.encode(Float32Array.of(1, -2))], [0x80, 0x3f, 0, 0xc0]); // little-endian
});

Deno.test("BF16 keeps a NaN whose upper bits alone would be infinite", () => {
  const odd = new Float32Array(Uint32Array.of(0x7f800001).buffer);
  assertEquals(stored(BF16, [...odd]), [NaN]);
});

Deno.test("F16 rounds to 11 bits and knows its smallest and largest", () => {
  assertEquals(stored(F16, ODD), ODD);
  assertEquals(stored(F16, [65_504, 2 ** -24, 2 ** -26, 65_520]), [65_504, 2 ** -24, 0, Infinity]);
  assertEquals(stored(F16, [1 + 2 ** -11, 1 + 3 * 2 ** -11]), [1, 1 + 2 ** -9]); // ties to even
  assertEquals([...F16.encode(Float32Array.of(1, -2))], [0, 0x3c, 0, 0xc0]);
});

Deno.test("decode() fills a window into a larger tensor", () => {
  for (const format of [F32, F16, BF16]) {
    const values = new Float32Array(4);
    format.decode(format.encode(Float32Array.of(5, 6)).slice(), values.subarray(1, 3));
    assertEquals([...values], [0, 5, 6, 0]);
  }
});
