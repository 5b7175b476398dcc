/**
 * The shape of a policy, with the field names of Hugging Face's `config.json`.
 *
 * @module
 */
import { z } from "zod";
import { ropeFields, type RopeScaling, ropeScalingSchema } from "./rope.ts";

/** The families of models that can be run, by Hugging Face's names; SmolLM2 is a Llama. */
export const MODEL_TYPES = ["llama", "qwen2", "qwen3"] as const;

/** One of {@linkcode MODEL_TYPES}. */
export type ModelType = typeof MODEL_TYPES[number];

/** Shape of a decoder-only transformer of the Llama, Qwen2 and Qwen3 families. */
export interface ModelConfig {
  /** Beside what the other fields say, `qwen3` norms each head of queries and keys. */
  readonly model_type: ModelType;
  /** Number of token ids; at least the tokenizer's. */
  readonly vocab_size: number;
  /** Width of the residual stream. */
  readonly hidden_size: number;
  /** Width inside the feed-forward layer. */
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  /** Heads of keys and values; divides `num_attention_heads`. */
  readonly num_key_value_heads: number;
  /** Width of one head, even; `hidden_size / num_attention_heads` when a file has none. */
  readonly head_dim: number;
  /** Tokens of prompt and completion together. */
  readonly max_position_embeddings: number;
  /** Added to the mean square in every norm. */
  readonly rms_norm_eps: number;
  /** Base of the rotary wavelengths. */
  readonly rope_theta: number;
  /** How rotary wavelengths are stretched; absent where they are not. */
  readonly rope_scaling?: RopeScaling;
  /** Activation of the feed-forward layer's gate. */
  readonly hidden_act: "silu" | "gelu_pytorch_tanh";
  /** Whether the output matrix is the embedding table. */
  readonly tie_word_embeddings: boolean;
  /** Whether queries, keys and values have a bias; but for Qwen2, which always has, the output too. */
  readonly attention_bias: boolean;
  /** Whether the projections of the feed-forward layer have a bias. */
  readonly mlp_bias: boolean;
  /** Begins a text where the tokenizer adds it; kept for those who read what is saved. */
  readonly bos_token_id?: number;
}

/** What of a `config.json` this toolkit reads; anything else in the file is left alone. */
function schema(): z.ZodType<ModelConfig> {
  const count = z.number().int().positive();
  return z.object({
    model_type: z.enum(MODEL_TYPES),
    vocab_size: count,
    hidden_size: count,
    intermediate_size: count,
    num_hidden_layers: count,
    num_attention_heads: count,
    num_key_value_heads: count,
    head_dim: count.multipleOf(2),
    max_position_embeddings: count,
    rms_norm_eps: z.number().positive(),
    rope_theta: z.number().positive(),
    rope_scaling: ropeScalingSchema().optional(),
    hidden_act: z.enum(["silu", "gelu_pytorch_tanh"]),
    tie_word_embeddings: z.boolean(),
    attention_bias: z.boolean(),
    mlp_bias: z.boolean(),
    bos_token_id: z.number().int().nonnegative().optional(),
  }).refine((config) => config.num_attention_heads % config.num_key_value_heads === 0, {
    message: "must divide num_attention_heads",
    path: ["num_key_value_heads"],
  });
}

/** Settings that would change what is computed, and the only value of each that is supported. */
const FIXED: Readonly<Record<string, unknown>> = {
  partial_rotary_factor: 1,
  use_sliding_window: false,
  use_mrope: false,
  is_causal: true,
  attn_logit_softcapping: null,
  final_logit_softcapping: null,
  num_experts: null,
  num_local_experts: null,
  quantization_config: null,
};

/**
 * Completes and checks a model configuration.
 *
 * Fields that a file leaves out get transformers' defaults for its model type, but sizes, of which
 * only `head_dim` and `num_key_value_heads` have one.
 *
 * @param value Parsed `config.json`, or the fields that differ from Llama's defaults.
 * @param where Named in errors, such as the file's path.
 * @throws {TypeError} When a field is missing, of a wrong type, out of range or not supported.
 */
export function modelConfig(value: unknown, where = "model config"): ModelConfig {
  const given = withoutNulls((value ?? {}) as Record<string, unknown>);
  const { rope_theta: _, rope_scaling: __, ...fields } = given;
  const completed: Record<string, unknown> = { ...defaults(given), ...fields, ...fixedBy(given) };
  Object.assign(completed, ropeFields(given, completed.max_position_embeddings));
  const fail = (field: string, problem: string): never => {
    const current = field.split(".").reduce(
      (of: unknown, key) => (of as Record<string, unknown> | undefined)?.[key],
      completed,
    );
    throw new TypeError(
      `Cannot read ${where} as ${field} ${problem}: current value is ${JSON.stringify(current)}`,
    );
  };
  for (const [field, only] of Object.entries(FIXED)) {
    if (![undefined, only].includes(completed[field])) fail(field, "is not supported");
  }
  const layers = completed.layer_types;
  if (Array.isArray(layers) && layers.some((type) => type !== "full_attention")) {
    fail("layer_types", "must all be full_attention");
  }
  const parsed = schema().safeParse(completed);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  return fail(path.join("."), `is wrong (${message})`);
}

/** What transformers assumes where a file says nothing. */
function defaults(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const qwen = given.model_type === "qwen2" || given.model_type === "qwen3";
  const headDim = Number(given.hidden_size) / Number(given.num_attention_heads);
  return {
    model_type: "llama",
    num_key_value_heads: given.num_attention_heads,
    head_dim: given.model_type === "qwen3" ? 128 : headDim,
    max_position_embeddings: qwen ? 32_768 : 2048,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    hidden_act: "silu",
    tie_word_embeddings: given.model_type === undefined, // a policy of our own; transformers: false
    attention_bias: false,
    mlp_bias: false,
  };
}

/** What a model type has or has not, whatever a file says. */
function fixedBy({ model_type }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (model_type === "qwen2") return { attention_bias: true, mlp_bias: false };
  return model_type === "qwen3" ? { mlp_bias: false } : {};
}

/** Hugging Face writes null for what is not set. */
function withoutNulls(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}
