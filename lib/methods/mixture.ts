/**
 * Updates that learn from the policy's own completions and from demonstrations in one optimizer
 * step.
 *
 * @module
 */
import type { Group } from "../grading/group.ts";
import { rowFlops } from "../model/flops.ts";
import { type AdvantageOptions, groupAdvantages } from "../objectives/advantages.ts";
import type { TrainingRow } from "../objectives/batch.ts";
import { type RowScores, scoreRows } from "../objectives/log_probs.ts";
import { clippedSurrogate, likelihood, type Objective } from "../objectives/objective.ts";
import type { RatioClip } from "../objectives/policy_loss.ts";
import { scaled, sequenceMean, tokenMean, type Weigh } from "../objectives/weigh.ts";
import { countTaught, type Demonstration, demonstrationsOf } from "./demonstrations.ts";
import type { GroupConfig, Training } from "./method.ts";
import type { DrawnGroup, Metrics } from "./training.ts";
import {
  policyRows,
  policyTerm,
  type PolicyTermOptions,
  policyUpdate,
  type Term,
} from "./update.ts";

/** What an optimizer batch is made of. */
export interface Mixture {
  readonly terms: readonly Term[];
  /** Those in its terms; one of advantage 0 teaches nothing and is not counted. */
  readonly demonstrations: readonly Demonstration[];
}

/**
 * The optimizer steps that follow one step of rollouts, and the count of the demonstrations in them.
 *
 * @param mix What is learned from a part of the groups.
 */
export async function mixedUpdate(
  training: Training<GroupConfig>,
  groups: readonly DrawnGroup[],
  mix: (part: readonly DrawnGroup[]) => Mixture | Promise<Mixture>,
): Promise<Metrics> {
  const taught: number[] = [];
  const update = await policyUpdate(training, groups, async (part) => {
    const { terms, demonstrations } = await mix(part);
    const learned = demonstrations.filter(({ row }) => row.advantage !== 0);
    taught.push(...learned.map(({ index }) => index));
    return terms;
  });
  countTaught(training.state, taught, [update]);
  return update;
}

/** How demonstrations become a term. */
export interface SupervisedTermOptions {
  /** The negative log-likelihood unless given. */
  readonly objective?: Objective;
  /** The token mean unless given. */
  readonly weigh?: Weigh;
}

/** Demonstrations as a term. */
export function supervisedTerm(
  demonstrations: readonly Demonstration[],
  { objective = likelihood, weigh = tokenMean }: SupervisedTermOptions = {},
): Term {
  return { name: "sft", rows: weigh(demonstrations.map(({ row }) => row)), objective };
}

/** Completions and demonstrations, judged against each other. */
export interface MixedGroups {
  /** The policy's own completions. */
  readonly own: readonly TrainingRow[];
  /** A demonstration for each question that has a usable one. */
  readonly demonstrations: readonly Demonstration[];
}

/**
 * Puts demonstrations into the groups of their questions: the advantages of a group come from the
 * rewards of all its members (LUFFY, arXiv:2504.14945, eq. 4).
 */
export async function mixedGroups(
  training: Training,
  groups: readonly DrawnGroup[],
  options?: AdvantageOptions,
): Promise<MixedGroups> {
  const own: TrainingRow[] = [];
  const demonstrations: Demonstration[] = [];
  for (const group of groups) {
    const [demonstration] = demonstrationsOf(training, [group]);
    const rewards = group.rewards.map(({ total }) => total);
    if (demonstration) rewards.push(await demonstrationReward(training, group));
    const advantages = groupAdvantages(rewards, options);
    own.push(...policyRows(group, advantages));
    if (!demonstration) continue;
    const { index, row } = demonstration;
    demonstrations.push({ index, row: { ...row, advantage: advantages.at(-1)! } });
  }
  return { own, demonstrations };
}

/** What the verifier gives the demonstration of a group's question. */
async function demonstrationReward(
  { dataset }: Training,
  { question }: Group,
): Promise<number> {
  return (await dataset.reward(question, question.demonstration!)).total;
}

/** How {@linkcode jointTerms} learns. */
export interface JointOptions {
  /** How all rows together share the loss. */
  readonly weigh: Weigh;
  /** Limits on the ratio of own completions; null for none. */
  readonly clip: RatioClip | null;
  /** Of demonstrations. */
  readonly objective: Objective;
}

/** Own completions and demonstrations as terms that share the loss as members of one batch. */
export function jointTerms(
  { own, demonstrations }: MixedGroups,
  { weigh, clip, objective }: JointOptions,
): Term[] {
  const rows = weigh([...own, ...demonstrations.map(({ row }) => row)]);
  return [
    { name: "rl", rows: rows.slice(0, own.length), objective: clippedSurrogate(clip) },
    { name: "off", rows: rows.slice(own.length), objective },
  ];
}

/** Groups that the policy learns from by itself, and the demonstrations of the other questions. */
export interface Fallback {
  readonly explored: readonly DrawnGroup[];
  readonly demonstrations: readonly Demonstration[];
}

/**
 * Replaces groups that the policy can learn nothing from by the demonstrations of their questions;
 * without a usable one the group stays.
 *
 * @param isLost Whether there is nothing to learn from a group.
 */
export function fallBack(
  training: Training,
  groups: readonly DrawnGroup[],
  isLost: (group: DrawnGroup) => boolean,
): Fallback {
  const demonstrations = demonstrationsOf(training, groups.filter(isLost));
  const replaced = new Set(demonstrations.map(({ index }) => index));
  return { explored: groups.filter(({ index }) => !replaced.has(index)), demonstrations };
}

/**
 * RL on the questions whose groups are not lost, SFT on the demonstrations of the others; every
 * question weighs the same, whichever loss it has.
 *
 * @param isLost Whether there is nothing to learn from a group.
 * @param options Of RL; SFT is the mean over a demonstration's tokens.
 */
export function switchedMixture(
  training: Training,
  part: readonly DrawnGroup[],
  isLost: (group: DrawnGroup) => boolean,
  options: PolicyTermOptions,
): Mixture {
  const { explored, demonstrations } = fallBack(training, part, isLost);
  const share = (questions: readonly unknown[]) => questions.length / part.length;
  const own = policyTerm(explored, {
    ...options,
    weigh: scaled(options.weigh, share(explored)),
  });
  const weigh = scaled(sequenceMean, share(demonstrations));
  return { terms: [own, supervisedTerm(demonstrations, { weigh })], demonstrations };
}

/** What the policy says of rows before the updates of a step; their forward passes are counted. */
export async function scoreBefore(
  { policy, config, state }: Training,
  rows: readonly TrainingRow[],
): Promise<RowScores[]> {
  const lora = policy.adapter?.config;
  for (const { prompt, completion } of rows) {
    state.budget.flops += rowFlops(policy.config, prompt.length, completion.length, lora);
  }
  return await scoreRows(policy, rows, config.maxTokens);
}
