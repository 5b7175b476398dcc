/**
 * Groups of completions to learn from, and what they look like.
 *
 * @module
 */
import { PLAIN_SAMPLING } from "../compute/ops/sample.ts";
import { type Group, scoreRollouts } from "../grading/group.ts";
import { samplingFlops } from "../model/flops.ts";
import { isLive } from "../objectives/advantages.ts";
import { randomKey } from "../random.ts";
import { rollout, type RolloutOptions } from "../rollout/rollout.ts";
import type { GroupConfig, Training } from "./method.ts";
import {
  type DrawnGroup,
  type DrawnQuestion,
  mean,
  type Metrics,
  type Pool,
  questionsOfBatch,
} from "./training.ts";

/** What a step of rollouts gave. */
export interface RolloutStep {
  readonly groups: readonly DrawnGroup[];
  readonly metrics: Metrics;
}

/**
 * Draws the questions of a step, samples a group for each and grades it.
 *
 * @param draw What gives the groups: those of the next batch of questions unless given.
 */
export async function rolloutStep(
  training: Training<GroupConfig>,
  pool?: Pool,
  draw: () => Promise<DrawnGroup[]> = () => drawGroups(training, pool),
): Promise<RolloutStep> {
  const started = performance.now();
  const groups = await draw();
  training.onGroups(training.state.step, groups);
  return { groups, metrics: rolloutMetrics(groups, (performance.now() - started) / 1000) };
}

/** Samples and grades a group for each question of the next batch. */
export async function drawGroups(
  training: Training<GroupConfig>,
  pool?: Pool,
): Promise<DrawnGroup[]> {
  const { dataset, config, state } = training;
  const batch = state.drawn++;
  const drawn = questionsOfBatch(dataset, config.questionsPerStep, config.seed, batch, pool);
  return await sampleGroups(training, drawn, ["rollout", batch]);
}

/**
 * Samples and grades one group for each question, from the random streams at `path`.
 *
 * @param starts See {@linkcode RolloutOptions}.
 */
export async function sampleGroups(
  { policy, dataset, config, state }: Training<GroupConfig>,
  drawn: readonly DrawnQuestion[],
  path: readonly (string | number)[],
  starts?: RolloutOptions["starts"],
): Promise<DrawnGroup[]> {
  const { seed, groupSize, maxNewTokens } = config;
  const rollouts = await rollout(policy, drawn.map(({ question }) => question), {
    ...PLAIN_SAMPLING,
    groupSize,
    maxNewTokens,
    random: (question, sample) => randomKey(seed, ...path, drawn[question]!.index, sample),
    starts,
  });
  for (const { prompt, completions } of rollouts) {
    const lengths = completions.map(({ tokens }) => tokens.length);
    state.budget.rollouts += lengths.length;
    state.budget.flops += samplingFlops(
      policy.config,
      prompt.length,
      lengths,
      policy.adapter?.config,
    );
  }
  const groups = await scoreRollouts(rollouts, dataset);
  return groups.map((group, i) => ({ ...group, index: drawn[i]!.index }));
}

/** The groups whose completions earned different rewards. */
export function liveGroups<G extends Group>(groups: readonly G[]): G[] {
  return groups.filter(({ rewards }) => isLive(rewards.map(({ total }) => total)));
}

/**
 * What the rollouts of a step looked like.
 *
 * @param seconds That sampling and grading took.
 */
export function rolloutMetrics(groups: readonly Group[], seconds: number): Metrics {
  const completions = groups.flatMap((group) =>
    group.completions.map((completion, i) => ({ ...completion, reward: group.rewards[i]! }))
  );
  const lengths = completions.map(({ tokens }) => tokens.length);
  const lengthsWhere = (correct: boolean) =>
    mean(
      completions.filter(({ reward }) => reward.correct === correct).map((c) => c.tokens.length),
    );
  const share = (count: number) => count / completions.length;
  const live = liveGroups(groups).length;
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
    "time/rollout_s": seconds,
    "throughput/tokens_per_s": lengths.reduce((sum, length) => sum + length, 0) / seconds,
  };
}
