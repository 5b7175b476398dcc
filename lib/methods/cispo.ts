/**
 * CISPO (arXiv:2506.13585, eq. 4 and 5): REINFORCE on slightly old completions. The probability
 * ratio only weighs a token, no gradient flows through it, and it is the weight that is cut, so
 * that every token goes on learning: −sg(min(ρ, 1 + ε_high)) A log π.
 *
 * Differences from the paper:
 * 1. No lower limit on the weight: the paper has one in eq. 5, sets it so low that it never holds
 *    and tunes the upper alone. It does not tell the number; here weights are cut at 5, as ScaleRL
 *    does (arXiv:2510.13786).
 * 2. Tokens are averaged over the optimizer batch, not first inside each question's group.
 * 3. No dynamic sampling and no punishment of long completions, which the paper takes over from
 *    {@link dapo}.
 * 4. Groups without signal cost nothing and take no step, see {@link optimizerStep}.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { groupAdvantages } from "../objectives/advantages.ts";
import { driftReport, type Objective, stopGradient } from "../objectives/objective.ts";
import { tokenMean } from "../objectives/weigh.ts";
import { checkGroups, type GroupConfig, type Method, method } from "./method.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { rolloutStep } from "./rollouts.ts";
import type { Metrics } from "./training.ts";
import { policyTerm, policyUpdate } from "./update.ts";

/** Settings of {@linkcode cispo}. */
export interface CispoConfig extends GroupConfig {
  /** 1 + ε_high > 0, at which the weight of a token is cut. */
  readonly maxWeight: number;
}

/** Trains a policy with CISPO. */
export const cispo: Method<CispoConfig> = method<CispoConfig>({
  id: "cispo",
  title: "CISPO",
  paper: "arXiv:2506.13585",
  about: "a policy gradient weighted by the ratio, which is cut without silencing the token",
  kind: "rl",
  config: { ...GROUP_DEFAULTS, maxWeight: 5 }, // paper: not told
  check: checkCispo,
  async step(training): Promise<Metrics> {
    const { maxWeight } = training.config;
    const { groups, metrics } = await rolloutStep(training);
    const update = await policyUpdate(training, groups, (part) => [policyTerm(part, {
      advantages: (rewards) => groupAdvantages(rewards, { normalizeStd: true }),
      weigh: tokenMean,
      objective: truncatedWeight(maxWeight),
    })]);
    return { ...metrics, ...update };
  },
});

/** −sg(min(ρ, limit)) A log π(token) (arXiv:2506.13585, eq. 4 and 5, without a lower limit). */
export function truncatedWeight(limit: number): Objective {
  return (scores, batch) => {
    const ratio = tf.exp(tf.sub(scores.logProbs, batch.oldLogProbs)) as tf.Tensor1D;
    const weight = stopGradient(tf.minimum(ratio, limit));
    return {
      loss: tf.neg(tf.mul(tf.mul(weight, batch.advantages), scores.logProbs)) as tf.Tensor1D,
      report: {
        ...driftReport(scores, batch),
        ratio,
        clip_fraction: tf.greater(ratio, limit).cast("float32"),
      },
    };
  };
}

/**
 * Checks the settings of {@linkcode cispo}.
 *
 * @throws {RangeError} When one is out of range.
 */
export function checkCispo(config: CispoConfig): void {
  checkGroups(config);
  if (!(config.maxWeight > 0)) {
    throw new RangeError(
      `Cannot weigh tokens as maxWeight must be > 0: current value is ${config.maxWeight}`,
    );
  }
}
