/**
 * The weights of a Hugging Face folder: `model.safetensors`, or several files and an index.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { exists, readJsonAs } from "../../files.ts";
import type { FloatFormat } from "./number_formats.ts";
import { openSafetensors, writeSafetensors } from "./safetensors.ts";
import type { TensorSource } from "./tensors.ts";

/** The one file of a small model. */
export const WEIGHTS_FILE = "model.safetensors";
/** Says which file has which tensor of a larger one. */
export const INDEX_FILE = "model.safetensors.index.json";

const indexSchema = z.object({ weight_map: z.record(z.string().regex(/^[^/\\]+\.safetensors$/)) });

/**
 * Opens the weights of a folder.
 *
 * @throws {Deno.errors.NotFound} When a file is missing.
 * @throws {SyntaxError} When a file is cut off or garbled.
 * @throws {TypeError} When the index names a tensor that its file has not.
 */
export async function openWeights(folder: string): Promise<TensorSource> {
  const [single, index] = [`${folder}/${WEIGHTS_FILE}`, `${folder}/${INDEX_FILE}`];
  if (await exists(single) || !await exists(index)) return await openSafetensors(single);
  const { weight_map } = await readJsonAs(index, indexSchema);
  const files: Record<string, TensorSource> = {};
  for (const file of new Set(Object.values(weight_map))) {
    files[file] = await openSafetensors(`${folder}/${file}`);
  }
  const shapes = Object.entries(weight_map).map(([name, file]) => {
    const shape = files[file]!.shapes[name];
    if (shape) return [name, shape] as const;
    throw new TypeError(`Cannot load ${folder}/${file} as ${index} says that it has ${name}`);
  });
  return {
    where: index,
    shapes: Object.fromEntries(shapes),
    read: (name) => files[weight_map[name]!]!.read(name),
  };
}

/**
 * Writes weights into an empty folder: as one file, or, where they are larger than `shardBytes`, as
 * several with an index. A tensor is never divided.
 */
export async function writeWeights(
  folder: string,
  weights: Readonly<Record<string, tf.Tensor>>,
  format: FloatFormat,
  shardBytes: number,
): Promise<void> {
  const shards = divided(weights, format, shardBytes);
  if (shards.length === 1) {
    return await writeSafetensors(`${folder}/${WEIGHTS_FILE}`, weights, format);
  }
  const weightMap: Record<string, string> = {};
  const padded = (number: number) => String(number).padStart(5, "0");
  for (const [i, shard] of shards.entries()) {
    const file = `model-${padded(i + 1)}-of-${padded(shards.length)}.safetensors`;
    await writeSafetensors(`${folder}/${file}`, shard, format);
    for (const name of Object.keys(shard)) weightMap[name] = file;
  }
  const numbers = Object.values(weights).reduce((sum, { size }) => sum + size, 0);
  const metadata = { total_size: numbers * format.bytes };
  await Deno.writeTextFile(
    `${folder}/${INDEX_FILE}`,
    JSON.stringify({ metadata, weight_map: weightMap }, null, 2) + "\n",
  );
}

/** Divides tensors, in order, into shards that are as large as they may be. */
function divided(
  weights: Readonly<Record<string, tf.Tensor>>,
  { bytes }: FloatFormat,
  shardBytes: number,
): Record<string, tf.Tensor>[] {
  const shards: Record<string, tf.Tensor>[] = [{}];
  let filled = 0;
  for (const [name, tensor] of Object.entries(weights)) {
    if (filled > 0 && filled + bytes * tensor.size > shardBytes) {
      shards.push({});
      filled = 0;
    }
    shards.at(-1)![name] = tensor;
    filled += bytes * tensor.size;
  }
  return shards;
}
