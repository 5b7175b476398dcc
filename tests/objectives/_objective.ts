/**
 * Objectives on log-probabilities chosen by hand.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { assert } from "@std/assert";
import { type TokenBatch, tokenBatch } from "../../lib/objectives/batch.ts";
import type { Objective, TokenLoss } from "../../lib/objectives/objective.ts";
import { maskedSum } from "../../lib/objectives/reduce.ts";

/** What a policy says of a completion's tokens, and what is known of it; a list for each token. */
export interface ScoredRow {
  readonly logProbs: readonly number[];
  /** `logProbs` unless given: the policy has not moved. */
  readonly oldLogProbs?: readonly number[];
  readonly referenceLogProbs?: readonly number[];
  /** 1 unless given, as demonstrations have. */
  readonly advantage?: number;
  /** 0 unless given. */
  readonly entropy?: readonly number[];
}

/** What an objective makes of rows, token by token. */
export interface Evaluated {
  readonly loss: number[];
  /** Slope of the sum of all losses by each log-probability. */
  readonly gradient: number[];
  readonly report: Record<string, number[]>;
}

/** Places beyond the tokens, as where a device fills buffers up. */
const FILL = 2;

/** Evaluates an objective on the open device, beside masked entries that must reach nobody. */
export async function evaluateObjective(
  objective: Objective,
  rows: readonly ScoredRow[],
): Promise<Evaluated> {
  const batch = batchOf(rows);
  const count = batch.mask.size - FILL;
  const logProbs = onDevice(rows.flatMap((row) => row.logProbs), batch);
  const entropy = onDevice(rows.flatMap((row) => row.entropy ?? row.logProbs.map(() => 0)), batch);
  const of = (x: tf.Tensor): TokenLoss => objective({ logProbs: x as tf.Tensor1D, entropy }, batch);
  const named = tf.tidy((): tf.NamedTensorMap => {
    const { loss, report } = of(logProbs);
    const gradient = tf.grad((x) => maskedSum(of(x).loss, batch.mask))(logProbs);
    const copies = Object.entries(report).map(([name, values]) => [name, tf.clone(values)]);
    return { ...Object.fromEntries(copies), loss, gradient };
  });
  const values: Record<string, number[]> = {};
  for (const [name, tensor] of Object.entries(named)) {
    const all = [...await tensor.data<"float32">()];
    assert(all.every(Number.isFinite), `${name} is not finite where the mask is 0`);
    values[name] = all.slice(0, count);
  }
  tf.dispose([logProbs, entropy, named]);
  disposeBatch(batch);
  const { loss, gradient, ...report } = values;
  return { loss: loss!, gradient: gradient!, report };
}

/** Rows of one prompt token each as a batch, with masked places at its end. */
export function batchOf(rows: readonly ScoredRow[]): TokenBatch {
  const batch = tokenBatch(
    rows.map(({ logProbs, oldLogProbs = logProbs, referenceLogProbs, advantage = 1 }) => ({
      prompt: [1],
      completion: logProbs.map(() => 2),
      advantage,
      oldLogProbs,
      referenceLogProbs,
    })),
    0,
  );
  const count = rows.reduce((sum, { logProbs }) => sum + logProbs.length, 0);
  const filled = (values: tf.Tensor1D) => {
    const longer = tf.tidy(() => tf.pad1d(tf.slice1d(values, 0, count), [0, FILL]));
    values.dispose();
    return longer;
  };
  return {
    ...batch,
    scored: filled(batch.scored),
    targets: filled(batch.targets),
    mask: filled(batch.mask),
    weights: filled(batch.weights),
    advantages: filled(batch.advantages),
    oldLogProbs: filled(batch.oldLogProbs),
    referenceLogProbs: filled(batch.referenceLogProbs),
  };
}

/** Values of tokens as a tensor; -1 in the masked places. */
export function onDevice(values: readonly number[], { mask }: TokenBatch): tf.Tensor1D {
  return tf.tensor1d(Float32Array.from({ length: mask.size }, (_, i) => values[i] ?? -1));
}

/** Frees a batch. */
export function disposeBatch({ sequences, lengths: _, ...tensors }: TokenBatch): void {
  tf.dispose([...Object.values(tensors), sequences.starts, sequences.ends]);
}
