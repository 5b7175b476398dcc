/**
 * Blocks of quantized numbers as GGUF files have them, after the definitions in ggml's
 * `ggml-common.h` and `ggml-quants.c` (MIT): a number is `scale * q` or `scale * q + minimum`, with
 * half-precision floats for a block. Results are those of float32 arithmetic, bit for bit.
 *
 * @module
 */
import { halfAt, type NumberFormat } from "./number_formats.ts";

/** Numbers of a block of the older formats, and of the newer ones whose names end in K. */
const SMALL = 32, LARGE = 256;

/** A format from what turns one block into numbers. */
function blocksOf(
  name: string,
  size: number,
  bytes: number,
  decodeBlock: (blocks: Uint8Array, at: number, values: Float32Array, to: number) => void,
): NumberFormat {
  return {
    name,
    size,
    bytes,
    decode(blocks, values): void {
      for (let to = 0, at = 0; to < values.length; to += size, at += bytes) {
        decodeBlock(blocks, at, values, to);
      }
    },
  };
}

/** Half-precision scale, 32 signed bytes. */
const Q8_0 = blocksOf("Q8_0", SMALL, 34, (blocks, at, values, to) => {
  const scale = halfAt(blocks, at);
  for (let i = 0; i < 32; i++) values[to + i] = scale * (blocks[at + 2 + i]! << 24 >> 24);
});

/**
 * Scale, minimum where there is one, the fifth bits where there are five, then 16 bytes: the lower
 * halves are the first 16 numbers, the upper halves the others.
 */
function nibbles(
  name: string,
  { minimum, fifth }: { minimum: boolean; fifth: boolean },
): NumberFormat {
  const [low, high] = [minimum ? 4 : 2, fifth ? 4 : 0];
  const offset = minimum ? 0 : fifth ? 16 : 8; // without a minimum, q is signed
  return blocksOf(name, SMALL, low + high + 16, (blocks, at, values, to) => {
    const scale = halfAt(blocks, at), least = minimum ? halfAt(blocks, at + 2) : 0;
    for (let i = 0; i < 16; i++) {
      const byte = blocks[at + low + high + i]!;
      let a = byte & 15, b = byte >> 4;
      if (fifth) { // 32 bits, one for each number in order
        a |= (blocks[at + low + (i >> 3)]! >> (i & 7) & 1) << 4;
        b |= (blocks[at + low + 2 + (i >> 3)]! >> (i & 7) & 1) << 4;
      }
      values[to + i] = scale * (a - offset) + least;
      values[to + 16 + i] = scale * (b - offset) + least;
    }
  });
}

/** The scale and the minimum, 6 bits each, of part `part` of 8: 12 bytes from `at`. */
function scaleAndMinimum(blocks: Uint8Array, at: number, part: number): [number, number] {
  if (part < 4) return [blocks[at + part]! & 63, blocks[at + part + 4]! & 63];
  const both = blocks[at + part + 4]!;
  const [scale, minimum] = [blocks[at + part - 4]! >> 6, blocks[at + part]! >> 6];
  return [both & 15 | scale << 4, both >> 4 | minimum << 4];
}

/**
 * Scale of scales, scale of minima, 12 bytes of scales and minima, the fifth bits where there are
 * five, then 128 bytes: 32 of them hold two parts of 32 numbers, in their lower and upper halves.
 */
function nibblesOfParts(name: string, { fifth }: { fifth: boolean }): NumberFormat {
  const high = fifth ? 32 : 0;
  return blocksOf(name, LARGE, 16 + high + 128, (blocks, at, values, to) => {
    const [scales, minima] = [halfAt(blocks, at), halfAt(blocks, at + 2)];
    for (let part = 0; part < 8; part++) {
      const [scale, minimum] = scaleAndMinimum(blocks, at + 4, part);
      const [step, least] = [scales * scale, minima * minimum];
      const from = at + 16 + high + 32 * (part >> 1), shift = part % 2 * 4;
      for (let i = 0; i < 32; i++) {
        let q = blocks[from + i]! >> shift & 15;
        if (fifth) q |= (blocks[at + 16 + i]! >> part & 1) << 4;
        values[to + 32 * part + i] = step * q - least;
      }
    }
  });
}

/**
 * 128 bytes of lower halves, 64 of upper quarters, 16 signed scales, and their scale: of each 128
 * numbers, 64 bytes hold the lower 4 bits and 32 the upper 2, in four rows of 32.
 */
const Q6_K = blocksOf("Q6_K", LARGE, 210, (blocks, at, values, to) => {
  const scale = halfAt(blocks, at + 208);
  for (let half = 0; half < 2; half++) {
    const [low, high] = [at + 64 * half, at + 128 + 32 * half];
    for (let row = 0; row < 4; row++) {
      for (let i = 0; i < 32; i++) {
        const four = blocks[low + 32 * (row & 1) + i]! >> (row < 2 ? 0 : 4) & 15;
        const q = (four | (blocks[high + i]! >> 2 * row & 3) << 4) - 32;
        const own = blocks[at + 192 + 8 * half + 2 * row + (i >> 4)]! << 24 >> 24;
        values[to + 128 * half + 32 * row + i] = scale * own * q;
      }
    }
  }
});

/** The quantized formats that can be read, by GGUF's names. */
export const QUANTIZED_FORMATS: Readonly<Record<string, NumberFormat>> = {
  Q4_0: nibbles("Q4_0", { minimum: false, fifth: false }),
  Q4_1: nibbles("Q4_1", { minimum: true, fifth: false }),
  Q5_0: nibbles("Q5_0", { minimum: false, fifth: true }),
  Q5_1: nibbles("Q5_1", { minimum: true, fifth: true }),
  Q8_0,
  Q4_K: nibblesOfParts("Q4_K", { fifth: false }),
  Q5_K: nibblesOfParts("Q5_K", { fifth: true }),
  Q6_K,
};
