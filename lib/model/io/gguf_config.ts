/**
 * What the metadata of a GGUF file say of the model, in the words of a Hugging Face config, and
 * Hugging Face's names for its tensors.
 *
 * @module
 */
import { type ModelConfig, modelConfig } from "../config.ts";

/** Key and value pairs of a GGUF file. */
export type GgufMetadata = Readonly<Record<string, unknown>>;

const OUTER: Readonly<Record<string, string>> = {
  token_embd: "model.embed_tokens",
  output_norm: "model.norm",
  output: "lm_head",
};

const OF_LAYER: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};

/** Hugging Face's name of a tensor of a GGUF file; its own where there is none. */
export function publishedName(name: string): string {
  const [, layer, part, kind] = /^(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const published = (layer === undefined ? OUTER : OF_LAYER)[part ?? ""];
  if (published === undefined) return name;
  return `${layer === undefined ? "" : `model.layers.${layer}.`}${published}.${kind}`;
}

/**
 * The model of a GGUF file, apart from Llama 3's rotary factors, which are a tensor.
 *
 * @param shapes Of the tensors, by Hugging Face's names: they tell biases and tied embeddings.
 * @throws {TypeError} When it is of another family, lacks a size, or has what is not supported.
 */
export function ggufConfig(
  metadata: GgufMetadata,
  shapes: Readonly<Record<string, readonly number[]>>,
  where: string,
): ModelConfig {
  const family = metadata["general.architecture"];
  const of = (key: string) => decimal(metadata[`${family}.${key}`]);
  const config = modelConfig({
    model_type: family,
    vocab_size: shapes["model.embed_tokens.weight"]?.[0],
    hidden_size: of("embedding_length"),
    intermediate_size: of("feed_forward_length"),
    num_hidden_layers: of("block_count"),
    num_attention_heads: of("attention.head_count"),
    num_key_value_heads: of("attention.head_count_kv") ?? null,
    head_dim: of("attention.key_length") ?? null,
    max_position_embeddings: of("context_length"),
    rms_norm_eps: of("attention.layer_norm_rms_epsilon"),
    rope_theta: of("rope.freq_base") ?? 10_000,
    rope_scaling: ropeScaling(metadata, `${family}.rope.`, where),
    use_sliding_window: of("attention.sliding_window") !== undefined,
    num_experts: of("expert_count") || null,
    tie_word_embeddings: !("lm_head.weight" in shapes),
    attention_bias: "model.layers.0.self_attn.q_proj.bias" in shapes,
    mlp_bias: "model.layers.0.mlp.down_proj.bias" in shapes,
    bos_token_id: metadata["tokenizer.ggml.bos_token_id"] ?? null,
  }, where);
  for (const key of ["attention.value_length", "rope.dimension_count"]) {
    if (![undefined, config.head_dim].includes(of(key) as number | undefined)) {
      throw new TypeError(
        `Cannot read ${where} as ${family}.${key} must be the width of a head, ` +
          `${config.head_dim}: current value is ${of(key)}`,
      );
    }
  }
  return config;
}

/** A float32 as the decimal number it was made from: 1e-5, not 0.000009999999747378752. */
function decimal(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "number") return value;
  const short = Number(value.toPrecision(7));
  return Math.fround(short) === value ? short : value;
}

/** How the rotation is stretched; null where it is not. */
function ropeScaling(
  metadata: GgufMetadata,
  prefix: string,
  where: string,
): Record<string, unknown> | null {
  const of = (key: string) => decimal(metadata[prefix + key]);
  const type = of("scaling.type") ?? (of("scale_linear") === undefined ? "none" : "linear");
  if (type === "none") return null;
  const known = ["type", "factor", "original_context_length", "finetuned"];
  const other = Object.keys(metadata).filter((key) => key.startsWith(`${prefix}scaling.`))
    .find((key) => !known.includes(key.slice(prefix.length + "scaling.".length)));
  if (other !== undefined) {
    throw new TypeError(
      `Cannot read ${where} as ${other} is not supported: current value is ${metadata[other]}`,
    );
  }
  return {
    rope_type: type,
    factor: of("scaling.factor") ?? of("scale_linear"),
    original_max_position_embeddings: of("scaling.original_context_length") ?? null,
  };
}
