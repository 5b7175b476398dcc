/**
 * GGUF files for tests, after the format's description in ggml's `docs/gguf.md`.
 *
 * @module
 */

/** A tensor to be stored: GGUF's number of the type, sides with the columns first, and bytes. */
export interface GgufTensor {
  readonly type: number;
  readonly sides: readonly number[];
  readonly bytes: Uint8Array;
}

/** A whole file; numbers of the metadata become uint32 where they are whole, else float32. */
export function ggufFile(
  metadata: Readonly<Record<string, string | number>>,
  tensors: Readonly<Record<string, GgufTensor>>,
): Uint8Array {
  const uint32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
  const uint64 = (value: number) => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value);
    return [uint64(bytes.length), bytes];
  };
  const value = (value: string | number) => {
    if (typeof value === "string") return [uint32(8), ...text(value)];
    return Number.isInteger(value)
      ? [uint32(4), uint32(value)]
      : [uint32(6), new Uint8Array(Float32Array.of(value).buffer)];
  };
  const aligned = (length: number) => Math.ceil(length / 32) * 32;
  let offset = 0;
  const places = Object.entries(tensors).map(([name, { type, sides, bytes }]) => {
    const place = [uint32(sides.length), ...sides.map(uint64), uint32(type), uint64(offset)];
    offset += aligned(bytes.length);
    return [...text(name), ...place];
  });
  const header = joined([
    new TextEncoder().encode("GGUF"),
    uint32(3),
    uint64(Object.keys(tensors).length),
    uint64(Object.keys(metadata).length),
    ...Object.entries(metadata).flatMap(([key, of]) => [...text(key), ...value(of)]),
    ...places.flat(),
  ]);
  const padded = (bytes: Uint8Array) => joined([bytes], aligned(bytes.length));
  return joined([padded(header), ...Object.values(tensors).map(({ bytes }) => padded(bytes))]);
}

function joined(
  parts: readonly Uint8Array[],
  length = parts.reduce((sum, part) => sum + part.length, 0),
): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
