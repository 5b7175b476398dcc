/**
 * The safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes.
 *
 * @module
 */
import { z } from "zod";

/** A tensor's values, outside of any device. */
export interface NamedTensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

const whole = z.number().int().nonnegative();

const headerSchema = z.object({ __metadata__: z.record(z.string()).optional() }).catchall(
  z.object({
    dtype: z.string(),
    shape: z.array(whole),
    data_offsets: z.tuple([whole, whole]),
  }),
);

/**
 * Lays tensors out as a safetensors file, in the order of their names.
 *
 * @param metadata Texts kept in the header.
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, NamedTensor>>,
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  const names = Object.keys(tensors).sort();
  let end = 0;
  for (const name of names) {
    const { shape, values } = tensors[name]!;
    header[name] = { dtype: "F32", shape, data_offsets: [end, end += values.byteLength] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(32); // padded with spaces
  headerBytes.set(text);
  const bytes = new Uint8Array(8 + headerBytes.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes.length), true);
  bytes.set(headerBytes, 8);
  let at = 8 + headerBytes.length;
  for (const name of names) {
    const { values } = tensors[name]!;
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return bytes;
}

/**
 * Reads a safetensors file of float32 tensors.
 *
 * @param where Named in errors.
 * @throws {SyntaxError} When the file is cut off or its header does not describe it.
 * @throws {TypeError} When a tensor is not float32.
 */
export function decodeSafetensors(bytes: Uint8Array, where: string): Record<string, NamedTensor> {
  const broken = (what: string) => new SyntaxError(`Cannot read ${where} as safetensors: ${what}`);
  const length = bytes.length < 8
    ? Infinity
    : Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (8 + length > bytes.length) {
    throw broken(`the header must fit: current size is ${bytes.length} bytes`);
  }
  let parsed;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length));
    parsed = headerSchema.safeParse(JSON.parse(text));
  } catch {
    throw broken("the header must be JSON");
  }
  if (!parsed.success) throw broken("the header must list dtype, shape and data_offsets");
  const tensors: Record<string, NamedTensor> = {};
  const { __metadata__: _, ...entries } = parsed.data;
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(entries)) {
    if (dtype !== "F32") {
      throw new TypeError(
        `Cannot read ${where} as ${name} must be F32: current value is ${dtype}`,
      );
    }
    const size = 4 * shape.reduce((product, side) => product * side, 1);
    const [from, to] = [8 + length + start, 8 + length + end];
    if (end - start !== size || to > bytes.length) {
      throw broken(
        `${name} must have ${size} bytes inside the file: current range is ${from} to ${to} of ` +
          `${bytes.length}`,
      );
    }
    const copy = bytes.slice(from, to); // aligned
    tensors[name] = { shape, values: new Float32Array(copy.buffer) };
  }
  return tensors;
}
