/**
 * Policies as Hugging Face folders: `config.json`, `model.safetensors` and the tokenizer's files.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { readBytes, readJson, writeFilesWhole } from "../../files.ts";
import { readCharTokenizer } from "../../text/char_tokenizer.ts";
import { modelConfig } from "../config.ts";
import type { Policy } from "../policy.ts";
import { weightShapes } from "../transformer.ts";
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from "./safetensors.ts";

/** Names Hugging Face's code for each model type, for tools that read the folder. */
const ARCHITECTURES = { llama: "LlamaForCausalLM", qwen2: "Qwen2ForCausalLM" } as const;

/**
 * Saves a policy. The folder is written whole or not at all.
 *
 * @param extra Further files of the folder, such as a model card, by name.
 * @throws {Error} When the folder cannot be written; an existing one is left as it was.
 */
export async function savePolicy(
  policy: Policy,
  folder: string,
  extra: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFilesWhole(folder, { ...await policyFiles(policy), ...extra });
}

/** The files of a policy's folder, by name. */
export async function policyFiles(policy: Policy): Promise<Record<string, string | Uint8Array>> {
  const { config, tokenizer, weights } = policy;
  const described = {
    architectures: [ARCHITECTURES[config.model_type]],
    ...config,
    torch_dtype: "float32",
    eos_token_id: tokenizer.eosTokenId,
    pad_token_id: tokenizer.padTokenId,
  };
  return {
    "config.json": JSON.stringify(described, null, 2) + "\n",
    "model.safetensors": encodeSafetensors(await readTensors(weights)),
    ...tokenizer.files(),
  };
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

/**
 * Loads a policy.
 *
 * @throws {Deno.errors.NotFound} When the folder or one of its files is missing.
 * @throws {SyntaxError} When a file is cut off or garbled.
 * @throws {TypeError} When a setting or a tensor's shape is wrong, missing or not supported.
 */
export async function loadPolicy(folder: string): Promise<Policy> {
  const configPath = `${folder}/config.json`;
  const config = modelConfig(await readJson(configPath), configPath);
  const tokenizerPath = `${folder}/tokenizer.json`;
  const tokenizer = readCharTokenizer(await readJson(tokenizerPath), tokenizerPath);
  if (tokenizer.vocabSize > config.vocab_size) {
    throw new TypeError(
      `Cannot load ${folder} as vocab_size must be at least the tokenizer's ` +
        `${tokenizer.vocabSize}: current value is ${config.vocab_size}`,
    );
  }
  const weightsPath = `${folder}/model.safetensors`;
  const tensors = decodeSafetensors(await readBytes(weightsPath), weightsPath);
  return { config, tokenizer, weights: variablesOf(tensors, weightShapes(config), weightsPath) };
}

/**
 * Puts tensors of the expected names and shapes on the device.
 *
 * @throws {TypeError} When one is missing, left over or of another shape.
 */
export function variablesOf(
  tensors: Readonly<Record<string, NamedTensor>>,
  shapes: Readonly<Record<string, readonly number[]>>,
  where: string,
): Record<string, tf.Variable> {
  for (const name of Object.keys(tensors)) {
    if (!(name in shapes)) {
      throw new TypeError(`Cannot load ${where} as it has no place for ${name}`);
    }
  }
  for (const [name, shape] of Object.entries(shapes)) {
    const current = tensors[name]?.shape;
    if (current?.join() !== shape.join()) {
      throw new TypeError(
        `Cannot load ${where} as ${name} must be [${shape}]: current shape is ${
          current ? `[${current}]` : "missing"
        }`,
      );
    }
  }
  return Object.fromEntries(
    Object.entries(shapes).map((
      [name, shape],
    ) => [name, tf.tidy(() => tf.variable(tf.tensor(tensors[name]!.values, [...shape])))]),
  );
}

/** A fingerprint of a policy's weights: the first 12 hexadecimal digits of their SHA-256. */
export async function policyFingerprint(policy: Policy): Promise<string> {
  const bytes = encodeSafetensors(await readTensors(policy.weights));
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest).subarray(0, 6)]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
