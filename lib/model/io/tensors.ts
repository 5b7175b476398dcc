/**
 * Tensors on their way between files and the device, one at a time.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { NumberFormat } from "./number_formats.ts";

/** A tensor's values, outside of any device. */
export interface NamedTensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

/** Tensors of one file or several, each read when it is asked for. */
export interface TensorSource {
  /** Named in errors. */
  readonly where: string;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  read(name: string): Promise<Float32Array>;
}

/** Where a tensor's numbers are. */
export interface StoredTensor {
  readonly path: string;
  readonly shape: readonly number[];
  readonly format: NumberFormat;
  /** Its first byte in the file. */
  readonly begin: number;
}

/** Numbers a shape holds. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/** Bytes read at once, about. */
const CHUNK = 2 ** 22;

/**
 * Reads a tensor from its file, a part at a time: beside the result, memory is needed for one part.
 *
 * @throws {SyntaxError} When the file ends before it.
 */
export async function readStored({ path, shape, format, begin }: StoredTensor): Promise<
  Float32Array
> {
  const values = new Float32Array(sizeOf(shape));
  const blocks = values.length / format.size;
  const atOnce = Math.floor(CHUNK / format.bytes);
  const room = new Uint8Array(Math.min(blocks, atOnce) * format.bytes);
  using file = await openFile(path);
  await file.seek(begin, Deno.SeekMode.Start);
  for (let block = 0; block < blocks; block += atOnce) {
    const count = Math.min(atOnce, blocks - block);
    const part = room.subarray(0, count * format.bytes);
    await fill(file, part, path);
    format.decode(part, values.subarray(block * format.size, (block + count) * format.size));
  }
  return values;
}

/**
 * Opens a file to read; its absence is told in one line.
 *
 * @throws {Deno.errors.NotFound} When there is none.
 */
export async function openFile(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Deno.errors.NotFound(`Cannot read ${path}: there is no such file`);
  }
}

/** Reads as many bytes as there is room for. */
export async function fill(file: Deno.FsFile, room: Uint8Array, path: string): Promise<void> {
  for (let at = 0; at < room.length;) {
    const read = await file.read(room.subarray(at));
    if (read === null) throw new SyntaxError(`Cannot read ${path} as it ends within its data`);
    at += read;
  }
}

/**
 * Puts tensors of the expected names and shapes on the device, one after the other.
 *
 * @throws {TypeError} When one is missing, left over or of another shape.
 */
export async function loadVariables(
  source: TensorSource,
  shapes: Readonly<Record<string, readonly number[]>>,
): Promise<Record<string, tf.Variable>> {
  checkShapes(source.shapes, shapes, source.where);
  const variables: Record<string, tf.Variable> = {};
  try {
    for (const [name, shape] of Object.entries(shapes)) {
      variables[name] = variableOf({ shape, values: await source.read(name) });
    }
  } catch (error) {
    tf.dispose(variables);
    throw error;
  }
  return variables;
}

/** {@linkcode loadVariables} of tensors that are in memory. */
export function variablesOf(
  tensors: Readonly<Record<string, NamedTensor>>,
  shapes: Readonly<Record<string, readonly number[]>>,
  where: string,
): Record<string, tf.Variable> {
  const found = Object.entries(tensors).map(([name, { shape }]) => [name, shape] as const);
  checkShapes(Object.fromEntries(found), shapes, where);
  return Object.fromEntries(
    Object.keys(shapes).map((name) => [name, variableOf(tensors[name]!)]),
  );
}

function checkShapes(
  found: Readonly<Record<string, readonly number[]>>,
  shapes: Readonly<Record<string, readonly number[]>>,
  where: string,
): void {
  for (const name of Object.keys(found)) {
    if (!(name in shapes)) {
      throw new TypeError(`Cannot load ${where} as it has no place for ${name}`);
    }
  }
  for (const [name, shape] of Object.entries(shapes)) {
    const current = found[name];
    if (current?.join() !== shape.join()) {
      throw new TypeError(
        `Cannot load ${where} as ${name} must be [${shape}]: current shape is ${
          current ? `[${current}]` : "missing"
        }`,
      );
    }
  }
}

function variableOf({ shape, values }: NamedTensor): tf.Variable {
  const variable = tf.tidy(() => tf.variable(tf.tensor(values, [...shape])));
  // WebGPU would keep the values in memory until the tensor is first used.
  const backend = tf.backend() as { uploadToGPU?: (dataId: tf.DataId) => void };
  backend.uploadToGPU?.(variable.dataId);
  return variable;
}

/** Copies tensors from the device. */
export async function readTensors(
  tensors: Readonly<Record<string, tf.Tensor>>,
): Promise<Record<string, NamedTensor>> {
  const entries = Object.entries(tensors).map(async ([name, tensor]) =>
    [name, { shape: tensor.shape, values: await tensor.data<"float32">() }] as const
  );
  return Object.fromEntries(await Promise.all(entries));
}
