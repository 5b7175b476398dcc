/**
 * A decoder-only transformer of the Llama and Qwen2 family, with the tensor names and layouts of
 * their Hugging Face checkpoints: a projection is stored as `[out, in]` and applied as `x Wᵀ`.
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
import { rotaryTable, rotate } from "../compute/ops/rotary.ts";
import { randomNormal, randomSeeded } from "../random.ts";
import type { ModelConfig } from "./config.ts";

/** A model's weights by their Hugging Face names. */
export type Weights = Readonly<Record<string, tf.Variable>>;

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

/** Tokens to run, and how they read one another. */
export interface Reading {
  /** `[tokens]`, int32 ids in `[0, vocab)`. */
  readonly tokens: tf.Tensor1D;
  /** `[tokens]`, int32: the place of each in its sequence, from 0. */
  readonly positions: tf.Tensor1D;
  /** Added to every position; 0 unless given. */
  readonly offset?: number;
  /** From {@linkcode rotaryTable}, for all positions that occur. */
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
 * @param weights Named as {@linkcode weightShapes} says.
 * @returns The residual stream after the last norm, `[tokens, hidden]`, ready for
 * {@linkcode outputMatrix}.
 */
export function runLayers(weights: Weights, config: ModelConfig, reading: Reading): tf.Tensor2D {
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
    linear(x, names.map((name) => weightOf(weights, `${name}.weight`) as tf.Tensor2D), {
      biases: names.flatMap((name) => (weights[`${name}.bias`] ?? []) as tf.Tensor1D),
      residual,
    });

  const embeddings = weightOf(weights, "model.embed_tokens.weight") as tf.Tensor2D;
  let stream = embedding(embeddings, reading.tokens); // [tokens, hidden]
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const at = `model.layers.${layer}`;
    const x = norm(stream, `${at}.input_layernorm`);
    const qkv = project(x, ["q", "k", "v"].map((name) => `${at}.self_attn.${name}_proj`));
    const rotated = rotate(qkv, positions, table, turned);
    const mixed = attend(layer, rotated);
    const attended = project(mixed, [`${at}.self_attn.o_proj`], stream);

    const z = norm(attended, `${at}.post_attention_layernorm`);
    const gateUp = project(z, [`${at}.mlp.gate_proj`, `${at}.mlp.up_proj`]);
    const inner = gatedLinearUnit(gateUp, config.hidden_act);
    const next = project(inner, [`${at}.mlp.down_proj`], attended);
    // What gradients need of these, the tape has kept; the rest would stay to its end.
    tf.dispose([stream, x, qkv, rotated, mixed, attended, z, gateUp, inner]);
    stream = next;
  }
  return norm(stream, "model.norm");
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
  weights: Weights,
  config: ModelConfig,
  tokens: tf.Tensor1D,
  sequences: Sequences,
): tf.Tensor2D {
  return runLayers(weights, config, {
    tokens,
    positions: tf.tensor1d(placesIn(sequences.lengths), "int32"),
    table: rotaryTable(Math.max(...sequences.lengths), config.head_dim, config.rope_theta),
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
export function outputMatrix(weights: Weights, config: ModelConfig): tf.Tensor2D {
  const name = config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  return weightOf(weights, name) as tf.Tensor2D;
}

/**
 * Scores of every token of the vocabulary.
 *
 * @param hidden `[rows, hidden]`, from {@linkcode runLayers}.
 * @returns `[rows, vocab]`, unnormalized.
 */
export function logits(weights: Weights, config: ModelConfig, hidden: tf.Tensor2D): tf.Tensor2D {
  return linear(hidden, [outputMatrix(weights, config)]);
}
