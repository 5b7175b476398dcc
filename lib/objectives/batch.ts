/**
 * Rows of tokens as tensors for the training forward pass: packed, not padded.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { bucket } from "../compute/device.ts";
import { packedSequences, type Sequences } from "../compute/ops/attention.ts";

/** A prompt and what follows it: a sampled completion or a demonstration. */
export interface TrainingRow {
  /** Ids of the prompt; no loss falls on them. */
  readonly prompt: readonly number[];
  /** Ids that carry the loss, EOS included; at least one. */
  readonly completion: readonly number[];
  /** Advantage of every token of the completion; 1 for demonstrations: pulled at full strength. */
  readonly advantage: number;
  /** Share of each token in the loss, alike for all of them or `[completion]`; 1 unless given. */
  readonly weight?: number | ArrayLike<number>;
  /** Log-probabilities when the completion was sampled, `[completion]`, nats; none if supervised. */
  readonly oldLogProbs?: ArrayLike<number>;
  /** Log-probabilities under a reference policy, `[completion]`, nats; for a KL term. */
  readonly referenceLogProbs?: ArrayLike<number>;
}

/** Rows end to end, without padding between them. */
export interface TokenBatch {
  /** `[tokens]`, int32: what the policy reads. */
  readonly tokens: tf.Tensor1D;
  /** Which tokens belong together. */
  readonly sequences: Sequences;
  /** `[scored]`, int32: the tokens that a completion's token follows, by their place in `tokens`. */
  readonly scored: tf.Tensor1D;
  /** `[scored]`, int32: the tokens that follow. */
  readonly targets: tf.Tensor1D;
  /** `[scored]`: 1, or 0 for entries that only fill a buffer up. */
  readonly mask: tf.Tensor1D;
  /** `[scored]`: share of each token in the loss; 0 where the mask is. */
  readonly weights: tf.Tensor1D;
  /** `[scored]`. */
  readonly advantages: tf.Tensor1D;
  /** `[scored]`, nats; 0 where nothing was recorded. */
  readonly oldLogProbs: tf.Tensor1D;
  /** `[scored]`, nats; 0 where nothing was recorded. */
  readonly referenceLogProbs: tf.Tensor1D;
  /** Tokens of each row's completion, in order; they and what fills the buffer up are `[scored]`. */
  readonly lengths: readonly number[];
}

/**
 * Lays rows out as tensors. What pads them to a size that the device pools is a sequence of its own
 * and masked, so no row's numbers depend on it.
 *
 * @param padTokenId Any id.
 */
export function tokenBatch(rows: readonly TrainingRow[], padTokenId: number): TokenBatch {
  const lengths = rows.map(readTokens);
  const [read, scored] = [sum(lengths), completionTokens(rows)];
  const [size, scoredSize] = [bucket(read), bucket(scored)];
  const tokens = new Int32Array(size).fill(padTokenId);
  const [places, targets] = [new Int32Array(scoredSize), new Int32Array(scoredSize)];
  const zeros = () => new Float32Array(scoredSize);
  const [mask, weights, advantages] = [zeros(), zeros(), zeros()];
  const [oldLogProbs, referenceLogProbs] = [zeros(), zeros()];
  let [start, first] = [0, 0];
  rows.forEach((each, row) => {
    const { prompt, completion, advantage, weight = 1 } = each;
    tokens.set(prompt, start);
    tokens.set(completion.slice(0, -1), start + prompt.length);
    const before = start + prompt.length - 1; // the token that the completion's first follows
    completion.forEach((id, i) => {
      places[first + i] = before + i;
      targets[first + i] = id;
    });
    mask.fill(1, first, first + completion.length);
    advantages.fill(advantage, first, first + completion.length);
    if (typeof weight === "number") weights.fill(weight, first, first + completion.length);
    else weights.set(weight, first);
    oldLogProbs.set(each.oldLogProbs ?? [], first);
    referenceLogProbs.set(each.referenceLogProbs ?? [], first);
    start += lengths[row]!;
    first += completion.length;
  });
  return {
    tokens: tf.tensor1d(tokens, "int32"),
    sequences: packedSequences(size > read ? [...lengths, size - read] : lengths),
    scored: tf.tensor1d(places, "int32"),
    targets: tf.tensor1d(targets, "int32"),
    mask: tf.tensor1d(mask),
    weights: tf.tensor1d(weights),
    advantages: tf.tensor1d(advantages),
    oldLogProbs: tf.tensor1d(oldLogProbs),
    referenceLogProbs: tf.tensor1d(referenceLogProbs),
    lengths: rows.map(({ completion }) => completion.length),
  };
}

/** Tokens of a row that the policy reads: all but the last. */
function readTokens({ prompt, completion }: TrainingRow): number {
  return prompt.length + completion.length - 1;
}

function sum(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/**
 * Splits the rows of one optimizer batch, in order, so that none of the parts reads more than
 * `maxTokens` tokens. The result depends on the rows alone.
 *
 * @param maxTokens A longer row goes alone.
 */
export function microBatches<Row extends TrainingRow>(
  rows: readonly Row[],
  maxTokens: number,
): Row[][] {
  const parts: Row[][] = [];
  let room = 0;
  for (const row of rows) {
    room -= readTokens(row);
    if (room < 0 || parts.length === 0) {
      parts.push([]);
      room = maxTokens - readTokens(row);
    }
    parts.at(-1)!.push(row);
  }
  return parts;
}

/** Tokens of completions in all rows: what a token mean divides by. */
export function completionTokens(rows: readonly TrainingRow[]): number {
  return sum(rows.map((row) => row.completion.length));
}
