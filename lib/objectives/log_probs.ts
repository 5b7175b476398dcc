import type * as tf from "@tensorflow/tfjs";
import { embedding } from "../compute/ops/embedding.ts";
import { tokenLogProbs } from "../compute/ops/token_log_probs.ts";
import type { ModelConfig } from "../model/config.ts";
import { forward, outputMatrix, type Weights } from "../model/transformer.ts";
import type { TokenBatch } from "./batch.ts";

/** What a policy says of each target token. */
export interface TokenScores {
  /** `[scored]`, nats. */
  readonly logProbs: tf.Tensor1D;
  /** `[scored]`, nats: entropy of the distribution the target was drawn from. */
  readonly entropy: tf.Tensor1D;
}

/**
 * Runs the policy over a batch: the training forward pass of every method. Only the positions that
 * a completion's token follows are turned into scores of the vocabulary, and those in chunks.
 */
export function scoreTokens(weights: Weights, config: ModelConfig, batch: TokenBatch): TokenScores {
  const hidden = forward(weights, config, batch.tokens, batch.sequences);
  const scored = embedding(hidden, batch.scored); // [scored, hidden]
  return tokenLogProbs(scored, outputMatrix(weights, config), batch.targets);
}
