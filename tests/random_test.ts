import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import {
  hashLines,
  hashText,
  philox4x32,
  randomChoice,
  randomInteger,
  randomNormal,
  randomSeeded,
  shuffle,
} from "../lib/random.ts";

/** The first `count` numbers of the stream at an address. */
function draw(count: number, seed: number, ...path: (number | string)[]): number[] {
  const prng = randomSeeded(seed, ...path);
  return Array.from({ length: count }, prng);
}

Deno.test("philox4x32() gives the known answers of its authors", () => {
  // Random123 1.14, tests/kat_vectors, "philox4x32 10": counter, key, answer.
  // deno-fmt-ignore
  const vectors = [
    [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [ // digits of pi
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const;
  for (const [counter, key, answer] of vectors) assertEquals(philox4x32(counter, key), [...answer]);
});

Deno.test("randomSeeded() numbers the blocks of its stream and makes two numbers of each", () => {
  const [k0, k1] = philox4x32([7, 0, 0, 1], [0, 0]); // the seed, folded into an empty key
  const expected = [0, 1].flatMap((block) => {
    const [a, b, c, d] = philox4x32([block, 0, 0, 0], [k0, k1]);
    return [[a, b], [c, d]].map(([high, low]) =>
      // 27 bits of one word, 26 of the other
      (Math.floor(high! / 2 ** 5) * 2 ** 26 + Math.floor(low! / 2 ** 6)) / 2 ** 53
    );
  });
  assertEquals(draw(4, 7), expected);
});

Deno.test("randomSeeded() gives the same numbers at the same address", () => {
  assertEquals(draw(5, 3, "rollout", 40, 2), draw(5, 3, "rollout", 40, 2));
});

Deno.test("randomSeeded() shares no number between different addresses", () => {
  const addresses: [number, ...(number | string)[]][] = [
    [1],
    [2],
    [2 ** 32 + 1], // its low word is 1
    [1, 0],
    [1, 0, 0],
    [1, 2],
    [2, 1],
    [1, ""],
    [1, "2"],
    [1, "ab"],
    [1, "a", "b"],
    [1, "a"],
    [1, "a\0"], // padding with zeros is not the end of a text
    [1, "abcd"],
    [1, "abcd", ""],
  ];
  const numbers = addresses.flatMap((address) => draw(50, ...address));
  assertEquals(new Set(numbers).size, 50 * addresses.length);
});

Deno.test("randomSeeded() gives uncorrelated streams for neighbouring seeds", () => {
  const [a, b] = [draw(4000, 1), draw(4000, 2)];
  const product = a.reduce((sum, x, i) => sum + (x - 0.5) * (b[i]! - 0.5), 0);
  // Each term has mean 0 and deviation 1/12: four deviations of the sum of 4000 are 21.1.
  assert(Math.abs(product) < 4 * Math.sqrt(4000) / 12);
});

Deno.test("randomSeeded() fills [0, 1) evenly", () => {
  const counts = new Array<number>(10).fill(0);
  for (const x of draw(10_000, 5, "uniform")) counts[Math.floor(10 * x)]!++;
  assertEquals(counts.length, 10); // nothing fell outside
  // χ² with 9 degrees of freedom exceeds 27.9 once in a thousand.
  const chiSquare = counts.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert(chiSquare < 27.9, `χ² is ${chiSquare}`);
});

Deno.test("randomSeeded() rejects addresses that are negative, fractional or too large", () => {
  for (const bad of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => randomSeeded(bad), RangeError, `current value is ${bad}`);
    assertThrows(() => randomSeeded(1, "step", bad), RangeError, `current value is ${bad}`);
  }
});

Deno.test("hashText() depends on every character and on the length", () => {
  const texts = ["", "a", "a\0", "aa", "abcd", "abcde", "abcdf", "ébcd"];
  assertEquals(new Set(texts.map(hashText)).size, texts.length);
  // One word of four bytes, little-endian, then the empty word that ends the text.
  const [k0, k1] = philox4x32([0x64636261, 4, 0, 2], [0, 0]);
  assertEquals(hashText("abcd"), philox4x32([0, 4, 4, 2], [k0, k1])[0]);
});

Deno.test("hashLines() is hashText() of the lines joined, wherever the words of four bytes fall", () => {
  const lines = ["", "a", "ab", "é", "abc", "😀日本", "", "abcdefg"];
  for (let count = 0; count <= lines.length; count++) {
    const some = lines.slice(0, count);
    assertEquals(hashLines(() => some), hashText(some.join("\n")));
  }
});

Deno.test("randomInteger() reaches both ends of its range and nothing outside", () => {
  assertEquals(randomInteger(() => 0, 3, 6), 3);
  assertEquals(randomInteger(() => 1 - 2 ** -53, 3, 6), 5);
});

Deno.test("randomChoice() takes the item its number falls on", () => {
  const items = ["a", "b", "c", "d"];
  assertEquals([0, 0.25, 0.74, 0.99].map((x) => randomChoice(() => x, items)), [
    "a",
    "b",
    "c",
    "d",
  ]);
});

Deno.test("shuffle() gives a permutation and leaves its argument alone", () => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  const shuffled = shuffle(items, randomSeeded(1));
  assertNotEquals(shuffled, items);
  assertEquals(shuffled.toSorted((a, b) => a - b), items);
  assertEquals(items[0], 0);
  assertEquals(shuffle([], randomSeeded(1)), []);
});

Deno.test("shuffle() makes every order equally likely", () => {
  const counts: Record<string, number> = {};
  const prng = randomSeeded(1, "orders");
  for (let i = 0; i < 6000; i++) {
    const order = shuffle(["a", "b", "c"], prng).join("");
    counts[order] = (counts[order] ?? 0) + 1;
  }
  assertEquals(Object.keys(counts).length, 6);
  // 6000 / 6 = 1000 each; four deviations are 4 sqrt(6000 × 1/6 × 5/6) = 115.
  for (const count of Object.values(counts)) assert(Math.abs(count - 1000) < 115);
});

Deno.test("randomNormal() follows the Box–Muller transform", () => {
  // Both uniforms 1/2: 2 sqrt(-2 ln(1/2)) cos(π) = -2 × 1.1774100.
  assertAlmostEquals(randomNormal(() => 0.5, 1, 2)[0]!, -2.35482, 1e-6);
});

Deno.test("randomNormal() has mean 0 and the deviation asked for", () => {
  const values = randomNormal(randomSeeded(9), 10_000, 3);
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + x * x, 0) / values.length;
  assertAlmostEquals(mean, 0, 0.12); // four deviations: 4 × 3 / 100
  assertAlmostEquals(variance, 9, 0.51); // 4 × 9 sqrt(2) / 100
});
