/**
 * DAPO (arXiv:2503.14476): GRPO with four changes. *Clip-higher* (eq. 10) leaves unlikely good
 * tokens more room to grow; *dynamic sampling* (eq. 11) draws questions until enough of their groups
 * have signal; the *token mean* (eq. 12) gives long completions their weight; and *soft overlong
 * punishment* (eq. 13) takes reward away towards the token limit.
 *
 * Differences from the paper and from the authors' code:
 * 1. Tokens are averaged over the optimizer batch, as in the code; the paper's equation averages
 *    inside each question's group first.
 * 2. A group has signal when its completions earned different rewards before the punishment. Where
 *    they are right or wrong, that is the paper's condition: neither none nor all of them right.
 * 3. Draws of `questionsPerStep` questions, at most `maxDraws`; then the step goes on with the
 *    groups it has. The code draws three times the questions it needs, up to ten times, and then
 *    stops with an error.
 * 4. Right earns 1 and wrong 0, where the paper has +1 and −1, so the punishment is halved: after
 *    standardization that is the same.
 * 5. Cut completions are punished and not filtered out, the paper's other way with them; and there
 *    is no dual clip, which the code has.
 *
 * @module
 */
import type { Group } from "../grading/group.ts";
import { groupAdvantages } from "../objectives/advantages.ts";
import { clippedSurrogate } from "../objectives/objective.ts";
import type { RatioClip } from "../objectives/policy_loss.ts";
import { tokenMean } from "../objectives/weigh.ts";
import { checkGroups, type GroupConfig, type Method, method, type Training } from "./method.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { drawGroups, liveGroups, rolloutStep } from "./rollouts.ts";
import { checkCounts, type DrawnGroup, mean, type Metrics } from "./training.ts";
import { policyTerm, policyUpdate } from "./update.ts";

/** Settings of {@linkcode dapo}. */
export interface DapoConfig extends GroupConfig {
  /** Limits on the probability ratio. */
  readonly clip: RatioClip;
  /** Batches of questions that a step may draw to find enough groups with signal; at least 1. */
  readonly maxDraws: number;
  /** L_cache: the tokens before the limit over which the punishment grows; at least 1. */
  readonly overlongBuffer: number;
  /** The punishment of a completion that uses every token, in reward; >= 0. */
  readonly overlongPenalty: number;
}

/** Trains a policy with DAPO. */
export const dapo: Method<DapoConfig> = method<DapoConfig>({
  id: "dapo",
  title: "DAPO",
  paper: "arXiv:2503.14476",
  about: "GRPO with a wider upper clip, token means, questions drawn until enough have signal, " +
    "and a punishment of long completions",
  kind: "rl",
  config: {
    ...GROUP_DEFAULTS,
    clip: { low: 0.2, high: 0.28, dual: null },
    maxDraws: 4, // paper's code: 10 draws of three times the questions
    overlongBuffer: 13, // paper: 4096 of 20480 tokens
    overlongPenalty: 0.5, // paper: 1, of rewards twice as far apart
  },
  check: checkDapo,
  async step(training): Promise<Metrics> {
    const { config } = training;
    const { groups, metrics } = await rolloutStep(training, undefined, () => drawLive(training));
    const used = liveGroups(groups).slice(0, config.questionsPerStep);
    const update = await policyUpdate(
      training,
      used.map((group) => punished(group, config)),
      (part) => [policyTerm(part, {
        advantages: (rewards) => groupAdvantages(rewards, { normalizeStd: true }),
        weigh: tokenMean,
        objective: clippedSurrogate(config.clip),
      })],
    );
    return {
      ...metrics,
      "reward/overlong": mean(groups.flatMap((group) => punishments(group, config))),
      "groups/draws": groups.length / config.questionsPerStep,
      "groups/used": used.length,
      ...update,
    };
  },
});

/** Draws batches of questions until enough of their groups have signal, or no more may be drawn. */
async function drawLive(training: Training<DapoConfig>): Promise<DrawnGroup[]> {
  const { questionsPerStep, maxDraws } = training.config;
  const groups = await drawGroups(training);
  for (let draw = 1; draw < maxDraws && liveGroups(groups).length < questionsPerStep; draw++) {
    groups.push(...await drawGroups(training));
  }
  return groups;
}

/** A group whose rewards are less by the punishment of their completions' lengths. */
export function punished<G extends Group>(group: G, config: DapoConfig): G {
  const less = punishments(group, config);
  return {
    ...group,
    rewards: group.rewards.map((reward, i) => ({ ...reward, total: reward.total + less[i]! })),
  };
}

/** The soft overlong punishment of each completion: 0 or less (arXiv:2503.14476, eq. 13). */
export function punishments(
  { completions }: Pick<Group, "completions">,
  { maxNewTokens, overlongBuffer, overlongPenalty }: DapoConfig,
): number[] {
  const free = maxNewTokens - overlongBuffer; // tokens without punishment
  return completions.map(({ tokens: { length } }) =>
    length <= free ? 0 : overlongPenalty * (free - length) / overlongBuffer
  );
}

/**
 * Checks the settings of {@linkcode dapo}.
 *
 * @throws {RangeError} When one is out of range.
 */
export function checkDapo(config: DapoConfig): void {
  checkGroups(config);
  const { maxDraws, overlongBuffer, overlongPenalty } = config;
  checkCounts({ maxDraws, overlongBuffer });
  if (!(overlongPenalty >= 0)) {
    throw new RangeError(
      `Cannot punish long completions as overlongPenalty must be >= 0: ` +
        `current value is ${overlongPenalty}`,
    );
  }
}
