/**
 * The safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { F32, FLOAT_FORMATS, type FloatFormat, type FloatName } from "./number_formats.ts";
import {
  fill,
  type NamedTensor,
  openFile,
  readStored,
  sizeOf,
  type StoredTensor,
  type TensorSource,
} from "./tensors.ts";

const whole = z.number().int().nonnegative();

const headerSchema = z.object({ __metadata__: z.record(z.string()).optional() }).catchall(
  z.object({
    dtype: z.string(),
    shape: z.array(whole),
    data_offsets: z.tuple([whole, whole]),
  }),
);

/** What the header says: tensors by name, in the order of their names. */
function headerOf(
  shapes: Readonly<Record<string, readonly number[]>>,
  { name: dtype, bytes }: FloatFormat,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const name of Object.keys(shapes).sort()) {
    const shape = shapes[name]!;
    header[name] = { dtype, shape, data_offsets: [end, end += bytes * sizeOf(shape)] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8; // padded with spaces
  const result = new Uint8Array(8 + length).fill(32);
  new DataView(result.buffer).setBigUint64(0, BigInt(length), true);
  result.set(text, 8);
  return result;
}

/**
 * Lays tensors out as a safetensors file, in the order of their names.
 *
 * @param metadata Texts kept in the header.
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, NamedTensor>>,
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Uint8Array {
  const shapes = Object.entries(tensors).map(([name, { shape }]) => [name, shape] as const);
  const header = headerOf(Object.fromEntries(shapes), F32, metadata);
  const names = Object.keys(tensors).sort();
  const parts = [header, ...names.map((name) => F32.encode(tensors[name]!.values))];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The bytes of {@linkcode encodeSafetensors} one tensor at a time, read from the device. */
export async function* safetensorsParts(
  tensors: Readonly<Record<string, tf.Tensor>>,
  format: FloatFormat = F32,
): AsyncGenerator<Uint8Array> {
  const shapes = Object.entries(tensors).map(([name, { shape }]) => [name, shape] as const);
  yield headerOf(Object.fromEntries(shapes), format, { format: "pt" });
  for (const name of Object.keys(tensors).sort()) {
    yield format.encode(await tensors[name]!.data<"float32">());
  }
}

/** Writes tensors from the device to a new file: beside them, memory is needed for one. */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, tf.Tensor>>,
  format: FloatFormat = F32,
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  for await (const bytes of safetensorsParts(tensors, format)) {
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  }
}

/**
 * Reads a safetensors file of floats.
 *
 * @param where Named in errors.
 * @throws {SyntaxError} When the file is cut off or its header does not describe it.
 * @throws {TypeError} When a tensor's numbers are no floats of 16 or 32 bits.
 */
export function decodeSafetensors(bytes: Uint8Array, where: string): Record<string, NamedTensor> {
  const length = headerLength(bytes, bytes.length, where);
  const stored = storedTensors(bytes.subarray(8, 8 + length), bytes.length, where);
  return Object.fromEntries(
    Object.entries(stored).map(([name, { shape, format, begin }]) => {
      const values = new Float32Array(sizeOf(shape));
      const end = begin + format.bytes * values.length;
      format.decode(bytes.slice(begin, end), values); // a slice begins its buffer
      return [name, { shape, values }];
    }),
  );
}

/**
 * Opens a safetensors file: reads its header, and tensors when they are asked for.
 *
 * @throws {Deno.errors.NotFound} When there is none.
 * @throws {SyntaxError} When the file is cut off or its header does not describe it.
 * @throws {TypeError} When a tensor's numbers are no floats of 16 or 32 bits.
 */
export async function openSafetensors(path: string): Promise<TensorSource> {
  using file = await openFile(path);
  const { size } = await file.stat();
  const start = new Uint8Array(Math.min(8, size));
  await fill(file, start, path);
  const header = new Uint8Array(headerLength(start, size, path));
  await fill(file, header, path);
  const stored = storedTensors(header, size, path);
  const shapes = Object.entries(stored).map(([name, { shape }]) => [name, shape] as const);
  return {
    where: path,
    shapes: Object.fromEntries(shapes),
    read: (name) => readStored(stored[name]!),
  };
}

function broken(where: string, what: string): SyntaxError {
  return new SyntaxError(`Cannot read ${where} as safetensors: ${what}`);
}

/** Bytes that a header may have, as in the format's own library; large models have some 100 kB. */
const MAX_HEADER = 100_000_000;

/** Bytes of the header, of a file of `size` bytes that begins with `start`. */
function headerLength(start: Uint8Array, size: number, where: string): number {
  const length = start.length < 8
    ? Infinity
    : Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  if (length <= Math.min(size - 8, MAX_HEADER)) return length;
  throw broken(
    where,
    `the header must fit, in at most ${MAX_HEADER} bytes: current size is ${size} bytes`,
  );
}

/** Where a file of `size` bytes keeps the tensors that its header lists. */
function storedTensors(
  header: Uint8Array,
  size: number,
  path: string,
): Record<string, StoredTensor> {
  let parsed;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(header);
    parsed = headerSchema.safeParse(JSON.parse(text));
  } catch {
    throw broken(path, "the header must be JSON");
  }
  if (!parsed.success) {
    throw broken(path, "the header must list dtype, shape and data_offsets");
  }
  const { __metadata__: _, ...entries } = parsed.data;
  const stored: Record<string, StoredTensor> = {};
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(entries)) {
    if (!Object.hasOwn(FLOAT_FORMATS, dtype)) {
      throw new TypeError(
        `Cannot read ${path} as ${name} must be F32, F16 or BF16: current value is ${dtype}`,
      );
    }
    const format = FLOAT_FORMATS[dtype as FloatName];
    const bytes = format.bytes * sizeOf(shape);
    const [begin, after] = [8 + header.length + start, 8 + header.length + end];
    if (end - start !== bytes || after > size) {
      throw broken(
        path,
        `${name} must have ${bytes} bytes inside the file: current range is ${begin} to ` +
          `${after} of ${size}`,
      );
    }
    stored[name] = { path, shape, format, begin };
  }
  return stored;
}
