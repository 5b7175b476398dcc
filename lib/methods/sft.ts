/**
 * Supervised fine-tuning on demonstrations: the mean negative log-likelihood of their tokens
 * (arXiv:2506.07527, §3; optionally less α times the mean entropy, as in its fine-tuning phase).
 *
 * Differences from the authors' code:
 * 1. The mean runs over all tokens of the optimizer batch; theirs averages the means of
 *    micro-batches and divides by a count that is off by the number of devices.
 * 2. A demonstration that is missing, too long or graded wrong is skipped and counted, where theirs
 *    becomes an all-padding row or is cut.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Dataset, Question } from "../data/question.ts";
import type { Policy } from "../model/policy.ts";
import {
  completionTokens,
  microBatches,
  tokenBatch,
  type TrainingRow,
} from "../objectives/batch.ts";
import { scoreTokens } from "../objectives/log_probs.ts";
import { maskedSum } from "../objectives/reduce.ts";
import { accumulateGradients } from "../optim/accumulate.ts";
import { type AdamwConfig, type AdamwState, adamwState, adamwStep } from "../optim/adamw.ts";
import { learningRateAt, type Schedule } from "../optim/schedule.ts";
import { encodePart } from "../rollout/rollout.ts";
import {
  checkCounts,
  mean,
  type Metrics,
  questionsOfStep,
  type TrainingState,
  trainingState,
} from "./training.ts";

/** Settings of one supervised step. */
export interface SupervisedConfig {
  /** α, weight of the mean entropy that is subtracted from the loss; nats are worth α nats. */
  readonly entropyCoefficient: number;
  readonly learningRate: Schedule;
  readonly adamw: AdamwConfig;
}

/** Settings of {@linkcode sft}. */
export interface SftConfig extends SupervisedConfig {
  /** Whole number >= 0. */
  readonly seed: number;
  /** Optimizer steps in the run. */
  readonly steps: number;
  /** Questions drawn for each step, one demonstration each. */
  readonly demonstrationsPerStep: number;
  /** Tokens a demonstration may have, EOS included; a longer one is skipped. */
  readonly maxNewTokens: number;
  /** Tokens in one forward and backward pass: less needs less memory. */
  readonly maxTokens: number;
}

/** Trains a policy on demonstrations. Yields the metrics of each step. */
export async function* sft(
  policy: Policy,
  dataset: Dataset,
  config: SftConfig,
  state: TrainingState = trainingState(),
): AsyncGenerator<Metrics> {
  checkSft(config);
  while (state.step < config.steps) {
    const started = performance.now();
    const { step } = state;
    const drawn = questionsOfStep(dataset, config.demonstrationsPerStep, config.seed, step);
    const usable = drawn.flatMap(({ index, question }) => {
      const row = demonstrationRow(policy, dataset, question, config.maxNewTokens);
      return row ? [{ index, row }] : [];
    });
    const optimizer = state.optimizers.sft ??= adamwState(policy.weights);
    const rate = learningRateAt(config.learningRate, step, config.steps);
    const rows = usable.map(({ row }) => row);
    const report = await supervisedStep(policy, rows, optimizer, rate, config);
    countTaught(state, usable.map(({ index }) => index), [report]);
    state.step++;
    const seconds = (performance.now() - started) / 1000;
    yield {
      step,
      ...report,
      "sft/learning_rate": rate,
      "sft/without_demonstration": drawn.length - usable.length,
      ...demonstrationMetrics(state, dataset),
      "time/step_s": seconds,
      "throughput/tokens_per_s": rows.reduce(
        (sum, row) => sum + row.prompt.length + row.completion.length,
        0,
      ) / seconds,
    };
  }
}

/**
 * Checks the settings that the type cannot.
 *
 * @throws {RangeError} When one is out of range.
 */
export function checkSft({ demonstrationsPerStep }: SftConfig): void {
  checkCounts({ demonstrationsPerStep });
}

/**
 * A question's demonstration as a row to learn from; undefined when it has none, when it does not
 * fit, or when the dataset's own verifier rejects it.
 */
export function demonstrationRow(
  policy: Policy,
  dataset: Dataset,
  question: Question,
  maxNewTokens: number,
): TrainingRow | undefined {
  const { demonstration } = question;
  if (demonstration === undefined || !dataset.reward(question, demonstration).correct) return;
  const { tokenizer, config: { max_position_embeddings: room } } = policy;
  const completion = [...encodePart(policy, question, "demonstration"), tokenizer.eosTokenId];
  const ids = encodePart(policy, question, "prompt");
  if (completion.length > maxNewTokens || ids.length + completion.length > room) return;
  return { prompt: ids, completion, advantage: 0 };
}

/** One optimizer step on demonstrations. */
export async function supervisedStep(
  policy: Policy,
  rows: readonly TrainingRow[],
  optimizer: AdamwState,
  learningRate: number,
  config: SupervisedConfig & { readonly maxTokens: number },
): Promise<Metrics> {
  if (rows.length === 0) return { "sft/demonstrations": 0 };
  const { weights, config: shape, tokenizer } = policy;
  const { entropyCoefficient, maxTokens } = config;
  const tokens = completionTokens(rows);
  const { gradients, loss, sums } = await accumulateGradients(
    weights,
    microBatches(rows, maxTokens),
    (rows) => {
      const batch = tokenBatch(rows, tokenizer.padTokenId);
      const { logProbs, entropy } = scoreTokens(weights, shape, batch);
      const nll = tf.neg(maskedSum(logProbs, batch.mask)) as tf.Scalar;
      const entropySum = maskedSum(entropy, batch.mask);
      const total = tf.sub(nll, tf.mul(entropySum, entropyCoefficient));
      return { loss: tf.div(total, tokens), sums: { nll, entropy: entropySum } };
    },
  );
  const { gradNorm, skipped } = await adamwStep(
    weights,
    gradients,
    optimizer,
    learningRate,
    config.adamw,
  );
  tf.dispose(gradients);
  return {
    "sft/loss": loss,
    "sft/nll": sums.nll! / tokens,
    "sft/entropy": sums.entropy! / tokens,
    "sft/grad_norm": gradNorm,
    "sft/skipped_steps": skipped ? 1 : 0,
    "sft/demonstrations": rows.length,
    "sft/demonstration_tokens": mean(rows.map((row) => row.completion.length)),
  };
}

/** Notes that questions were taught, unless every optimizer step on them was skipped. */
export function countTaught(
  state: TrainingState,
  indices: readonly number[],
  reports: readonly Metrics[],
): void {
  if (reports.every((report) => report["sft/skipped_steps"] === 1)) return;
  for (const index of indices) state.taught[index] = (state.taught[index] ?? 0) + 1;
}

/** Demonstrations used so far: in all, distinct, and as a share of the training set. */
export function demonstrationMetrics(state: TrainingState, dataset: Dataset): Metrics {
  const times = Object.values(state.taught);
  return {
    "demonstrations/used": times.reduce((sum, count) => sum + count, 0),
    "demonstrations/distinct": times.length,
    "demonstrations/share": times.length / dataset.size,
  };
}
