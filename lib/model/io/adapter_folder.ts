/**
 * Adapters as PEFT keeps them: `adapter_config.json` and `adapter_model.safetensors`.
 *
 * @module
 */
import { z } from "zod";
import { readJsonAs, writeFolderWhole } from "../../files.ts";
import type { Adapter } from "../adapter.ts";
import type { ModelConfig } from "../config.ts";
import { adapterShapes, checkLora, LORA_TARGETS } from "../lora.ts";
import { openSafetensors, writeSafetensors } from "./safetensors.ts";
import { loadVariables } from "./tensors.ts";

/** Says what an adapter is; a folder that has it holds one. */
export const ADAPTER_CONFIG = "adapter_config.json";
const ADAPTER_WEIGHTS = "adapter_model.safetensors";

/** PEFT wraps a causal language model twice. */
const PREFIX = "base_model.model.";

/** What PEFT can do and this toolkit cannot, by field: the values that ask for nothing of it. */
const UNUSED = {
  bias: "none",
  use_dora: false,
  use_rslora: false,
  lora_bias: false,
  fan_in_fan_out: false,
  modules_to_save: null,
  layers_to_transform: null,
} as const;

/**
 * Ways to begin an adapter that leave the policy's weights as they are. By the others (PiSSA, OLoRA
 * and their like) a part is taken out of them, each time that PEFT loads the adapter.
 */
const BEGINNINGS: readonly unknown[] = [true, false, "gaussian", "orthogonal", "eva"];

const configSchema = z.object({
  peft_type: z.literal("LORA"),
  base_model_name_or_path: z.string().min(1),
  r: z.number(),
  lora_alpha: z.number(),
  target_modules: z.union([
    z.literal("all-linear").transform(() => [...LORA_TARGETS]),
    z.array(z.string().transform((path) => path.split(".").at(-1)!)),
  ]),
  rank_pattern: z.record(z.number()).nullish(),
  alpha_pattern: z.record(z.number()).nullish(),
}).passthrough();

/** What `adapter_config.json` says. */
export type AdapterDescription = Pick<Adapter, "config" | "base">;

/**
 * Reads what an adapter is and what it was made for.
 *
 * @throws {Deno.errors.NotFound} When there is none.
 * @throws {SyntaxError} When the file is not JSON.
 * @throws {TypeError} When a field is missing, of a wrong type, or asks for what is not supported.
 * @throws {RangeError} When the rank, α or a target is out of range.
 */
export async function readAdapterConfig(folder: string): Promise<AdapterDescription> {
  const path = `${folder}/${ADAPTER_CONFIG}`;
  const found = await readJsonAs(path, configSchema);
  for (const [field, none] of Object.entries(UNUSED)) {
    const value = found[field] ?? none;
    if (value !== none) throw unsupported(path, field, none, value);
  }
  for (const field of ["rank_pattern", "alpha_pattern"] as const) {
    const value = found[field] ?? {};
    if (Object.keys(value).length > 0) throw unsupported(path, field, {}, value);
  }
  // Some tokens would be read without the adapter. Not written, as older versions lack the field.
  const invocation = found.alora_invocation_tokens ?? null;
  if (invocation !== null) throw unsupported(path, "alora_invocation_tokens", null, invocation);
  const beginning = found.init_lora_weights ?? true;
  if (!BEGINNINGS.includes(beginning)) {
    throw unsupported(path, "init_lora_weights", true, beginning);
  }
  const { r, lora_alpha, base_model_name_or_path: base } = found;
  // PEFT writes a path for each layer's projection where it was asked for all linear ones.
  const config = { r, lora_alpha, target_modules: [...new Set(found.target_modules)] };
  checkLora(config);
  return { config, base };
}

function unsupported(path: string, field: string, need: unknown, value: unknown): TypeError {
  return new TypeError(
    `Cannot load ${path} as ${field} must be ${JSON.stringify(need)}: current value is ` +
      JSON.stringify(value),
  );
}

/**
 * Loads the adapter of a folder.
 *
 * @param config Of the policy that it was made for.
 * @throws As {@linkcode readAdapterConfig}, and for tensors that are missing, left over or of
 * another shape than the policy's.
 */
export async function loadAdapter(folder: string, config: ModelConfig): Promise<Adapter> {
  const described = await readAdapterConfig(folder);
  const source = await openSafetensors(`${folder}/${ADAPTER_WEIGHTS}`);
  const shapes = Object.entries(adapterShapes(config, described.config));
  const loaded = await loadVariables(
    source,
    Object.fromEntries(shapes.map(([name, shape]) => [PREFIX + name, shape])),
  );
  const weights = shapes.map(([name]) => [name, loaded[PREFIX + name]!] as const);
  return { ...described, weights: Object.fromEntries(weights) };
}

/** Writes the files of an adapter into a folder, as {@linkcode saveAdapter} does. */
export async function writeAdapter(adapter: Adapter, folder: string): Promise<void> {
  const described = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: adapter.base,
    ...adapter.config,
    lora_dropout: 0,
    inference_mode: true,
    ...UNUSED,
  };
  await Deno.writeTextFile(
    `${folder}/${ADAPTER_CONFIG}`,
    JSON.stringify(described, null, 2) + "\n",
  );
  const named = Object.entries(adapter.weights).map(([name, matrix]) => [PREFIX + name, matrix]);
  await writeSafetensors(`${folder}/${ADAPTER_WEIGHTS}`, Object.fromEntries(named));
}

/**
 * Saves an adapter as a folder that PEFT loads; whole or not at all.
 *
 * @throws {Error} When the folder cannot be written; an existing one is left as it was.
 */
export async function saveAdapter(adapter: Adapter, folder: string): Promise<void> {
  await writeFolderWhole(folder, (temporary) => writeAdapter(adapter, temporary));
}
