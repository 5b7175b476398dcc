import * as tf from "@tensorflow/tfjs";
import { forward, logits, type Weights } from "../model/transformer.ts";
import type { ModelConfig } from "../model/config.ts";
import type { TokenBatch } from "./batch.ts";

/** What a policy says of each target token. */
export interface TokenScores {
  /** `[batch, seq]`, nats. */
  readonly logProbs: tf.Tensor2D;
  /** `[batch, seq]`, nats: entropy of the distribution the target was drawn from. */
  readonly entropy: tf.Tensor2D;
}

/**
 * Log-probability of each target token and entropy of the distribution it comes from.
 *
 * @param scores `[rows, vocab]`, unnormalized.
 * @param targets `[rows]`, int32 ids in `[0, vocab)`.
 * @returns Two tensors `[rows]`, nats.
 *
 * @example A uniform policy over four tokens
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import * as tf from "@tensorflow/tfjs";
 * import { tokenLogProbs } from "./log_probs.ts";
 *
 * await tf.setBackend("cpu");
 * const { logProbs, entropy } = tokenLogProbs(tf.zeros([1, 4]), tf.tensor1d([3], "int32"));
 * assertAlmostEquals((await logProbs.data())[0]!, Math.log(1 / 4), 1e-6);
 * assertAlmostEquals((await entropy.data())[0]!, Math.log(4), 1e-6);
 * ```
 */
export function tokenLogProbs(
  scores: tf.Tensor2D,
  targets: tf.Tensor1D,
): { logProbs: tf.Tensor1D; entropy: tf.Tensor1D } {
  return tf.tidy(() => {
    const all = tf.logSoftmax(scores); // [rows, vocab]
    // One-hot rather than tf.gatherND, which has no gradient in TensorFlow.js 4.22.
    const chosen = tf.oneHot(targets, scores.shape[1]).cast("float32");
    return {
      logProbs: tf.sum(tf.mul(all, chosen), -1) as tf.Tensor1D,
      entropy: tf.neg(tf.sum(tf.mul(tf.exp(all), all), -1)) as tf.Tensor1D,
    };
  });
}

/** Runs the policy over a batch: the training forward pass of every method. */
export function scoreTokens(weights: Weights, config: ModelConfig, batch: TokenBatch): TokenScores {
  const shape = batch.tokens.shape;
  const { hidden } = forward(weights, config, batch.tokens);
  const { logProbs, entropy } = tokenLogProbs(
    logits(weights, config, hidden),
    batch.targets.reshape([shape[0] * shape[1]]),
  );
  return { logProbs: logProbs.reshape(shape), entropy: entropy.reshape(shape) };
}
