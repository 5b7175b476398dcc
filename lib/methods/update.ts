/**
 * Optimizer steps: on terms, each some rows and an objective; and the one or more of them that
 * follow a step of rollouts.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Group } from "../grading/group.ts";
import { trainingFlops } from "../model/flops.ts";
import { learnedWeights, type Policy } from "../model/policy.ts";
import {
  completionTokens,
  microBatches,
  tokenBatch,
  type TrainingRow,
} from "../objectives/batch.ts";
import { scoreTokens } from "../objectives/log_probs.ts";
import type { Objective } from "../objectives/objective.ts";
import { maskedSum } from "../objectives/reduce.ts";
import type { Weigh } from "../objectives/weigh.ts";
import { accumulateGradients } from "../optim/accumulate.ts";
import { type AdamwConfig, adamwState, adamwStep } from "../optim/adamw.ts";
import { learningRateAt } from "../optim/schedule.ts";
import type { GroupConfig, MethodConfig, Training } from "./method.ts";
import { mean, type Metrics, type TrainingState } from "./training.ts";

/** Rows, and what is minimized on them: the sum over their tokens of weight times loss. */
export interface Term {
  /** Prefix of its metrics: `rl` on the policy's own completions, `sft` or `off` on demonstrations. */
  readonly name: "rl" | "sft" | "off";
  /** All rows of the optimizer batch; those of advantage 0 cost nothing unless there is a bonus. */
  readonly rows: readonly TrainingRow[];
  readonly objective: Objective;
  /** Weight of the entropy that is subtracted from each token's loss; 0 unless given. */
  readonly entropyCoefficient?: number;
}

/** With which optimizer, and how far. */
export interface StepOptions {
  /** Optimizers of different names share no moments. */
  readonly optimizer: "rl" | "sft";
  readonly learningRate: number;
  readonly adamw: AdamwConfig;
}

/** What one optimizer step did. */
export interface UpdateReport {
  /** Rows that took part; 0 when none had a gradient, and then no step was taken. */
  readonly rows: number;
  /** What was minimized: the sum over terms. */
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly gradNorm: number;
  /** Whether the step was left out because its gradient was not finite. */
  readonly skipped: boolean;
  /** Of each term: its share of the loss without the bonus, and means over its tokens. */
  readonly terms: Metrics;
}

/** What learns: all an optimizer step needs of a {@linkcode Training}. */
export interface Learner {
  readonly policy: Policy;
  readonly state: TrainingState;
  readonly config: Pick<MethodConfig, "maxTokens">;
}

/** One optimizer step on a sum of terms. The gradient does not depend on micro-batches. */
export async function optimizerStep(
  { policy, config, state }: Learner,
  terms: readonly Term[],
  { optimizer, learningRate, adamw }: StepOptions,
): Promise<UpdateReport> {
  const { config: shape, tokenizer } = policy;
  const [weights, lora] = [learnedWeights(policy), policy.adapter?.config];
  const active = terms.map((term) => ({
    ...term,
    rows: term.rows.filter(({ advantage }) => advantage !== 0 || term.entropyCoefficient),
  }));
  const batches = active.flatMap((term) =>
    microBatches(term.rows, config.maxTokens).map((rows) => ({ term, rows }))
  );
  const { gradients, loss, sums } = await accumulateGradients(
    weights,
    batches,
    ({ term: { name, objective, entropyCoefficient = 0 }, rows }) => {
      const batch = tokenBatch(rows, tokenizer.padTokenId);
      const scores = scoreTokens(policy, batch);
      const token = objective(scores, batch);
      const share = maskedSum(token.loss, batch.weights);
      const bonus = tf.mul(maskedSum(scores.entropy, batch.weights), entropyCoefficient);
      const report = Object.entries({ ...token.report, entropy: scores.entropy });
      return {
        loss: entropyCoefficient === 0 ? share : tf.sub(share, bonus),
        sums: {
          [`${name}/surrogate`]: share,
          ...Object.fromEntries(
            report.map(([key, values]) => [`${name}/${key}`, maskedSum(values, batch.mask)]),
          ),
        },
      };
    },
  );
  const step = batches.length === 0 ? { gradNorm: 0, skipped: false } : await adamwStep(
    weights,
    gradients,
    state.optimizers[optimizer] ??= adamwState(weights),
    learningRate,
    adamw,
  );
  tf.dispose(gradients);
  const rows = active.flatMap((term) => term.rows);
  for (const { prompt, completion } of rows) {
    state.budget.flops += trainingFlops(shape, prompt.length, completion.length, lora);
  }
  if (batches.length > 0 && !step.skipped) state.budget.optimizerSteps++;
  return { rows: rows.length, loss, ...step, terms: termMetrics(active, sums) };
}

/** Sums over terms as metrics: shares of the loss as they are, all else as means over tokens. */
function termMetrics(terms: readonly Term[], sums: Readonly<Record<string, number>>): Metrics {
  const tokens = Object.fromEntries(terms.map(({ name, rows }) => [name, completionTokens(rows)]));
  return Object.fromEntries(
    Object.entries(sums).map(([key, sum]) => {
      const [name, what] = key.split("/") as [string, string];
      return [key, what === "surrogate" ? sum : sum / tokens[name]!];
    }),
  );
}

/** How the completions of groups become a term. */
export interface PolicyTermOptions {
  /** A group's rewards as advantages. */
  readonly advantages: (rewards: readonly number[]) => number[];
  readonly weigh: Weigh;
  readonly objective: Objective;
  readonly entropyCoefficient?: number;
}

/** The policy's own completions as a term. */
export function policyTerm(groups: readonly Group[], options: PolicyTermOptions): Term {
  const { advantages, weigh, objective, entropyCoefficient } = options;
  const rows = groups.flatMap((group) =>
    policyRows(group, advantages(group.rewards.map(({ total }) => total)))
  );
  return { name: "rl", rows: weigh(rows), objective, entropyCoefficient };
}

/** A group's completions as rows to learn from. */
export function policyRows(group: Group, advantages: readonly number[]): TrainingRow[] {
  return group.completions.map(({ tokens, logProbs }, i) => ({
    prompt: group.prompt,
    completion: tokens,
    advantage: advantages[i]!,
    oldLogProbs: logProbs,
  }));
}

/**
 * The optimizer steps that follow one step of rollouts: each on an equal part of the groups, as far
 * as their number can be divided.
 *
 * @param termsOf What is learned from a part; of the settings' own optimizer, `rl`.
 */
export async function policyUpdate<G extends Group>(
  training: Training<GroupConfig>,
  groups: readonly G[],
  termsOf: (part: readonly G[]) => readonly Term[] | Promise<readonly Term[]>,
): Promise<Metrics> {
  const { config, step } = training;
  const learningRate = learningRateAt(config.learningRate, step, config.steps);
  const reports: UpdateReport[] = [];
  const advantages: number[] = [];
  for (const part of equalParts(groups, config.optimizerSteps)) {
    const terms = await termsOf(part);
    const own = terms.filter(({ name }) => name === "rl").flatMap(({ rows }) => rows);
    advantages.push(...own.map(({ advantage }) => advantage));
    const options = { optimizer: "rl", learningRate, adamw: config.adamw } as const;
    reports.push(await optimizerStep(training, terms, options));
  }
  const taken = reports.filter(({ rows }) => rows > 0);
  const average = (of: (report: UpdateReport) => number | undefined) =>
    mean(taken.map(of).filter((value) => value !== undefined));
  const names = new Set(["rl/surrogate", ...taken.flatMap(({ terms }) => Object.keys(terms))]);
  return {
    ...Object.fromEntries([...names].map((name) => [name, average(({ terms }) => terms[name])])),
    "rl/loss": average(({ loss }) => loss),
    "rl/grad_norm": average(({ gradNorm }) => gradNorm),
    "rl/learning_rate": learningRate,
    // only before the first update are sampler and trainer the same policy
    "rl/sampler_gap": taken[0]?.terms["rl/sampler_gap"] ?? NaN,
    "rl/optimizer_steps": taken.filter(({ skipped }) => !skipped).length,
    "rl/empty_steps": reports.length - taken.length,
    "rl/skipped_steps": taken.filter(({ skipped }) => skipped).length,
    "advantage/mean_abs": mean(advantages.map(Math.abs)),
    "advantage/max": advantages.reduce((a, b) => Math.max(a, b), advantages[0] ?? NaN),
    "advantage/min": advantages.reduce((a, b) => Math.min(a, b), advantages[0] ?? NaN),
  };
}

/** Splits a list, in order, into parts whose sizes differ by one at most. */
function equalParts<T>(list: readonly T[], parts: number): T[][] {
  const end = (part: number) => Math.floor(part * list.length / parts);
  return Array.from({ length: parts }, (_, part) => list.slice(end(part), end(part + 1)));
}
