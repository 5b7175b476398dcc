/**
 * How numbers lie in files of weights, all little-endian: float32, and the two 16-bit floats.
 *
 * @module
 */

/** Numbers as bytes, in blocks. */
export interface NumberFormat {
  readonly name: string;
  /** Numbers of a block. */
  readonly size: number;
  /** Bytes of a block. */
  readonly bytes: number;
  /**
   * Turns whole blocks into numbers.
   *
   * @param blocks Begins its buffer, so that 2 or 4 bytes can be read at once.
   * @param values As many as the blocks hold.
   */
  decode(blocks: Uint8Array, values: Float32Array): void;
}

/** A format that can also be written. */
export interface FloatFormat extends NumberFormat {
  readonly name: FloatName;
  /** The bytes of numbers, each rounded to the nearest, ties to even; may be a view of them. */
  encode(values: Float32Array): Uint8Array;
}

/** Floats of safetensors that this toolkit reads and writes. */
export type FloatName = "F32" | "F16" | "BF16";

/** 32-bit floats, as they are computed with. */
export const F32: FloatFormat = {
  name: "F32",
  size: 1,
  bytes: 4,
  decode: (blocks, values) => bytesOf(values).set(blocks),
  encode: bytesOf,
};

/** IEEE 754 half precision. */
export const F16: FloatFormat = {
  name: "F16",
  size: 1,
  bytes: 2,
  decode: (blocks, values) => values.set(new Float16Array(blocks.buffer, 0, values.length)),
  encode: (values) => bytesOf(new Float16Array(values)),
};

/** The upper half of a 32-bit float: its range, with 8 bits of precision. */
export const BF16: FloatFormat = {
  name: "BF16",
  size: 1,
  bytes: 2,
  decode(blocks, values): void {
    const upper = new Uint16Array(blocks.buffer, 0, values.length);
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < upper.length; i++) bits[i] = upper[i]! << 16;
  },
  encode(values): Uint8Array {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    const upper = new Uint16Array(values.length);
    for (let i = 0; i < upper.length; i++) {
      const x = bits[i]!;
      upper[i] = values[i] !== values[i]
        ? x >>> 16 | 0x40 // rounding a NaN could make it infinite
        : x + 0x7fff + (x >>> 16 & 1) >>> 16;
    }
    return bytesOf(upper);
  },
};

/** The floats of safetensors, by the names used there. */
export const FLOAT_FORMATS: Readonly<Record<FloatName, FloatFormat>> = { F32, F16, BF16 };

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** One half-precision number of a block that begins anywhere. */
export function halfAt(blocks: Uint8Array, at: number): number {
  return HALVES[blocks[at]! | blocks[at + 1]! << 8]!;
}

/** Every half-precision number, by its bits: a quantized block has one or two of its own. */
const HALVES = Float32Array.from(
  new Float16Array(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).buffer),
);
