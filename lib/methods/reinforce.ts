/**
 * REINFORCE (Williams 1992) on groups: −A log π of each token, where A is the reward less
 * the mean of the group, and one optimizer step for each step of rollouts. What learns is what
 * sampled, so there is no ratio and nothing to clip.
 *
 * Differences from the paper and from later uses:
 * 1. The baseline is the mean of the group, the completion's own reward included, where Williams
 *    leaves it open and arXiv:2402.14740, §2, averages over earlier steps. A group's mean shrinks
 *    the expected gradient by (G − 1) / G and does not turn it; {@link rloo} leaves the own reward
 *    out.
 * 2. Each token counts the same, where the sum over a completion would be the gradient of the
 *    expected reward; that sum is {@link rloo}'s.
 * 3. No KL penalty in the reward.
 *
 * @module
 */
import { groupAdvantages } from "../objectives/advantages.ts";
import { driftReport, likelihood, type Objective } from "../objectives/objective.ts";
import { tokenMean } from "../objectives/weigh.ts";
import { checkGroups, type GroupConfig, type Method, method } from "./method.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { rolloutStep } from "./rollouts.ts";
import type { Metrics } from "./training.ts";
import { policyTerm, policyUpdate } from "./update.ts";

/** Trains a policy with REINFORCE. */
export const reinforce: Method<GroupConfig> = method<GroupConfig>({
  id: "reinforce",
  title: "REINFORCE",
  paper: "Williams 1992, doi:10.1007/BF00992696",
  about: "the plain policy gradient: rewards less their group's mean, one step, no ratio, no clip",
  kind: "rl",
  config: { ...GROUP_DEFAULTS, optimizerSteps: 1 },
  check: checkOnPolicy,
  async step(training): Promise<Metrics> {
    const { groups, metrics } = await rolloutStep(training);
    const update = await policyUpdate(training, groups, (part) => [policyTerm(part, {
      advantages: groupAdvantages,
      weigh: tokenMean,
      objective: policyGradient,
    })]);
    return { ...metrics, ...update };
  },
});

/** −A log π(token), whose gradient is the policy gradient while the policy is the one that sampled. */
export const policyGradient: Objective = (scores, batch) => ({
  loss: likelihood(scores, batch).loss,
  report: driftReport(scores, batch),
});

/**
 * Checks the settings of methods that have no ratio of new to old probabilities.
 *
 * @throws {RangeError} When one is out of range, or a second step would learn from old completions.
 */
export function checkOnPolicy(config: GroupConfig): void {
  checkGroups(config);
  if (config.optimizerSteps !== 1) {
    throw new RangeError(
      `Cannot learn without a ratio from completions of an older policy as optimizerSteps must ` +
        `be 1: current value is ${config.optimizerSteps}`,
    );
  }
}
