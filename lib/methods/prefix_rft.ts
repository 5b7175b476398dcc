/**
 * Prefix-RFT (arXiv:2507.01679): one completion of each group starts from the beginning of the
 * demonstration and is continued by the policy. It is judged among the others and learned from as
 * they are, its beginning included: a clipped policy gradient at the advantage of the whole
 * (eq. 3). Of the demonstration's tokens only the fifth that the policy is least certain of are
 * updated, or their gradient would drown the rest. How much is given falls over the run.
 *
 * The given share is drawn evenly from `[low, high]`; high stays, low falls from high to 0 along a
 * cosine over the run.
 *
 * Where sources disagree, and what is followed:
 * 1. The ratio of given tokens is π / π_old as in the paper's equation, where π_old is the policy
 *    before the update, as for all others; their code has behaviour probability 1 as an option.
 * 2. One baseline for the group, the continued completion among the others, as in the paper. Their
 *    code has two more: it judges the continuation against nothing, or leaves it out, and the given
 *    tokens against the mean of the others.
 * 3. The least certain tokens are found among all given ones of the optimizer batch, by the policy
 *    before the step; the code takes those of a micro-batch, by the policy as it is.
 *
 * Differences from the paper:
 * 1. Advantages are centred, not standardized, sums divided by the token limit and averaged over
 *    rows (Dr. GRPO, one of their code's two).
 * 2. No entropy bonus; their configuration has 0.001.
 * 3. A group whose question has no usable demonstration is the policy's alone.
 *
 * @module
 */
import type { Reward } from "../data/question.ts";
import { groupAdvantages } from "../objectives/advantages.ts";
import type { TrainingRow } from "../objectives/batch.ts";
import { clippedSurrogate } from "../objectives/objective.ts";
import type { RatioClip } from "../objectives/policy_loss.ts";
import { constantLength } from "../objectives/weigh.ts";
import { randomSeeded } from "../random.ts";
import { demonstrationsOf } from "./demonstrations.ts";
import { checkGroups, type GroupConfig, type Method, method, type Training } from "./method.ts";
import { mixedUpdate, type Mixture, scoreBefore } from "./mixture.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { rolloutStep, sampleGroups } from "./rollouts.ts";
import { checkShares, type DrawnGroup, mean, type Metrics } from "./training.ts";
import { policyRows } from "./update.ts";

/** Settings of {@linkcode prefixRft}. */
export interface PrefixRftConfig extends GroupConfig {
  /** Limits on the probability ratio. */
  readonly clip: RatioClip;
  /** Most of a demonstration that is given, as a share of its tokens, in `[0, 1]`. */
  readonly longest: number;
  /** Share of the given tokens that are updated, those of highest entropy, in `[0, 1]`. */
  readonly uncertain: number;
}

/** Trains a policy with Prefix-RFT. */
export const prefixRft: Method<PrefixRftConfig> = method<PrefixRftConfig>({
  id: "prefix-rft",
  title: "Prefix-RFT",
  paper: "arXiv:2507.01679",
  about: "one completion of each group continues the beginning of a demonstration",
  kind: "hybrid",
  config: {
    ...GROUP_DEFAULTS,
    groupSize: 7, // with the one that is continued, eight
    clip: { low: 0.2, high: 0.2, dual: 3 },
    longest: 0.95,
    uncertain: 0.2,
  },
  check(config): void {
    checkGroups(config);
    checkShares({ longest: config.longest, uncertain: config.uncertain });
  },
  async step(training): Promise<Metrics> {
    const { groups, metrics } = await rolloutStep(training);
    const continued = await continueDemonstrations(training, groups);
    const update = await mixedUpdate(
      training,
      groups,
      (part) => prefixMixture(training, part, continued),
    );
    return { ...metrics, ...update, ...givenMetrics([...continued.values()]) };
  },
});

/** A row whose first tokens are of a demonstration. */
export interface ContinuedRow extends TrainingRow {
  /** Entropy of the policy at each given token, nats; none of rows that the policy wrote alone. */
  readonly givenEntropy: ArrayLike<number>;
}

/** A completion that was continued from the beginning of a demonstration. */
export interface Continued {
  /** Its advantage is known when its group is. */
  readonly row: ContinuedRow;
  readonly reward: Reward;
  /** Given tokens, of those of the demonstration. */
  readonly share: number;
}

/** Continues the demonstrations of groups; by the index of the question. */
export async function continueDemonstrations(
  training: Training<PrefixRftConfig>,
  groups: readonly DrawnGroup[],
): Promise<Map<number, Continued>> {
  const { config, state } = training;
  const drawn = groups.flatMap((group) => {
    const { question, index } = group;
    return demonstrationsOf(training, [group])
      .map(({ row }) => ({ question, index, row, given: givenTokens(training, index, row) }));
  });
  const starts = drawn.map(({ given }) => given);
  const scores = await scoreBefore(
    training,
    drawn.filter(({ given }) => given.length > 0)
      .map(({ row, given }) => ({ ...row, completion: given })),
  );
  const alone = { ...training, config: { ...config, groupSize: 1 } };
  const sampled = await sampleGroups(alone, drawn, ["continued", state.drawn], starts);
  return new Map(drawn.map(({ index, row, given }, i) => {
    const { completions: [completion], rewards: [reward] } = sampled[i]!;
    const before = given.length > 0 ? scores.shift()! : { logProbs: [], entropy: [] };
    const continued = {
      ...row,
      completion: [...given, ...completion!.tokens],
      oldLogProbs: [...before.logProbs, ...completion!.logProbs],
      givenEntropy: before.entropy,
    };
    return [index, {
      row: continued,
      reward: reward!,
      share: given.length / row.completion.length,
    }];
  }));
}

/** The tokens of a demonstration that are given in this step; never all of them. */
function givenTokens(
  { config, state, step }: Training<PrefixRftConfig>,
  index: number,
  { completion }: TrainingRow,
): readonly number[] {
  const [low, high] = givenShares(config, step);
  const random = randomSeeded(config.seed, "given", state.drawn, index);
  const count = Math.floor((low + (high - low) * random()) * completion.length);
  return completion.slice(0, Math.min(count, completion.length - 1));
}

/**
 * The least and the most of a demonstration that is given.
 *
 * @param step Whole number, 0 for the first.
 */
export function givenShares(
  { longest, steps }: Pick<PrefixRftConfig, "longest" | "steps">,
  step: number,
): [low: number, high: number] {
  return [longest * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, step / steps))), longest];
}

/** What is learned from a part of the groups and of the continued completions. */
export function prefixMixture(
  { config }: Training<PrefixRftConfig>,
  part: readonly DrawnGroup[],
  continued: ReadonlyMap<number, Continued>,
): Mixture {
  const own: ContinuedRow[] = [];
  const off: { readonly index: number; readonly row: ContinuedRow }[] = [];
  for (const group of part) {
    const extra = continued.get(group.index);
    const rewards = extra ? [...group.rewards, extra.reward] : group.rewards;
    const advantages = groupAdvantages(rewards.map(({ total }) => total));
    own.push(...policyRows(group, advantages).map((row) => ({ ...row, givenEntropy: [] })));
    if (!extra) continue;
    off.push({ index: group.index, row: { ...extra.row, advantage: advantages.at(-1)! } });
  }
  const weighed = constantLength(config.maxNewTokens)([...own, ...off.map(({ row }) => row)]);
  const rows = onlyUncertain(weighed, config.uncertain);
  const objective = clippedSurrogate(config.clip);
  return {
    terms: [
      { name: "rl", rows: rows.slice(0, own.length), objective },
      { name: "off", rows: rows.slice(own.length), objective },
    ],
    demonstrations: off.filter(({ row }) => row.givenEntropy.length > 0),
  };
}

/**
 * Takes their weight from the given tokens that the policy is most certain of.
 *
 * @param rows Weighed alike in all their tokens.
 * @param share Of all given tokens, those that keep it: the least certain.
 */
export function onlyUncertain(rows: readonly ContinuedRow[], share: number): ContinuedRow[] {
  const entropies = rows.flatMap(({ givenEntropy }) => Array.from(givenEntropy));
  const order = entropies.map((_, i) => i).sort((a, b) => entropies[a]! - entropies[b]!);
  const certain = new Set(order.slice(0, Math.floor((1 - share) * order.length)));
  let first = 0;
  return rows.map((row) => {
    const { completion, givenEntropy: { length }, weight = 1 } = row;
    const isSilent = (i: number) => i < length && certain.has(first + i);
    const weights = completion.map((_, i) => isSilent(i) ? 0 : weight as number);
    first += length;
    return { ...row, weight: weights };
  });
}

/** How much was given, and what came of it. */
function givenMetrics(continued: readonly Continued[]): Metrics {
  return {
    "given/share": mean(continued.map(({ share }) => share)),
    "given/tokens": mean(continued.map(({ row }) => row.givenEntropy.length)),
    "given/accuracy": mean(continued.map(({ reward }) => reward.correct ? 1 : 0)),
  };
}
