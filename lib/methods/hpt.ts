/**
 * Hybrid post-training (arXiv:2509.04419): each question chooses its loss by how often the policy
 * solves it. Above a pass rate of γ its completions are learned from by RL as in Dr. GRPO
 * (arXiv:2503.20783), otherwise they are dropped and its demonstration is taught, all in the same
 * optimizer step: L = α L_RL + β L_SFT with (α, β) = (1, 0) or (0, 1).
 *
 * With γ = 0 this is nearly {@link superrl}. What differs: here a question is lost when none of its
 * completions is *right*, there when none was *rewarded*, and γ may be raised; the RL half centres
 * advantages, divides sums by the token limit and has no clip, where there it is GRPO.
 *
 * Differences from the paper and from the authors' code:
 * 1. No clip, as in their script for Qwen; Dr. GRPO has one.
 * 2. L is averaged over the questions of the optimizer batch, as the paper's formula is of a
 *    question. Their code adds, in each micro-batch, the mean over the tokens of its demonstrations
 *    and the sum over those of its completions divided by 8192.
 * 3. No entropy bonus; their script has 0.001.
 * 4. A lost question without a usable demonstration stays with RL.
 *
 * @module
 */
import { groupAdvantages } from "../objectives/advantages.ts";
import { clippedSurrogate } from "../objectives/objective.ts";
import type { RatioClip } from "../objectives/policy_loss.ts";
import { constantLength } from "../objectives/weigh.ts";
import { checkGroups, type GroupConfig, type Method, method, type Training } from "./method.ts";
import { mixedUpdate, type Mixture, switchedMixture } from "./mixture.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { rolloutStep } from "./rollouts.ts";
import { checkShares, type DrawnGroup, type Metrics } from "./training.ts";

/** Settings of {@linkcode hpt}. */
export interface HptConfig extends GroupConfig {
  /** Limits on the probability ratio; null for none. */
  readonly clip: RatioClip | null;
  /** γ: a question is taught when its group's accuracy is at most this, in `[0, 1]`. */
  readonly gate: number;
}

/** Trains a policy with HPT. */
export const hpt: Method<HptConfig> = method<HptConfig>({
  id: "hpt",
  title: "HPT",
  paper: "arXiv:2509.04419",
  about: "RL on the questions that are ever solved, SFT on the others, in the same step",
  kind: "hybrid",
  config: { ...GROUP_DEFAULTS, clip: null, gate: 0 }, // paper: 2/8 for Llama
  check(config): void {
    checkGroups(config);
    checkShares({ gate: config.gate });
  },
  async step(training): Promise<Metrics> {
    const { groups, metrics } = await rolloutStep(training);
    const update = await mixedUpdate(training, groups, (part) => hptMixture(training, part));
    return { ...metrics, ...update };
  },
});

/** What is learned from a part of the groups. */
export function hptMixture(training: Training<HptConfig>, part: readonly DrawnGroup[]): Mixture {
  const { clip, gate, maxNewTokens } = training.config;
  return switchedMixture(training, part, ({ accuracy }) => accuracy <= gate, {
    advantages: groupAdvantages,
    weigh: constantLength(maxNewTokens),
    objective: clippedSurrogate(clip),
  });
}
