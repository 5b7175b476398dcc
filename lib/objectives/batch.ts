/**
 * Rows of tokens as padded tensors for the training forward pass.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";

/** A prompt and what follows it: a sampled completion or a demonstration. */
export interface TrainingRow {
  /** Ids of the prompt; no loss falls on them. */
  readonly prompt: readonly number[];
  /** Ids that carry the loss, EOS included; at least one. */
  readonly completion: readonly number[];
  /** Advantage of every token of the completion; 0 for supervised rows. */
  readonly advantage: number;
  /** Log-probabilities when the completion was sampled, `[completion]`, nats; none if supervised. */
  readonly oldLogProbs?: ArrayLike<number>;
}

/** Rows side by side, padded on the right to one length. */
export interface TokenBatch {
  /** `[batch, seq]`, int32: what the policy reads. */
  readonly tokens: tf.Tensor2D;
  /** `[batch, seq]`, int32: the token that follows each position. */
  readonly targets: tf.Tensor2D;
  /** `[batch, seq]`: 1 where the target belongs to a completion. */
  readonly mask: tf.Tensor2D;
  /** `[batch, 1]`. */
  readonly advantages: tf.Tensor2D;
  /** `[batch, seq]`, nats; 0 where nothing was recorded. */
  readonly oldLogProbs: tf.Tensor2D;
}

/** Sequence lengths are rounded up to this, so that few buffer sizes occur on a GPU. */
const LENGTH_BUCKET = 8;

/**
 * Lays rows out as tensors.
 *
 * Padding is on the right, where causal attention never looks, so no row's numbers depend on it.
 *
 * @param padTokenId Any id; masked everywhere.
 */
export function tokenBatch(rows: readonly TrainingRow[], padTokenId: number): TokenBatch {
  const seq = paddedLength(rows);
  const size = rows.length * seq;
  const tokens = new Int32Array(size).fill(padTokenId);
  const targets = new Int32Array(size).fill(padTokenId);
  const [mask, oldLogProbs] = [new Float32Array(size), new Float32Array(size)];
  rows.forEach(({ prompt, completion, oldLogProbs: old }, row) => {
    const ids = [...prompt, ...completion];
    tokens.set(ids.slice(0, -1), row * seq);
    targets.set(ids.slice(1), row * seq);
    const first = row * seq + prompt.length - 1; // the position that predicts the completion's start
    mask.fill(1, first, first + completion.length);
    if (old) oldLogProbs.set(old, first);
  });
  const shape: [number, number] = [rows.length, seq];
  return {
    tokens: tf.tensor2d(tokens, shape, "int32"),
    targets: tf.tensor2d(targets, shape, "int32"),
    mask: tf.tensor2d(mask, shape),
    advantages: tf.tensor2d(rows.map((row) => [row.advantage]), [rows.length, 1]),
    oldLogProbs: tf.tensor2d(oldLogProbs, shape),
  };
}

/** Length that a batch of these rows is padded to. */
function paddedLength(rows: readonly TrainingRow[]): number {
  const longest = Math.max(...rows.map((row) => row.prompt.length + row.completion.length - 1));
  return Math.ceil(longest / LENGTH_BUCKET) * LENGTH_BUCKET;
}

/**
 * Splits the rows of one optimizer batch so that none of the parts exceeds `maxTokens` when padded.
 * Rows of like length go together. The result depends on the rows alone.
 *
 * @param maxTokens Positions in one micro-batch, padding included; a longer row goes alone.
 */
export function microBatches<Row extends TrainingRow>(
  rows: readonly Row[],
  maxTokens: number,
): Row[][] {
  const length = (row: Row) => row.prompt.length + row.completion.length;
  const parts: Row[][] = [];
  for (const row of rows.toSorted((a, b) => length(a) - length(b))) {
    const part = parts.at(-1);
    if (part && (part.length + 1) * paddedLength([row]) <= maxTokens) part.push(row);
    else parts.push([row]);
  }
  return parts;
}

/** Tokens of completions in all rows: what a token mean divides by. */
export function completionTokens(rows: readonly TrainingRow[]): number {
  return rows.reduce((sum, row) => sum + row.completion.length, 0);
}
