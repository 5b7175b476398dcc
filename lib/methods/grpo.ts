/**
 * GRPO as first published (arXiv:2402.03300, eq. 3 and 4.1.2): advantages are divided by their
 * group's standard deviation, ratios clipped at 1 ± ε, tokens averaged inside each completion and
 * then over completions.
 *
 * Differences from the paper:
 * 1. The KL term needs a policy with an adapter, as its reference is the policy without: β is 0
 *    unless given, where the paper has 0.04. The reference stays the one the run began with; the
 *    paper replaces it by the current policy from time to time.
 * 2. Groups without signal cost nothing, their KL term included, and take no step, see
 *    {@link optimizerStep}.
 *
 * @module
 */
import { groupAdvantages } from "../objectives/advantages.ts";
import { clippedSurrogate, nearReference } from "../objectives/objective.ts";
import { sequenceMean } from "../objectives/weigh.ts";
import { basePolicy } from "../model/lora.ts";
import { checkGroups, type GroupConfig, type Method, method, type Training } from "./method.ts";
import { scoreBefore } from "./mixture.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { rolloutStep } from "./rollouts.ts";
import { checkPositive, type Metrics } from "./training.ts";
import { policyTerm, policyUpdate, type Term } from "./update.ts";

/** Settings of methods that keep ratios within `1 ± ε`. */
export interface ClipConfig extends GroupConfig {
  /** ε in `(0, 1]`, half-width of the interval that ratios are kept in. */
  readonly clip: number;
}

/** Settings of {@linkcode grpo}. */
export interface GrpoConfig extends ClipConfig {
  /** β > 0, weight of the divergence from the policy without its adapter; none unless given. */
  readonly klCoefficient?: number;
}

/** Trains a policy with GRPO. */
export const grpo: Method<GrpoConfig> = method<GrpoConfig>({
  id: "grpo",
  title: "GRPO",
  paper: "arXiv:2402.03300",
  about: "rewards standardized inside each group, a clipped policy gradient, sequence means",
  kind: "rl",
  config: { ...GROUP_DEFAULTS, clip: 0.2 },
  check(config): void {
    checkGroups(config);
    checkPositive({ klCoefficient: config.klCoefficient ?? 1 });
  },
  async step(training): Promise<Metrics> {
    const { clip } = training.config;
    const { groups, metrics } = await rolloutStep(training);
    const update = await policyUpdate(training, groups, async (part) => {
      const term = policyTerm(part, {
        advantages: (rewards) => groupAdvantages(rewards, { normalizeStd: true }),
        weigh: sequenceMean,
        objective: clippedSurrogate({ low: clip, high: clip, dual: null }),
      });
      return [await keptNear(training, term)];
    });
    return { ...metrics, ...update };
  },
});

/** A term with the KL term of the settings, if they have one. */
async function keptNear(training: Training<GrpoConfig>, term: Term): Promise<Term> {
  const { policy, config: { klCoefficient } } = training;
  if (klCoefficient === undefined) return term;
  const live = term.rows.filter(({ advantage }) => advantage !== 0);
  const scores = await scoreBefore({ ...training, policy: basePolicy(policy) }, live);
  return {
    ...term,
    rows: live.map((row, i) => ({ ...row, referenceLogProbs: scores[i]!.logProbs })),
    objective: nearReference(term.objective, klCoefficient),
  };
}
