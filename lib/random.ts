/**
 * The only source of randomness: counter-based streams (Philox4x32-10, Salmon et al., "Parallel
 * Random Numbers: As Easy as 1, 2, 3", SC 2011), addressed by a seed and a path.
 *
 * A stream is a pure function of its address, so nothing about it has to be saved: a run that
 * resumes at step 40 asks for `randomSeeded(seed, "rollout", 40, ...)` and gets the same numbers.
 *
 * @module
 */

/** Returns the next number of a stream, uniform in `[0, 1)` with 53 random bits. */
export type Prng = () => number;

/** What a stream's numbers are made from: two unsigned 32-bit words. */
export type RandomKey = readonly [number, number];

type Words4 = [number, number, number, number];

/** High 32 bits, as a signed word, of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff, aHigh = a >>> 16;
  const bLow = b & 0xffff, bHigh = b >>> 16;
  const middle1 = Math.imul(aHigh, bLow), middle2 = Math.imul(aLow, bHigh); // read as unsigned
  const carry = (middle1 & 0xffff) + (middle2 & 0xffff) + (Math.imul(aLow, bLow) >>> 16);
  return (Math.imul(aHigh, bHigh) + (middle1 >>> 16) + (middle2 >>> 16) + (carry >>> 16)) | 0;
}

/**
 * One block of Philox4x32 with 10 rounds: a bijection of the counter, keyed.
 *
 * @param counter Four unsigned 32-bit words.
 * @param key Two unsigned 32-bit words.
 * @returns Four unsigned 32-bit words.
 *
 * @example The first known-answer vector of the authors' Random123 library
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { philox4x32 } from "./random.ts";
 *
 * assertEquals(philox4x32([0, 0, 0, 0], [0, 0]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
 * ```
 */
export function philox4x32(counter: Readonly<Words4>, key: readonly [number, number]): Words4 {
  // Signed words in variables of their own are a quarter faster than arrays of unsigned ones.
  let c0 = counter[0] | 0, c1 = counter[1] | 0, c2 = counter[2] | 0, c3 = counter[3] | 0;
  let k0 = key[0] | 0, k1 = key[1] | 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0), low0 = Math.imul(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2), low1 = Math.imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0; // the Weyl constants of the paper
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** Folds one part of a stream's address into its key. */
function foldKey(key: readonly [number, number], part: number | string): [number, number] {
  if (typeof part === "number") {
    if (!Number.isSafeInteger(part) || part < 0) {
      throw new RangeError(
        `Cannot address a random stream as its path must be whole numbers >= 0: current value is ${part}`,
      );
    }
    const [a, b] = philox4x32([part >>> 0, Math.floor(part / 2 ** 32), 0, 1], key);
    return [a, b];
  }
  const bytes = encoder.encode(part);
  return foldBytes(key, bytes.length, [bytes]);
}

const encoder = new TextEncoder();

/** Folds the bytes of a text, which may come in pieces, into a key: four at a time, in order. */
function foldBytes(
  key: readonly [number, number],
  length: number,
  pieces: Iterable<Uint8Array>,
): [number, number] {
  let [k0, k1] = key;
  let word = 0, at = 0;
  const fold = (start: number) => {
    [k0, k1] = philox4x32([word, length, start, 2], [k0, k1]);
    word = 0;
  };
  for (const piece of pieces) {
    for (const byte of piece) {
      word |= byte << (8 * (at & 3));
      if ((++at & 3) === 0) fold(at - 4);
    }
  }
  fold(at - (at & 3)); // what is left, though it be nothing: the length ends the text
  return [k0, k1];
}

/**
 * The key of the stream at an address, for who counts on their own (see {@linkcode philox4x32}).
 *
 * @param seed Whole number >= 0.
 * @throws {RangeError} When a number of the address is negative or not whole.
 */
export function randomKey(seed: number, ...path: (number | string)[]): RandomKey {
  return [seed, ...path].reduce<[number, number]>(foldKey, [0, 0]);
}

/**
 * Opens the stream at an address. Different addresses give unrelated streams: unlike
 * `Random(seed + index)`, seeds 1 and 2 share nothing.
 *
 * @param seed Whole number >= 0.
 * @param path Where the stream is used, such as `"rollout", step, question, sample`.
 * @throws {RangeError} When a number of the address is negative or not whole.
 *
 * @example Usage
 * ```ts
 * import { assertEquals, assertNotEquals } from "@std/assert";
 * import { randomSeeded } from "./random.ts";
 *
 * assertEquals(randomSeeded(1, "data", 7)(), randomSeeded(1, "data", 7)());
 * assertNotEquals(randomSeeded(1, "data", 7)(), randomSeeded(2, "data", 6)());
 * ```
 */
export function randomSeeded(seed: number, ...path: (number | string)[]): Prng {
  const key = randomKey(seed, ...path);
  let block = 0;
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const [a, b, c, d] = philox4x32([block >>> 0, Math.floor(block / 2 ** 32), 0, 0], key);
    block++;
    spare = uniform(c, d);
    return uniform(a, b);
  };
}

/** 53 bits of two words as a number in `[0, 1)`. */
function uniform(high: number, low: number): number {
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}

/** A 32-bit fingerprint of a text, the same on every machine: for splits and file names. */
export function hashText(text: string): number {
  return foldKey([0, 0], text)[0];
}

/**
 * {@linkcode hashText} of lines joined by line feeds, which together may be longer than a string
 * can be.
 *
 * @param lines Gives them from the first each time: they are read twice, as the hash begins with
 * the length.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hashLines, hashText } from "./random.ts";
 *
 * assertEquals(hashLines(() => ["7+5=", "12"]), hashText("7+5=\n12"));
 * ```
 */
export function hashLines(lines: () => Iterable<string>): number {
  function* pieces(): Generator<Uint8Array> {
    let separator = "";
    for (const line of lines()) {
      yield encoder.encode(separator + line);
      separator = "\n";
    }
  }
  let length = 0;
  for (const piece of pieces()) length += piece.length;
  return foldBytes([0, 0], length, pieces())[0];
}

/** A whole number drawn uniformly from `[low, high)`. */
export function randomInteger(prng: Prng, low: number, high: number): number {
  return low + Math.floor(prng() * (high - low));
}

/** One of `items`, each equally likely. */
export function randomChoice<T>(prng: Prng, items: readonly T[]): T {
  return items[randomInteger(prng, 0, items.length)]!;
}

/** A copy of `items` in random order (Fisher–Yates: every order equally likely). */
export function shuffle<T>(items: readonly T[], prng: Prng): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = randomInteger(prng, 0, i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/** Standard normal numbers by the Box–Muller transform, two uniforms each. */
export function randomNormal(prng: Prng, count: number, standardDeviation = 1): Float32Array {
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - prng()));
    return standardDeviation * radius * Math.cos(2 * Math.PI * prng());
  });
}
