import * as tf from "@tensorflow/tfjs";
import { embedding } from "../compute/ops/embedding.ts";
import { tokenLogProbs } from "../compute/ops/token_log_probs.ts";
import type { Policy } from "../model/policy.ts";
import { forward, type Model, outputMatrix } from "../model/transformer.ts";
import { microBatches, type TokenBatch, tokenBatch, type TrainingRow } from "./batch.ts";

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
export function scoreTokens(model: Model, batch: TokenBatch): TokenScores {
  const hidden = forward(model, batch.tokens, batch.sequences);
  const scored = embedding(hidden, batch.scored); // [scored, hidden]
  return tokenLogProbs(scored, outputMatrix(model), batch.targets);
}

/** What a policy says of the tokens of a row's completion, as numbers. */
export interface RowScores {
  /** `[completion]`, nats. */
  readonly logProbs: Float32Array;
  /** `[completion]`, nats. */
  readonly entropy: Float32Array;
}

/**
 * Reads rows with the training forward pass, without learning from them.
 *
 * @param maxTokens Read at a time.
 * @returns One for each row, in order.
 */
export async function scoreRows(
  policy: Policy,
  rows: readonly TrainingRow[],
  maxTokens: number,
): Promise<RowScores[]> {
  const scores: RowScores[] = [];
  for (const part of microBatches(rows, maxTokens)) {
    const stacked = tf.tidy(() => {
      const batch = tokenBatch(part, policy.tokenizer.padTokenId);
      const { logProbs, entropy } = scoreTokens(policy, batch);
      return tf.stack([logProbs, entropy]); // [2, scored]
    });
    const values = await stacked.data<"float32">();
    const scored = stacked.shape[1]!;
    stacked.dispose();
    let start = 0;
    for (const { completion: { length } } of part) {
      scores.push({
        logProbs: values.slice(start, start + length),
        entropy: values.slice(scored + start, scored + start + length),
      });
      start += length;
    }
  }
  return scores;
}
