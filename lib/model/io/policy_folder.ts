/**
 * Policies as Hugging Face folders, `config.json`, `model.safetensors` and the tokenizer's files,
 * and as GGUF files.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { createHash } from "node:crypto"; // crypto.subtle takes no data in parts
import { exists, readJson, writeFolderWhole } from "../../files.ts";
import { ggufTokenizer } from "../../text/gguf_tokenizer.ts";
import type { PromptOptions } from "../../text/prompt_template.ts";
import { readTokenizer } from "../../text/read_tokenizer.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { type ModelConfig, modelConfig, type ModelType } from "../config.ts";
import { mergedWeights, withAdapter } from "../lora.ts";
import { disposePolicy, type Policy } from "../policy.ts";
import { ADAPTER_CONFIG, loadAdapter, readAdapterConfig } from "./adapter_folder.ts";
import { weightShapes } from "../transformer.ts";
import { openGguf } from "./gguf.ts";
import { FLOAT_FORMATS, type FloatName } from "./number_formats.ts";
import { safetensorsParts } from "./safetensors.ts";
import { INDEX_FILE, openWeights, WEIGHTS_FILE, writeWeights } from "./shards.ts";
import { loadVariables, type TensorSource } from "./tensors.ts";

/** Names Hugging Face's code for each model type, for tools that read the folder. */
const ARCHITECTURES: Readonly<Record<ModelType, string>> = {
  llama: "LlamaForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
};

/** PyTorch's names of the formats that weights are saved in. */
const TORCH_TYPES: Readonly<Record<FloatName, string>> = {
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
};

/** Says what ends a completion, and how published models are best sampled. */
const GENERATION_CONFIG = "generation_config.json";

/** How a policy is saved. */
export interface SaveOptions {
  /** `F32`, which keeps every bit, unless given. */
  readonly format?: FloatName;
  /** Weights beyond this are divided among files, > 0; 5 GB unless given. */
  readonly shardBytes?: number;
}

/**
 * Saves a policy as a Hugging Face folder, which transformers and vLLM load; an adapter is merged
 * into the weights. The folder is written whole or not at all; weights leave the device one tensor
 * at a time.
 *
 * @param extra Further files of the folder, such as a model card, by name.
 * @throws {Error} When the folder cannot be written; an existing one is left as it was.
 */
export async function savePolicy(
  policy: Policy,
  folder: string,
  extra: Readonly<Record<string, string>> = {},
  options: SaveOptions = {},
): Promise<void> {
  await writeFolderWhole(folder, async (temporary) => {
    if (policy.adapter) {
      const weights = mergedWeights(policy);
      await writePolicy({ ...policy, weights }, temporary, options);
      tf.dispose(weights);
    } else await writePolicy(policy, temporary, options);
    for (const [name, text] of Object.entries(extra)) {
      await Deno.writeTextFile(`${temporary}/${name}`, text);
    }
  });
}

/** Writes the files of a policy, less its adapter, into an empty folder. */
export async function writePolicy(
  policy: Policy,
  folder: string,
  { format = "F32", shardBytes = 5e9 }: SaveOptions = {},
): Promise<void> {
  for (const [name, text] of Object.entries(describingFiles(policy, format))) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  await writeWeights(folder, policy.weights, FLOAT_FORMATS[format], shardBytes);
}

/** The files beside the weights. */
function describingFiles({ config, tokenizer }: Policy, format: FloatName): Record<string, string> {
  const { stopTokenIds: stops, padTokenId: pad_token_id } = tokenizer;
  const tokens = {
    ...(config.bos_token_id === undefined ? {} : { bos_token_id: config.bos_token_id }),
    eos_token_id: stops.length === 1 ? stops[0] : stops,
    pad_token_id,
  };
  const described = {
    architectures: [ARCHITECTURES[config.model_type]],
    ...config, // with rope_theta and rope_scaling, which every version of transformers reads
    torch_dtype: TORCH_TYPES[format],
    ...tokens,
  };
  const files = tokenizer.files();
  const generation = JSON.parse(files[GENERATION_CONFIG] ?? "{}"); // such as a published top_p
  const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";
  return {
    ...files,
    "config.json": json(described),
    [GENERATION_CONFIG]: json({ ...generation, ...tokens }),
  };
}

/** How a policy is loaded. */
export interface LoadOptions {
  /** Where the policy is that an adapter was made for; where the adapter says unless given. */
  readonly base?: string;
  /**
   * Base of the rotary wavelengths, in place of the policy's own. The paper (arXiv:2506.07527) gives
   * Qwen2.5-Math-7B room for long answers by 40,000 in place of 10,000, with a `contextLength` of
   * 16,384 in place of 4,096.
   */
  readonly ropeTheta?: number;
  /** Tokens of prompt and completion together, in place of the policy's own. */
  readonly contextLength?: number;
  /** How questions are asked; as the policy's own chat template has it unless given. */
  readonly prompt?: PromptOptions;
}

/** A policy whose weights are still in their files. */
interface StoredPolicy {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly source: TensorSource;
}

/**
 * Loads a policy, one tensor at a time: beside the weights, memory is needed for the largest.
 *
 * @param path A Hugging Face folder, a GGUF file, a folder with one GGUF file, or the folder of an
 * adapter, which is loaded with the policy it was made for.
 * @throws {Deno.errors.NotFound} When the folder or one of its files is missing.
 * @throws {SyntaxError} When a file is cut off or garbled.
 * @throws {TypeError} When a setting or a tensor's shape is wrong, missing or not supported.
 * @throws {RangeError} When an option is out of range.
 */
export async function loadPolicy(path: string, options: LoadOptions = {}): Promise<Policy> {
  if (await exists(`${path}/${ADAPTER_CONFIG}`)) return await loadAdapted(path, options);
  const gguf = await ggufAt(path);
  const { source, tokenizer, ...stored } = gguf === undefined
    ? await openFolder(path, options.prompt)
    : await openGgufPolicy(gguf, options.prompt);
  const config = withOptions(stored.config, options);
  if (tokenizer.vocabSize > config.vocab_size) {
    throw new TypeError(
      `Cannot load ${path} as vocab_size must be at least the tokenizer's ` +
        `${tokenizer.vocabSize}: current value is ${config.vocab_size}`,
    );
  }
  const shapes = weightShapes(config);
  return { config, tokenizer, weights: await loadVariables(await needed(source, config), shapes) };
}

/** Loads an adapter with the policy it was made for. */
async function loadAdapted(folder: string, options: LoadOptions): Promise<Policy> {
  const { base } = await readAdapterConfig(folder);
  const path = options.base ?? base;
  if (!await exists(path)) {
    throw new Deno.errors.NotFound(
      `Cannot load the adapter ${folder} as the policy it was made for must be there: ` +
        `current value is ${path}, which is no folder or file`,
    );
  }
  if (await exists(`${path}/${ADAPTER_CONFIG}`)) {
    throw new TypeError(
      `Cannot load the adapter ${folder} as it must have been made for a whole policy: ` +
        `current value is ${path}, which is an adapter itself`,
    );
  }
  const policy = await loadPolicy(path, options);
  try {
    return withAdapter(policy, await loadAdapter(folder, policy.config));
  } catch (error) {
    disposePolicy(policy);
    throw error;
  }
}

async function openFolder(folder: string, prompt?: PromptOptions): Promise<StoredPolicy> {
  const configPath = `${folder}/config.json`;
  const config = modelConfig(await readJson(configPath), configPath);
  const tokenizer = await readTokenizer(folder, prompt);
  return { config, tokenizer, source: await openWeights(folder) };
}

async function openGgufPolicy(path: string, prompt?: PromptOptions): Promise<StoredPolicy> {
  const { config, metadata, source } = await openGguf(path);
  return { config, tokenizer: ggufTokenizer(metadata, prompt, path), source };
}

/** The GGUF file that a path names; undefined where it names a Hugging Face folder. */
async function ggufAt(path: string): Promise<string | undefined> {
  if (path.endsWith(".gguf")) return path;
  if (!await exists(path) || (await Deno.stat(path)).isFile) return;
  for (const file of [WEIGHTS_FILE, INDEX_FILE]) if (await exists(`${path}/${file}`)) return;
  const names = [...Deno.readDirSync(path)].map(({ name }) => name);
  const files = names.filter((name) => name.endsWith(".gguf")).sort();
  if (files.length <= 1) return files[0] && `${path}/${files[0]}`;
  throw new TypeError(
    `Cannot load ${path} as it must have one GGUF file: current files are ${files.join(", ")}`,
  );
}

function withOptions(
  config: ModelConfig,
  { ropeTheta, contextLength }: LoadOptions,
): ModelConfig {
  if (ropeTheta !== undefined && !(ropeTheta > 0 && Number.isFinite(ropeTheta))) {
    throw new RangeError(`Cannot load as ropeTheta must be > 0: current value is ${ropeTheta}`);
  }
  if (contextLength !== undefined && !(Number.isInteger(contextLength) && contextLength > 0)) {
    throw new RangeError(
      `Cannot load as contextLength must be a whole number > 0: current value is ${contextLength}`,
    );
  }
  return {
    ...config,
    rope_theta: ropeTheta ?? config.rope_theta,
    max_position_embeddings: contextLength ?? config.max_position_embeddings,
  };
}

/**
 * The tensors that a model is made of: not the rotary tables of older checkpoints, nor a second copy
 * of tied embeddings.
 *
 * @throws {TypeError} When the second copy differs from the first.
 */
async function needed(source: TensorSource, config: ModelConfig): Promise<TensorSource> {
  const [head, table] = ["lm_head.weight", "model.embed_tokens.weight"] as const;
  const spare = new Set(
    Object.keys(source.shapes).filter((name) => name.endsWith(".rotary_emb.inv_freq")),
  );
  const { [head]: headShape, [table]: tableShape } = source.shapes;
  if (config.tie_word_embeddings && headShape && headShape.join() === tableShape?.join()) {
    const [a, b] = [await source.read(head), await source.read(table)];
    if (a.some((value, i) => value !== b[i])) {
      throw new TypeError(
        `Cannot load ${source.where} as ${head} must be the embeddings where ` +
          `tie_word_embeddings is true: its values differ`,
      );
    }
    spare.add(head);
  }
  const shapes = Object.entries(source.shapes).filter(([name]) => !spare.has(name));
  return { ...source, shapes: Object.fromEntries(shapes) };
}

/** A fingerprint of a policy's weights and of its adapter's: the first 12 hexadecimal digits of their SHA-256. */
export async function policyFingerprint({ weights, adapter }: Policy): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of safetensorsParts({ ...weights, ...adapter?.weights })) {
    hash.update(bytes);
  }
  return hash.digest("hex").slice(0, 12);
}
