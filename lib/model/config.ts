/**
 * The shape of a policy, with the field names of Hugging Face's `config.json`.
 *
 * @module
 */
import { z } from "zod";

/** Shape of a decoder-only transformer of the Llama and Qwen2 family. */
export interface ModelConfig {
  readonly model_type: "llama" | "qwen2";
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
  /** Only null is supported so far. */
  readonly rope_scaling?: null;
  /** Activation of the feed-forward layer's gate. */
  readonly hidden_act: "silu" | "gelu_pytorch_tanh";
  /** Whether the output matrix is the embedding table. */
  readonly tie_word_embeddings: boolean;
  /** Whether the query, key and value projections add a bias, as Qwen2's do. */
  readonly attention_bias: boolean;
}

/** What of a `config.json` this toolkit reads; anything else in the file is left alone. */
function schema(): z.ZodType<ModelConfig> {
  const count = z.number().int().positive();
  return z.object({
    model_type: z.enum(["llama", "qwen2"]),
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
    rope_scaling: z.null().optional(),
    hidden_act: z.enum(["silu", "gelu_pytorch_tanh"]),
    tie_word_embeddings: z.boolean(),
    attention_bias: z.boolean(),
  }).refine((config) => config.num_attention_heads % config.num_key_value_heads === 0, {
    message: "must divide num_attention_heads",
    path: ["num_key_value_heads"],
  });
}

/**
 * Completes and checks a model configuration.
 *
 * @param value Parsed `config.json`, or the fields that differ from Llama's defaults.
 * @param where Named in errors, such as the file's path.
 * @throws {TypeError} When a field is missing, of a wrong type or out of range.
 */
export function modelConfig(value: unknown, where = "model config"): ModelConfig {
  const given = (value ?? {}) as Record<string, unknown>;
  const parsed = schema().safeParse({
    model_type: "llama",
    num_key_value_heads: given.num_attention_heads,
    head_dim: Number(given.hidden_size) / Number(given.num_attention_heads),
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    hidden_act: "silu",
    tie_word_embeddings: given.model_type === undefined, // Hugging Face's default differs by type
    attention_bias: given.model_type === "qwen2",
    ...given,
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue!.path.join(".");
  throw new TypeError(
    `Cannot read ${where} as ${field} is wrong (${issue!.message}): current value is ${
      JSON.stringify(given[field])
    }`,
  );
}
