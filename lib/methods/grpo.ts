/**
 * GRPO (arXiv:2402.03300) as ReLIFT and its RL baseline use it: groups of completions, rewards
 * compared inside each group, a clipped policy gradient, no value network.
 *
 * Differences from the paper of GRPO and from ReLIFT's code:
 * 1. No KL term and no reference policy (both coefficients are 0 in ReLIFT's scripts).
 * 2. Advantages are centred and, unless asked for, not divided by the group's standard deviation.
 * 3. The mean runs over all tokens of the optimizer batch, whatever the micro-batches
 *    (`reduction: "token-mean"`), or each completion's sum is divided by the token limit and these
 *    are averaged (`"constant-length"`, as ReLIFT's first version and Dr. GRPO do).
 * 4. Groups without signal (all completions earned the same) cost no forward or backward pass
 *    unless there is an entropy bonus; their tokens stay in every denominator. An optimizer batch
 *    in which no group has signal takes no step, where AdamW would coast on its momentum.
 * 5. Old log-probabilities are the sampler's own. The training pass gives the same within rounding
 *    (`rl/sampler_gap`, below 1e-4 nats), so the first ratio is 1 and one forward pass is saved.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Dataset } from "../data/question.ts";
import { type Group, scoreRollouts } from "../grading/group.ts";
import type { Policy } from "../model/policy.ts";
import { groupAdvantages, isLive } from "../objectives/advantages.ts";
import {
  completionTokens,
  microBatches,
  tokenBatch,
  type TrainingRow,
} from "../objectives/batch.ts";
import { scoreTokens } from "../objectives/log_probs.ts";
import { policyTokenLoss, type RatioClip } from "../objectives/policy_loss.ts";
import { maskedSum } from "../objectives/reduce.ts";
import { accumulateGradients } from "../optim/accumulate.ts";
import { type AdamwConfig, type AdamwState, adamwState, adamwStep } from "../optim/adamw.ts";
import { learningRateAt, type Schedule } from "../optim/schedule.ts";
import { randomKey } from "../random.ts";
import { rollout } from "../rollout/rollout.ts";
import { PLAIN_SAMPLING } from "../compute/ops/sample.ts";
import {
  checkCounts,
  type DrawnQuestion,
  mean,
  type Metrics,
  questionsOfStep,
  type TrainingState,
  trainingState,
} from "./training.ts";

/** Settings of {@linkcode grpo}; symbols are those of arXiv:2402.03300 and arXiv:2503.14476. */
export interface GrpoConfig {
  /** Whole number >= 0. */
  readonly seed: number;
  /** Rollout steps in the run. */
  readonly steps: number;
  /** G, completions sampled for each question; at least 2. */
  readonly groupSize: number;
  /** Questions rolled out in each step. */
  readonly questionsPerStep: number;
  /** Tokens a completion may have, EOS included. */
  readonly maxNewTokens: number;
  /** Optimizer steps per rollout step; each takes an equal part of the questions. */
  readonly optimizerSteps: number;
  /** Limits on the probability ratio; null for none. */
  readonly clip: RatioClip | null;
  /** What the sum of token losses is divided by. */
  readonly reduction: "token-mean" | "constant-length";
  /** Whether advantages are divided by their group's standard deviation. */
  readonly normalizeStd: boolean;
  /** Weight of the mean token entropy that is subtracted from the loss. */
  readonly entropyCoefficient: number;
  /** Counted in rollout steps. */
  readonly learningRate: Schedule;
  readonly adamw: AdamwConfig;
  /** Tokens in one forward and backward pass: less needs less memory. */
  readonly maxTokens: number;
}

/** A group and the index of its question in the dataset. */
export interface DrawnGroup extends Group {
  readonly index: number;
}

/** What a step of rollouts gave. */
export interface RolloutStep {
  readonly groups: readonly DrawnGroup[];
  readonly seconds: number;
}

/** Called with the groups of each step, for instance to keep samples. */
export type OnGroups = (step: number, groups: readonly DrawnGroup[]) => void;

/**
 * Trains a policy by reinforcement learning with verifiable rewards. Yields the metrics of each
 * step.
 */
export async function* grpo(
  policy: Policy,
  dataset: Dataset,
  config: GrpoConfig,
  state: TrainingState = trainingState(),
  onGroups: OnGroups = () => {},
): AsyncGenerator<Metrics> {
  checkGrpo(config);
  while (state.step < config.steps) {
    const started = performance.now();
    const { step } = state;
    const { groups, seconds } = await rolloutStep(policy, dataset, config, step);
    onGroups(step, groups);
    const update = await policyUpdate(policy, groups, config, state);
    state.step++;
    yield {
      step,
      ...rolloutMetrics(groups),
      ...update,
      ...timeMetrics(groups, started, seconds),
    };
  }
}

/**
 * Checks the settings that the type cannot.
 *
 * @throws {RangeError} When one is out of range.
 */
export function checkGrpo({ groupSize, questionsPerStep, optimizerSteps }: GrpoConfig): void {
  if (!(groupSize >= 2)) {
    throw new RangeError(
      `Cannot compare completions as groupSize must be >= 2: current value is ${groupSize}`,
    );
  }
  checkCounts({ questionsPerStep, optimizerSteps });
  if (questionsPerStep % optimizerSteps !== 0) {
    throw new RangeError(
      `Cannot split a step as optimizerSteps must divide questionsPerStep ${questionsPerStep}: ` +
        `current value is ${optimizerSteps}`,
    );
  }
}

/** Samples and grades the groups of a step. */
export async function rolloutStep(
  policy: Policy,
  dataset: Dataset,
  config: GrpoConfig,
  step: number,
): Promise<RolloutStep> {
  const drawn = questionsOfStep(dataset, config.questionsPerStep, config.seed, step);
  const started = performance.now();
  const groups = await sampleGroups(policy, dataset, drawn, config, ["rollout", step]);
  return { groups, seconds: (performance.now() - started) / 1000 };
}

/** Samples and grades one group for each question, from the random streams at `path`. */
export async function sampleGroups(
  policy: Policy,
  dataset: Dataset,
  drawn: readonly DrawnQuestion[],
  { seed, groupSize, maxNewTokens }: GrpoConfig,
  path: readonly (string | number)[],
): Promise<DrawnGroup[]> {
  const rollouts = await rollout(policy, drawn.map(({ question }) => question), {
    ...PLAIN_SAMPLING,
    groupSize,
    maxNewTokens,
    random: (question, sample) => randomKey(seed, ...path, drawn[question]!.index, sample),
  });
  return scoreRollouts(rollouts, dataset)
    .map((group, i) => ({ ...group, index: drawn[i]!.index }));
}

/** The optimizer steps that follow one step of rollouts. */
export async function policyUpdate(
  policy: Policy,
  groups: readonly Group[],
  config: GrpoConfig,
  state: TrainingState,
): Promise<Metrics> {
  const optimizer = state.optimizers.rl ??= adamwState(policy.weights);
  const learningRate = learningRateAt(config.learningRate, state.step, config.steps);
  const part = groups.length / config.optimizerSteps;
  const reports: PolicyStep[] = [];
  for (let start = 0; start < groups.length; start += part) {
    const batch = groups.slice(start, start + part);
    const rows = batch.flatMap((group) => policyRows(group, config.normalizeStd));
    reports.push(await policyStep(policy, rows, optimizer, learningRate, config));
  }
  const taken = reports.filter((report) => report.rows > 0);
  const average = (of: (report: PolicyStep) => number) =>
    taken.length > 0 ? mean(taken.map(of)) : NaN;
  const advantages = groups.flatMap((group) =>
    groupAdvantages(group.rewards.map(({ total }) => total), config)
  );
  return {
    "rl/loss": average((report) => report.loss),
    "rl/surrogate": average((report) => report.surrogate),
    "rl/grad_norm": average((report) => report.gradNorm),
    "rl/learning_rate": learningRate,
    "rl/ratio": average((report) => report.ratio),
    "rl/clip_fraction": average((report) => report.clipFraction),
    "rl/approximate_kl": average((report) => report.approximateKl),
    "rl/entropy": average((report) => report.entropy),
    "rl/sampler_gap": taken[0]?.gap ?? NaN,
    "rl/optimizer_steps": taken.filter((report) => !report.skipped).length,
    "rl/empty_steps": reports.length - taken.length,
    "rl/skipped_steps": taken.filter((report) => report.skipped).length,
    "advantage/mean_abs": mean(advantages.map(Math.abs)),
    "advantage/max": Math.max(...advantages),
    "advantage/min": Math.min(...advantages),
  };
}

/** A group's completions as rows to learn from. */
export function policyRows(group: Group, normalizeStd: boolean): TrainingRow[] {
  const advantages = groupAdvantages(group.rewards.map(({ total }) => total), { normalizeStd });
  return group.completions.map(({ tokens, logProbs }, i) => ({
    prompt: group.prompt,
    completion: tokens,
    advantage: advantages[i]!,
    oldLogProbs: logProbs,
  }));
}

/** What one policy-gradient step did; means over the tokens of the rows it trained on. */
interface PolicyStep {
  /** Rows that took part; 0 when none carried a signal. */
  readonly rows: number;
  readonly loss: number;
  readonly surrogate: number;
  readonly ratio: number;
  readonly clipFraction: number;
  readonly approximateKl: number;
  readonly entropy: number;
  readonly gap: number;
  readonly gradNorm: number;
  readonly skipped: boolean;
}

/**
 * One optimizer step on completions and their advantages.
 *
 * @param rows The whole optimizer batch, rows without signal included: they count in the mean.
 */
export async function policyStep(
  policy: Policy,
  rows: readonly TrainingRow[],
  optimizer: AdamwState,
  learningRate: number,
  config: GrpoConfig,
): Promise<PolicyStep> {
  const { weights, config: shape, tokenizer } = policy;
  const { clip, entropyCoefficient, maxTokens, reduction } = config;
  const trained = entropyCoefficient === 0 ? rows.filter((row) => row.advantage !== 0) : rows;
  const tokens = completionTokens(trained);
  const divisor = reduction === "token-mean"
    ? completionTokens(rows)
    : rows.length * config.maxNewTokens;
  const { gradients, loss, sums } = await accumulateGradients(
    weights,
    microBatches(trained, maxTokens),
    (rows) => {
      const batch = tokenBatch(rows, tokenizer.padTokenId);
      const { mask, oldLogProbs, advantages } = batch;
      const { logProbs, entropy } = scoreTokens(weights, shape, batch);
      const token = policyTokenLoss(logProbs, oldLogProbs, advantages, clip);
      const surrogate = maskedSum(token.loss, mask);
      const entropySum = maskedSum(entropy, mask);
      const gap = tf.sub(logProbs, oldLogProbs) as tf.Tensor1D;
      // k3 of Schulman's "Approximating KL Divergence": ratio - 1 - log ratio, never negative
      const kl = tf.sub(tf.sub(token.ratio, 1), gap) as tf.Tensor1D;
      const total = tf.sub(surrogate, tf.mul(entropySum, entropyCoefficient));
      return {
        loss: tf.div(total, divisor),
        sums: {
          surrogate,
          entropy: entropySum,
          ratio: maskedSum(token.ratio, mask),
          clipped: maskedSum(token.clipped, mask),
          kl: maskedSum(kl, mask),
          gap: maskedSum(tf.abs(gap), mask),
        },
      };
    },
  );
  const report = trained.length === 0
    ? { gradNorm: 0, skipped: false }
    : await adamwStep(weights, gradients, optimizer, learningRate, config.adamw);
  tf.dispose(gradients);
  return {
    rows: trained.length,
    loss,
    surrogate: (sums.surrogate ?? 0) / divisor,
    ratio: sums.ratio! / tokens,
    clipFraction: sums.clipped! / tokens,
    approximateKl: sums.kl! / tokens,
    entropy: sums.entropy! / tokens,
    gap: sums.gap! / tokens,
    ...report,
  };
}

/** What the rollouts of a step looked like. */
export function rolloutMetrics(groups: readonly Group[]): Metrics {
  const completions = groups.flatMap((group) =>
    group.completions.map((completion, i) => ({ ...completion, reward: group.rewards[i]! }))
  );
  const lengths = completions.map(({ tokens }) => tokens.length);
  const lengthsWhere = (correct: boolean) =>
    mean(
      completions.filter(({ reward }) => reward.correct === correct).map((c) => c.tokens.length),
    );
  const share = (count: number) => count / completions.length;
  const live = groups.filter((group) => isLive(group.rewards.map(({ total }) => total))).length;
  const parts = Object.keys(completions[0]!.reward.parts);
  return {
    "accuracy": mean(groups.map(({ accuracy }) => accuracy)),
    "reward/mean": mean(completions.map(({ reward }) => reward.total)),
    ...Object.fromEntries(
      parts.map((part) => [
        `reward/${part}`,
        mean(completions.map(({ reward }) => reward.parts[part]!)),
      ]),
    ),
    "groups/live": live,
    "groups/dead": groups.length - live,
    "groups/all_right": groups.filter(({ accuracy }) => accuracy === 1).length,
    "groups/all_wrong": groups.filter(({ accuracy }) => accuracy === 0).length,
    "completion/tokens": mean(lengths),
    "completion/tokens_max": Math.max(...lengths),
    "completion/tokens_min": Math.min(...lengths),
    "completion/tokens_right": lengthsWhere(true),
    "completion/tokens_wrong": lengthsWhere(false),
    "completion/entropy": mean(completions.map(({ entropy }) => entropy)),
    "completion/stopped": share(completions.filter((c) => c.finishReason === "stop").length),
    "completion/cut": share(completions.filter((c) => c.finishReason === "length").length),
    "prompt/tokens": mean(groups.map(({ prompt }) => prompt.length)),
  };
}

/** Where the time of a step went. */
export function timeMetrics(
  groups: readonly Group[],
  started: number,
  rolloutSeconds: number,
): Metrics {
  const tokens = groups.flatMap(({ completions }) => completions)
    .reduce((sum, completion) => sum + completion.tokens.length, 0);
  return {
    "time/rollout_s": rolloutSeconds,
    "time/step_s": (performance.now() - started) / 1000,
    "throughput/tokens_per_s": tokens / rolloutSeconds,
  };
}
