/**
 * A decoder-only transformer of the Llama and Qwen2 family, with the tensor names and layouts of
 * their Hugging Face checkpoints: a projection is stored as `[out, in]` and applied as `x Wᵀ`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { embedding } from "../compute/ops/embedding.ts";
import { rmsNorm } from "../compute/ops/rms_norm.ts";
import { rotaryTables, rotate } from "../compute/ops/rotary.ts";
import { swiglu } from "../compute/ops/swiglu.ts";
import { randomNormal, randomSeeded } from "../random.ts";
import { attention, causalBias } from "./attention.ts";
import type { ModelConfig } from "./config.ts";

/** A model's weights by their Hugging Face names. */
export type Weights = Readonly<Record<string, tf.Variable>>;

/** Keys and values of the positions read so far, one entry a layer. */
export interface KvCache {
  /** Tokens of padding at the left of each row, `[batch]`. */
  readonly padding: readonly number[];
  /** Each `[batch, keyValueHeads, positions, headDim]`. */
  readonly layers: readonly { readonly k: tf.Tensor4D; readonly v: tf.Tensor4D }[];
}

/** What the residual stream holds after the last layer, and the cache to go on from. */
export interface Forward {
  /** `[batch * seq, hidden]`, normalized, ready for {@linkcode logits}. */
  readonly hidden: tf.Tensor2D;
  readonly cache: KvCache;
}

/** Every tensor of a model of this shape: name and `[out, in]` or `[width]`. */
export function weightShapes(config: ModelConfig): Record<string, number[]> {
  const { hidden_size: hidden, intermediate_size: inner, head_dim: headDim, vocab_size } = config;
  const queries = config.num_attention_heads * headDim;
  const keys = config.num_key_value_heads * headDim;
  const shapes: Record<string, number[]> = { "model.embed_tokens.weight": [vocab_size, hidden] };
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const at = `model.layers.${layer}`;
    shapes[`${at}.input_layernorm.weight`] = [hidden];
    for (const [name, out] of [["q", queries], ["k", keys], ["v", keys]] as const) {
      shapes[`${at}.self_attn.${name}_proj.weight`] = [out, hidden];
      if (config.attention_bias) shapes[`${at}.self_attn.${name}_proj.bias`] = [out];
    }
    shapes[`${at}.self_attn.o_proj.weight`] = [hidden, queries];
    shapes[`${at}.post_attention_layernorm.weight`] = [hidden];
    shapes[`${at}.mlp.gate_proj.weight`] = [inner, hidden];
    shapes[`${at}.mlp.up_proj.weight`] = [inner, hidden];
    shapes[`${at}.mlp.down_proj.weight`] = [hidden, inner];
  }
  shapes["model.norm.weight"] = [hidden];
  if (!config.tie_word_embeddings) shapes["lm_head.weight"] = [vocab_size, hidden];
  return shapes;
}

/**
 * Fresh weights: normal with variance `1 / in`, so that a projection keeps the size of what it
 * reads at any width, smaller by `√(2 layers)` for the two that write to the residual stream (as in
 * GPT-2); gains 1 and biases 0.
 */
export function initialWeights(config: ModelConfig, seed: number): Weights {
  const weights: Record<string, tf.Variable> = {};
  for (const [name, shape] of Object.entries(weightShapes(config))) {
    const size = shape.reduce((product, side) => product * side, 1);
    let values: Float32Array = new Float32Array(size);
    if (name.endsWith("norm.weight")) values.fill(1);
    else if (name.endsWith(".weight")) {
      const writes = /\.(o_proj|down_proj)\./.test(name);
      const variance = 1 / shape[1]! / (writes ? 2 * config.num_hidden_layers : 1);
      values = randomNormal(randomSeeded(seed, "weights", name), size, Math.sqrt(variance));
    }
    weights[name] = tf.tidy(() => tf.variable(tf.tensor(values, shape)));
  }
  return weights;
}

/**
 * Runs the transformer over the next tokens of each row.
 *
 * @param weights Named as {@linkcode weightShapes} says.
 * @param tokens `[batch, seq]`, int32 ids in `[0, vocab)`.
 * @param cache What the rows have read before: padding, keys and values; no layers at the start.
 * When `padding` has one entry it serves every row.
 * @returns The residual stream after the last norm, and the cache with these tokens added.
 */
export function forward(
  weights: Weights,
  config: ModelConfig,
  tokens: tf.Tensor2D,
  cache: KvCache = { padding: [0], layers: [] },
): Forward {
  const { head_dim: headDim, rms_norm_eps: epsilon } = config;
  const [batch, seq] = tokens.shape;
  const read = cache.layers[0]?.k.shape[2] ?? 0;
  const positions = cache.padding.map((pad) =>
    Array.from({ length: seq }, (_, t) => Math.max(0, read + t - pad))
  );
  const tables = rotaryTables(positions, headDim, config.rope_theta);
  const bias = causalBias(seq, read + seq, cache.padding);
  const layers: { k: tf.Tensor4D; v: tf.Tensor4D }[] = [];
  const weight = (name: string) => {
    const found = weights[name];
    if (!found) throw new TypeError(`Cannot run the model as it has no tensor ${name}`);
    return found;
  };

  let stream = embedding( // [batch * seq, hidden]
    weight("model.embed_tokens.weight") as tf.Variable<tf.Rank.R2>,
    tokens.reshape([batch * seq]),
  );
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const at = `model.layers.${layer}`;
    const norm = (x: tf.Tensor2D, name: string) =>
      rmsNorm(x, weight(`${at}.${name}.weight`) as tf.Variable<tf.Rank.R1>, epsilon);
    const project = (x: tf.Tensor2D, name: string): tf.Tensor2D => {
      const y: tf.Tensor2D = tf.matMul(
        x,
        weight(`${at}.${name}.weight`) as tf.Variable<tf.Rank.R2>,
        false,
        true,
      );
      const offset = weights[`${at}.${name}.bias`];
      return offset ? tf.add(y, offset) : y;
    };
    const heads = (x: tf.Tensor2D) => x.reshape([batch, seq, -1, headDim]) as tf.Tensor4D;

    const x = norm(stream, "input_layernorm");
    const q = rotate(heads(project(x, "self_attn.q_proj")), tables);
    const k = rotate(heads(project(x, "self_attn.k_proj")), tables);
    const v = heads(project(x, "self_attn.v_proj"));
    const past = cache.layers[layer];
    const extend = (past: tf.Tensor4D | undefined, x: tf.Tensor4D) => {
      const turned = tf.transpose(x, [0, 2, 1, 3]); // [batch, keyValueHeads, seq, headDim]
      return past ? tf.concat([past, turned], 2) : turned;
    };
    const entry = { k: extend(past?.k, k), v: extend(past?.v, v) };
    layers.push(entry);
    const mixed = attention(q, entry.k, entry.v, bias).reshape([batch * seq, -1]) as tf.Tensor2D;
    stream = tf.add(stream, project(mixed, "self_attn.o_proj"));

    const z = norm(stream, "post_attention_layernorm");
    const inner = swiglu(project(z, "mlp.gate_proj"), project(z, "mlp.up_proj"));
    stream = tf.add(stream, project(inner, "mlp.down_proj"));
  }
  const gain = weight("model.norm.weight") as tf.Variable<tf.Rank.R1>;
  return {
    hidden: rmsNorm(stream, gain, epsilon),
    cache: { padding: cache.padding, layers },
  };
}

/**
 * Scores of every token of the vocabulary.
 *
 * @param hidden `[rows, hidden]`, from {@linkcode forward}.
 * @returns `[rows, vocab]`, unnormalized.
 */
export function logits(weights: Weights, config: ModelConfig, hidden: tf.Tensor2D): tf.Tensor2D {
  const name = config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  return tf.matMul(hidden, weights[name] as tf.Variable<tf.Rank.R2>, false, true);
}
