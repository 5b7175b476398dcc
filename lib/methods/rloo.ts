/**
 * RLOO, REINFORCE with a leave-one-out baseline (arXiv:2402.14740, §2; Kool et al. 2019): a
 * completion is one action, its loss −A log π(completion), and A its reward less the mean of the
 * others in its group. That baseline does not know the own reward, so the gradient of the expected
 * reward is estimated without bias.
 *
 * Differences from the paper:
 * 1. No KL penalty in the reward; the paper has one of weight 0.03.
 * 2. A sum over tokens has a gradient some thirty times that of their mean, so with the norm of a
 *    token mean's clip each step is clipped: it is of the same length whatever the rewards.
 *
 * @module
 */
import { leaveOneOut } from "../objectives/advantages.ts";
import { sequenceSum } from "../objectives/weigh.ts";
import { type GroupConfig, type Method, method } from "./method.ts";
import { checkOnPolicy, policyGradient } from "./reinforce.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { rolloutStep } from "./rollouts.ts";
import type { Metrics } from "./training.ts";
import { policyTerm, policyUpdate } from "./update.ts";

/** Trains a policy with RLOO. */
export const rloo: Method<GroupConfig> = method<GroupConfig>({
  id: "rloo",
  title: "RLOO",
  paper: "arXiv:2402.14740",
  about: "REINFORCE on whole completions, each judged against the mean of the others in its group",
  kind: "rl",
  config: { ...GROUP_DEFAULTS, optimizerSteps: 1 }, // groups of 8; paper: 2 and 4
  check: checkOnPolicy,
  async step(training): Promise<Metrics> {
    const { groups, metrics } = await rolloutStep(training);
    const update = await policyUpdate(training, groups, (part) => [policyTerm(part, {
      advantages: leaveOneOut,
      weigh: sequenceSum,
      objective: policyGradient,
    })]);
    return { ...metrics, ...update };
  },
});
