/**
 * GRPO as first published (arXiv:2402.03300, eq. 3 and 4.1.2): advantages are divided by their
 * group's standard deviation, ratios clipped at 1 ± ε, tokens averaged inside each completion and
 * then over completions.
 *
 * Differences from the paper:
 * 1. No KL term and no reference policy: β = 0, where the paper has 0.04.
 * 2. Groups without signal cost nothing and take no step, see {@link optimizerStep}.
 *
 * @module
 */
import { groupAdvantages } from "../objectives/advantages.ts";
import { clippedSurrogate } from "../objectives/objective.ts";
import { sequenceMean } from "../objectives/weigh.ts";
import { checkGroups, type GroupConfig, type Method, method } from "./method.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { rolloutStep } from "./rollouts.ts";
import type { Metrics } from "./training.ts";
import { policyTerm, policyUpdate } from "./update.ts";

/** Settings of {@linkcode grpo}. */
export interface GrpoConfig extends GroupConfig {
  /** ε in `(0, 1]`, half-width of the interval that ratios are kept in. */
  readonly clip: number;
}

/** Trains a policy with GRPO. */
export const grpo: Method<GrpoConfig> = method<GrpoConfig>({
  id: "grpo",
  title: "GRPO",
  paper: "arXiv:2402.03300",
  about: "rewards standardized inside each group, a clipped policy gradient, sequence means",
  kind: "rl",
  config: { ...GROUP_DEFAULTS, clip: 0.2 },
  check: checkGroups,
  async step(training): Promise<Metrics> {
    const { clip } = training.config;
    const { groups, metrics } = await rolloutStep(training);
    const update = await policyUpdate(training, groups, (part) => [policyTerm(part, {
      advantages: (rewards) => groupAdvantages(rewards, { normalizeStd: true }),
      weigh: sequenceMean,
      objective: clippedSurrogate({ low: clip, high: clip, dual: null }),
    })]);
    return { ...metrics, ...update };
  },
});
