/**
 * SuperRL (arXiv:2506.01096): for each question L = c L_PG + (1 − c) L_SFT, where c is 1 when any
 * completion was rewarded and 0 otherwise: GRPO on questions that give a signal, the demonstration
 * of the others.
 *
 * Nearly {@link hpt} with γ = 0. What differs: any *reward* opens the gate, partial ones too, where
 * there a *right* completion must; the RL half standardizes advantages, averages tokens inside each
 * completion and clips ratios at 1 ± ε, where there it is Dr. GRPO without a clip.
 *
 * Differences from the paper and from the authors' code:
 * 1. c is decided for each question, as in the paper; their code is reported to decide it for a
 *    batch at once, by the mean size of its advantages and rewards.
 * 2. L_SFT is averaged over the tokens of a demonstration, as in the code; the paper has their sum.
 * 3. This is the paper's main method; its variants (a gate on advantages, learned weights of both
 *    losses) are left out.
 * 4. A question without a usable demonstration stays with RL.
 *
 * @module
 */
import { groupAdvantages } from "../objectives/advantages.ts";
import { clippedSurrogate } from "../objectives/objective.ts";
import { sequenceMean } from "../objectives/weigh.ts";
import { grpo, type GrpoConfig } from "./grpo.ts";
import { type Method, method, type Training } from "./method.ts";
import { mixedUpdate, type Mixture, switchedMixture } from "./mixture.ts";
import { rolloutStep } from "./rollouts.ts";
import type { DrawnGroup, Metrics } from "./training.ts";

/** Trains a policy with SuperRL. */
export const superrl: Method<GrpoConfig> = method<GrpoConfig>({
  id: "superrl",
  title: "SuperRL",
  paper: "arXiv:2506.01096",
  about: "RL on a question when any completion was rewarded, SFT on it otherwise",
  kind: "hybrid",
  config: grpo.config,
  check: grpo.check,
  async step(training): Promise<Metrics> {
    const { groups, metrics } = await rolloutStep(training);
    const update = await mixedUpdate(
      training,
      groups,
      (part) => superrlMixture(training, part),
    );
    return { ...metrics, ...update };
  },
});

/** What is learned from a part of the groups. */
export function superrlMixture(
  training: Training<GrpoConfig>,
  part: readonly DrawnGroup[],
): Mixture {
  const { clip } = training.config;
  const isUnrewarded = ({ rewards }: DrawnGroup) => rewards.every(({ total }) => !(total > 0));
  return switchedMixture(training, part, isUnrewarded, {
    advantages: (rewards) => groupAdvantages(rewards, { normalizeStd: true }),
    weigh: sequenceMean,
    objective: clippedSurrogate({ low: clip, high: clip, dual: null }),
  });
}
