/**
 * SRFT (arXiv:2506.19767): supervised and reinforcement fine-tuning in one stage, three losses added
 * up. With H the entropy of the policy and sg for "no gradient",
 *
 * 1. SFT on demonstrations, w_SFT (−log π) with w_SFT = 0.5 sg(exp(−H)): imitation that disturbs an
 *    undecided policy less;
 * 2. RL on demonstrations, −A π: off-policy members of their groups, as in {@link luffy} without
 *    its shaping (behaviour probability 1, no clip);
 * 3. RL on own completions, w_RL (−log π) on right ones with w_RL = 0.1 sg(exp(H)), which keeps the
 *    entropy up, and +log π on wrong ones.
 *
 * Where sources disagree, and what is followed:
 * 1. The sign of H in w_SFT. The paper has exp(−H) and argues for it, and so has the independent
 *    version in HPT's repository; the authors' own code is reported to have exp(+H). Here: the
 *    paper's, since its text and one implementation agree.
 * 2. What H is averaged over. The paper writes one number for the policy, the authors' code is
 *    reported to have a weight of each token, HPT's the mean over the tokens of each row. Here: the
 *    row, which is one number as in the paper and does not depend on what else is in a batch.
 * 3. Own completions in the authors' code keep their advantages, and w_RL multiplies the positive
 *    ones. Here: the paper's losses without advantages, as in HPT's. So groups without signal teach,
 *    too: all wrong, they are pushed away.
 *
 * Differences:
 * 1. Each of the three is the mean over the tokens of its rows in the optimizer batch.
 * 2. Advantages of demonstrations are centred, not standardized, as in the scripts of both.
 * 3. A completion is right when the verifier says so, whatever its reward.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import {
  driftReport,
  likelihood,
  type Objective,
  sequenceMeans,
  stopGradient,
} from "../objectives/objective.ts";
import { tokenMean } from "../objectives/weigh.ts";
import { demonstrationsOf } from "./demonstrations.ts";
import { checkGroups, type GroupConfig, type Method, method, type Training } from "./method.ts";
import { mixedGroups, mixedUpdate, type Mixture, supervisedTerm } from "./mixture.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { rolloutStep } from "./rollouts.ts";
import { checkPositive, type DrawnGroup, type Metrics } from "./training.ts";
import { policyRows } from "./update.ts";

/** Settings of {@linkcode srft}. */
export interface SrftConfig extends GroupConfig {
  /** w_SFT where the entropy is 0; > 0. */
  readonly sftWeight: number;
  /** w_RL where the entropy is 0; > 0. */
  readonly rightWeight: number;
}

/** Trains a policy with SRFT. */
export const srft: Method<SrftConfig> = method<SrftConfig>({
  id: "srft",
  title: "SRFT",
  paper: "arXiv:2506.19767",
  about: "SFT and RL on demonstrations and RL on own completions, weighted by the entropy",
  kind: "hybrid",
  // with the demonstration, eight
  config: { ...GROUP_DEFAULTS, groupSize: 7, sftWeight: 0.5, rightWeight: 0.1 },
  check(config): void {
    checkGroups(config);
    checkPositive({ sftWeight: config.sftWeight, rightWeight: config.rightWeight });
  },
  async step(training): Promise<Metrics> {
    const { groups, metrics } = await rolloutStep(training);
    const update = await mixedUpdate(training, groups, (part) => srftMixture(training, part));
    return { ...metrics, ...update };
  },
});

/** What is learned from a part of the groups. */
export async function srftMixture(
  training: Training<SrftConfig>,
  part: readonly DrawnGroup[],
): Promise<Mixture> {
  const { sftWeight, rightWeight } = training.config;
  const demonstrations = demonstrationsOf(training, part);
  const mixed = await mixedGroups(training, part);
  const off = mixed.demonstrations.map(({ row }) => row);
  const own = part.flatMap((group) =>
    policyRows(group, group.rewards.map(({ correct }) => correct ? 1 : -1))
  );
  return {
    terms: [
      supervisedTerm(demonstrations, { objective: certainLikelihood(sftWeight) }),
      { name: "off", rows: tokenMean(off), objective: probabilityGain },
      { name: "rl", rows: tokenMean(own), objective: rightOrWrong(rightWeight) },
    ],
    demonstrations,
  };
}

/** −w sg(exp(−H)) log π, with H the mean entropy of the row. */
export function certainLikelihood(atZero: number): Objective {
  return (scores, batch) => {
    const entropy = sequenceMeans(scores.entropy, batch);
    const weight = stopGradient(tf.mul(tf.exp(tf.neg(entropy)), atZero) as tf.Tensor1D);
    const { loss, report } = likelihood(scores, batch);
    return { loss: tf.mul(loss, weight), report: { ...report, weight } };
  };
}

/** −A π(token): a demonstration as an off-policy sample of behaviour probability 1. */
export const probabilityGain: Objective = ({ logProbs }, { advantages }) => {
  const probability = tf.exp(logProbs) as tf.Tensor1D;
  return { loss: tf.neg(tf.mul(probability, advantages)) as tf.Tensor1D, report: { probability } };
};

/**
 * −w sg(exp(H)) log π where the advantage is 1, +log π where it is −1, with H the mean entropy of
 * the row.
 */
export function rightOrWrong(atZero: number): Objective {
  return (scores, batch) => {
    const entropy = sequenceMeans(scores.entropy, batch);
    const right = tf.mul(tf.exp(entropy), atZero) as tf.Tensor1D;
    const isRight = tf.greater(batch.advantages, 0);
    const weight = stopGradient(tf.where(isRight, right, tf.onesLike(right)));
    const { loss } = likelihood(scores, batch);
    return { loss: tf.mul(loss, weight), report: { ...driftReport(scores, batch), weight } };
  };
}
