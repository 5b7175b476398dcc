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
import type { Group } from "../grading/group.ts";
import { groupAdvantages } from "../objectives/advantages.ts";
import { clippedSurrogate } from "../objectives/objective.ts";
import type { RatioClip } from "../objectives/policy_loss.ts";
import { constantLength, sequenceMean, tokenMean, type Weigh } from "../objectives/weigh.ts";
import { ADAMW_DEFAULTS } from "../optim/adamw.ts";
import { checkGroups, type GroupConfig, type Method, method, type Training } from "./method.ts";
import { type RolloutStep, rolloutStep } from "./rollouts.ts";
import type { Pool } from "./training.ts";
import { policyTerm, policyUpdate, type Term } from "./update.ts";

/** Settings of {@linkcode rl}; symbols are those of arXiv:2402.03300 and arXiv:2503.14476. */
export interface RlConfig extends GroupConfig {
  /** Limits on the probability ratio; null for none. */
  readonly clip: RatioClip | null;
  /** How the tokens of an optimizer batch share the loss. */
  readonly reduction: "token-mean" | "sequence-mean" | "constant-length";
  /** Whether advantages are divided by their group's standard deviation. */
  readonly normalizeStd: boolean;
  /** Weight of the mean token entropy that is subtracted from the loss. */
  readonly entropyCoefficient: number;
}

/** Sizes and rates that every method with rollouts starts from. */
export const GROUP_DEFAULTS: GroupConfig = {
  seed: 1,
  steps: 80, // paper: 5 epochs of 357 steps
  groupSize: 8,
  questionsPerStep: 32, // paper: 128
  maxNewTokens: 64, // paper: 8192
  maxTokens: 8192, // paper: 32768 a GPU
  optimizerSteps: 2,
  learningRate: { peak: 2e-4, warmupSteps: 5, shape: "constant" }, // paper: 1e-6, no warm-up
  adamw: { ...ADAMW_DEFAULTS, maxGradNorm: 0.5 },
};

/** Trains a policy by reinforcement learning with verifiable rewards. */
export const rl: Method<RlConfig> = method<RlConfig>({
  id: "rl",
  title: "RL",
  paper: "arXiv:2506.07527",
  about: "the RL half of ReLIFT alone: GRPO without a KL term",
  kind: "rl",
  config: {
    ...GROUP_DEFAULTS,
    clip: { low: 0.2, high: 0.28, dual: 3 },
    reduction: "token-mean",
    normalizeStd: false,
    entropyCoefficient: 0,
  },
  check: checkGroups,
  step: async (training) => (await rlStep(training)).metrics,
});

/** One step of RL: rollouts, then the update on them. */
export async function rlStep(training: Training<RlConfig>, pool?: Pool): Promise<RolloutStep> {
  const { groups, metrics } = await rolloutStep(training, pool);
  const update = await policyUpdate(training, groups, (part) => [rlTerm(part, training.config)]);
  return { groups, metrics: { ...metrics, ...update } };
}

/** What is learned from groups: a clipped policy gradient on their centred rewards. */
export function rlTerm(groups: readonly Group[], config: RlConfig): Term {
  const { clip, normalizeStd, entropyCoefficient } = config;
  return policyTerm(groups, {
    advantages: (rewards) => groupAdvantages(rewards, { normalizeStd }),
    weigh: reductionOf(config),
    objective: clippedSurrogate(clip),
    entropyCoefficient,
  });
}

function reductionOf({ reduction, maxNewTokens }: RlConfig): Weigh {
  switch (reduction) {
    case "token-mean":
      return tokenMean;
    case "sequence-mean":
      return sequenceMean;
    case "constant-length":
      return constantLength(maxNewTokens);
  }
}
