/**
 * GSPO (arXiv:2507.18071, eq. 5 to 7): the ratio belongs to the sequence, as the reward does.
 * s = (π(completion) / π_old(completion))^(1 / length), the geometric mean of its tokens' ratios,
 * is what is clipped and what the advantage is multiplied by; a completion learns whole or not at
 * all.
 *
 * Differences from the paper:
 * 1. The limits are ten times as wide: 0.003 and 0.004 for 3e-4 and 4e-4. Over thousands of tokens
 *    the log-ratios nearly cancel and the paper's rate moves them little; with some 28 tokens and a
 *    rate of 2e-4 its own limits stop 14 to 35 % of the tokens. These stop 5 to 9 %, and a clip of
 *    token ratios at 0.2 some 0.1 %: two orders of magnitude apart, as the paper finds them.
 * 2. Two optimizer steps on each step of rollouts, where the paper has four.
 * 3. Groups without signal cost nothing and take no step, see {@link optimizerStep}.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { groupAdvantages } from "../objectives/advantages.ts";
import {
  clippedSurrogate,
  driftReport,
  type Objective,
  sequenceMeans,
} from "../objectives/objective.ts";
import type { RatioClip } from "../objectives/policy_loss.ts";
import { sequenceMean } from "../objectives/weigh.ts";
import { checkGroups, type GroupConfig, type Method, method } from "./method.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { rolloutStep } from "./rollouts.ts";
import type { Metrics } from "./training.ts";
import { policyTerm, policyUpdate } from "./update.ts";

/** Settings of {@linkcode gspo}. */
export interface GspoConfig extends GroupConfig {
  /** Limits on the ratio of a sequence. */
  readonly clip: RatioClip;
}

/** Trains a policy with GSPO. */
export const gspo: Method<GspoConfig> = method<GspoConfig>({
  id: "gspo",
  title: "GSPO",
  paper: "arXiv:2507.18071",
  about: "GRPO whose probability ratio and clip are those of the whole sequence",
  kind: "rl",
  config: { ...GROUP_DEFAULTS, clip: { low: 0.003, high: 0.004, dual: null } }, // paper: 3e-4, 4e-4
  check: checkGroups,
  async step(training): Promise<Metrics> {
    const { clip } = training.config;
    const { groups, metrics } = await rolloutStep(training);
    const update = await policyUpdate(training, groups, (part) => [policyTerm(part, {
      advantages: (rewards) => groupAdvantages(rewards, { normalizeStd: true }),
      weigh: sequenceMean,
      objective: sequenceSurrogate(clip),
    })]);
    return { ...metrics, ...update };
  },
});

/**
 * {@linkcode clippedSurrogate} of the ratio of each sequence, at each of its tokens: a mean over the
 * tokens of a row is the row's loss (arXiv:2507.18071, eq. 5).
 */
export function sequenceSurrogate(clip: RatioClip): Objective {
  return (scores, batch) => {
    const gap = tf.sub(scores.logProbs, batch.oldLogProbs) as tf.Tensor1D;
    const logRatio = sequenceMeans(gap, batch);
    const { loss, report } = clippedSurrogate(clip)(
      { ...scores, logProbs: logRatio },
      { ...batch, oldLogProbs: tf.zerosLike(logRatio) },
    );
    return { loss, report: { ...report, ...driftReport(scores, batch) } };
  };
}
