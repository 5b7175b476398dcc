/**
 * The policies that are measured, and what a training step of each computes.
 *
 * @module
 */

/** The shape of a policy, with the field names of `config.json`. */
export interface Shape {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly rope_theta: number;
  readonly max_position_embeddings: number;
}

/** A policy and the sizes of its batches. */
export interface Size {
  readonly name: string;
  readonly shape: Shape;
  /** Rows and tokens of a row of a training step. */
  readonly train: { readonly batch: number; readonly seq: number };
  /** Completions that are generated side by side. */
  readonly generate: readonly number[];
  /** Whether memory holds one contender at a time only. */
  readonly apart: boolean;
}

/** A small Llama: heads of 32 numbers, a feed-forward layer of 8/3 of the width. */
export function llama(width: number, layers: number, vocab: number): Shape {
  return {
    vocab_size: vocab,
    hidden_size: width,
    intermediate_size: Math.round(width * 8 / 3 / 8) * 8,
    num_hidden_layers: layers,
    num_attention_heads: width / 32,
    num_key_value_heads: width / 32,
    head_dim: 32,
    rope_theta: 10_000,
    max_position_embeddings: 4096,
  };
}

/** HuggingFaceTB/SmolLM2-135M, with weights of our own. */
const SMOLLM2_135M: Shape = {
  vocab_size: 49_152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  head_dim: 64,
  rope_theta: 100_000,
  max_position_embeddings: 4096,
};

/** The four sizes, smallest first. */
export const SIZES: readonly Size[] = [
  {
    name: "0.8M",
    shape: llama(128, 4, 64),
    train: { batch: 64, seq: 64 },
    generate: [64, 256],
    apart: false,
  },
  {
    name: "10M",
    shape: llama(384, 6, 64),
    train: { batch: 16, seq: 64 },
    generate: [64, 256],
    apart: false,
  },
  {
    name: "30M",
    shape: llama(512, 8, 8192),
    train: { batch: 16, seq: 64 },
    generate: [64],
    apart: false,
  },
  {
    name: "135M",
    shape: SMOLLM2_135M,
    train: { batch: 4, seq: 64 },
    generate: [16],
    apart: true,
  },
];

/** Operations of a training step by the kernels that compute them; a multiply-add is two. */
export interface StepFlops {
  readonly projections: number;
  readonly attention: number;
  readonly output: number;
}

/**
 * What a training step has to multiply: the forward pass, and twice as much for the gradients.
 * Softmax, norms, activations and whatever is computed a second time are left out.
 *
 * @param batch Sequences of `seq` tokens; attention reads half of each square.
 */
export function stepFlops(shape: Shape, batch: number, seq: number): StepFlops {
  const { hidden_size: width, intermediate_size: inner, head_dim: headDim } = shape;
  const [heads, keyHeads] = [shape.num_attention_heads, shape.num_key_value_heads];
  const layer = width * (2 * heads + 2 * keyHeads) * headDim + 3 * width * inner;
  const [tokens, passes] = [batch * seq, 3];
  const pairs = batch * seq * (seq + 1) / 2;
  return {
    projections: passes * 2 * tokens * shape.num_hidden_layers * layer,
    attention: passes * 2 * pairs * shape.num_hidden_layers * heads * 2 * headDim,
    output: passes * 2 * tokens * shape.vocab_size * width,
  };
}
