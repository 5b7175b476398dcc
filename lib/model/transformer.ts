/**
 * A decoder-only transformer of the Llama, Qwen2 and Qwen3 families, with the tensor names and
 * layouts of their Hugging Face checkpoints: a projection is stored as `[out, in]` and applied as
 * `x Wᵀ`.
 *
 * Tokens stand in one packed row, sequence after sequence, without padding: everything but
 * attention treats each on its own.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { attention, type HeadShape, type Sequences } from "../compute/ops/attention.ts";
import { embedding } from "../compute/ops/embedding.ts";
import { gatedLinearUnit } from "../compute/ops/gated_linear_unit.ts";
import { linear } from "../compute/ops/linear.ts";
import { rmsNorm } from "../compute/ops/rms_norm.ts";
import { rotate } from "../compute/ops/rotary.ts";
import { randomNormal, randomSeeded } from "../random.ts";
import { adaptedLinear, type Adapter } from "./adapter.ts";
import type { ModelConfig } from "./config.ts";
import { ropeTable } from "./rope.ts";

/** A model's weights by their Hugging Face names. */
export type Weights = Readonly<Record<string, tf.Variable>>;

/** What the forward pass reads. */
export interface Model {
  readonly config: ModelConfig;
  readonly weights: Weights;
  /** What learns in place of the weights, which are frozen then. */
  readonly adapter?: Adapter;
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
    if (config.attention_bias && config.model_type !== "qwen2") {
      shapes[`${at}.self_attn.o_proj.bias`] = [hidden];
    }
    if (normsHeads(config)) {
      shapes[`${at}.self_attn.q_norm.weight`] = [headDim];
      shapes[`${at}.self_attn.k_norm.weight`] = [headDim];
    }
    shapes[`${at}.post_attention_layernorm.weight`] = [hidden];
    for (
      const [name, out, width] of [
        ["gate", inner, hidden],
        ["up", inner, hidden],
        ["down", hidden, inner],
      ] as const
    ) {
      shapes[`${at}.mlp.${name}_proj.weight`] = [out, width];
      if (config.mlp_bias) shapes[`${at}.mlp.${name}_proj.bias`] = [out];
    }
  }
  shapes["model.norm.weight"] = [hidden];
  if (!config.tie_word_embeddings) shapes["lm_head.weight"] = [vocab_size, hidden];
  return shapes;
}

/** Whether each head of queries and keys is normed before it is rotated. */
function normsHeads({ model_type }: ModelConfig): boolean {
  return model_type === "qwen3";
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

/** Tokens to run, and how they read one another. */
export interface Reading {
  /** `[tokens]`, int32 ids in `[0, vocab)`. */
  readonly tokens: tf.Tensor1D;
  /** `[tokens]`, int32: the place of each in its sequence, from 0. */
  readonly positions: tf.Tensor1D;
  /** Added to every position; 0 unless given. */
  readonly offset?: number;
  /** From {@linkcode ropeTable}, for all positions that occur. */
  readonly table: tf.Tensor2D;
  /**
   * Mixes the values of the tokens that each token reads.
   *
   * @param qkv `[tokens, (heads + 2 keyValueHeads) headDim]`: rotated queries and keys, values.
   * @returns `[tokens, heads * headDim]`.
   */
  attend(layer: number, qkv: tf.Tensor2D): tf.Tensor2D;
}

/**
 * Runs the transformer over tokens.
 *
 * @param model Its weights are named as {@linkcode weightShapes} says.
 * @returns The residual stream after the last norm, `[tokens, hidden]`, ready for
 * {@linkcode outputMatrix}.
 */
export function runLayers(model: Model, reading: Reading): tf.Tensor2D {
  const { weights, config, adapter } = model;
  const { head_dim: headDim, rms_norm_eps: epsilon } = config;
  const { positions, offset = 0, table, attend } = reading;
  // Queries and keys are rotated in place of one matrix: the values behind them are not.
  const turned = {
    heads: config.num_attention_heads + config.num_key_value_heads,
    headDim,
    offset,
  };
  const norm = (x: tf.Tensor2D, name: string) =>
    rmsNorm(x, weightOf(weights, `${name}.weight`) as tf.Tensor1D, epsilon);
  const project = (x: tf.Tensor2D, names: readonly string[], residual?: tf.Tensor2D) =>
    adaptedLinear(
      x,
      names.map((name) => ({ name, weight: weightOf(weights, `${name}.weight`) as tf.Tensor2D })),
      adapter,
      {
        biases: names.flatMap((name) => (weights[`${name}.bias`] ?? []) as tf.Tensor1D),
        residual,
      },
    );

  const embeddings = weightOf(weights, "model.embed_tokens.weight") as tf.Tensor2D;
  let stream = embedding(embeddings, reading.tokens); // [tokens, hidden]
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const at = `model.layers.${layer}`;
    const x = norm(stream, `${at}.input_layernorm`);
    const qkv = project(x, ["q", "k", "v"].map((name) => `${at}.self_attn.${name}_proj`));
    const normed = normsHeads(config) ? normHeads(weights, config, at, qkv) : qkv;
    const rotated = rotate(normed, positions, table, turned);
    const mixed = attend(layer, rotated);
    const attended = project(mixed, [`${at}.self_attn.o_proj`], stream);

    const z = norm(attended, `${at}.post_attention_layernorm`);
    const gateUp = project(z, [`${at}.mlp.gate_proj`, `${at}.mlp.up_proj`]);
    const inner = gatedLinearUnit(gateUp, config.hidden_act);
    const next = project(inner, [`${at}.mlp.down_proj`], attended);
    // What gradients need of these, the tape has kept; the rest would stay to its end.
    tf.dispose([stream, x, qkv, normed, rotated, mixed, attended, z, gateUp, inner]);
    stream = next;
  }
  return norm(stream, "model.norm");
}

/**
 * Norms each head of queries and keys, with a gain for either.
 *
 * @param qkv `[tokens, (heads + 2 keyValueHeads) headDim]`.
 * @returns The same shape; values are left as they are.
 */
function normHeads(
  weights: Weights,
  config: ModelConfig,
  layer: string,
  qkv: tf.Tensor2D,
): tf.Tensor2D {
  const { num_attention_heads, num_key_value_heads, head_dim, rms_norm_eps } = config;
  const [queries, keys] = [num_attention_heads * head_dim, num_key_value_heads * head_dim];
  return tf.tidy(() => {
    const [q, k, v] = tf.split(qkv, [queries, keys, keys], 1) as tf.Tensor2D[];
    const norm = (x: tf.Tensor2D, name: string) => {
      const gain = weightOf(weights, `${layer}.self_attn.${name}.weight`) as tf.Tensor1D;
      const heads = x.reshape([-1, head_dim]) as tf.Tensor2D; // [tokens heads, headDim]
      return rmsNorm(heads, gain, rms_norm_eps).reshape(x.shape);
    };
    return tf.concat([norm(q!, "q_norm"), norm(k!, "k_norm"), v!], 1) as tf.Tensor2D;
  });
}

function weightOf(weights: Weights, name: string): tf.Variable {
  const found = weights[name];
  if (!found) throw new TypeError(`Cannot run the model as it has no tensor ${name}`);
  return found;
}

/**
 * Runs the transformer over whole sequences: the forward pass of training.
 *
 * @param tokens `[tokens]`, int32 ids in `[0, vocab)`, sequence after sequence.
 * @returns `[tokens, hidden]`, see {@linkcode runLayers}.
 */
export function forward(
  model: Model,
  tokens: tf.Tensor1D,
  sequences: Sequences,
): tf.Tensor2D {
  const { config } = model;
  return runLayers(model, {
    tokens,
    positions: tf.tensor1d(placesIn(sequences.lengths), "int32"),
    table: ropeTable(config, Math.max(...sequences.lengths)),
    attend: (_, qkv) => attention(qkv, sequences, headShape(config)),
  });
}

/** The place of each token in its sequence, from 0, for sequences of these lengths end to end. */
export function placesIn(lengths: readonly number[]): number[] {
  return lengths.flatMap((length) => Array.from({ length }, (_, at) => at));
}

/** How the heads of a model lie side by side. */
export function headShape(config: ModelConfig): HeadShape {
  return {
    heads: config.num_attention_heads,
    keyValueHeads: config.num_key_value_heads,
    headDim: config.head_dim,
  };
}

/** The matrix that turns hidden states into scores of tokens, `[vocab, hidden]`. */
export function outputMatrix({ weights, config }: Model): tf.Tensor2D {
  const name = config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  return weightOf(weights, name) as tf.Tensor2D;
}

/**
 * Scores of every token of the vocabulary.
 *
 * @param hidden `[rows, hidden]`, from {@linkcode runLayers}.
 * @returns `[rows, vocab]`, unnormalized.
 */
export function logits(model: Model, hidden: tf.Tensor2D): tf.Tensor2D {
  return linear(hidden, [outputMatrix(model)]);
}
