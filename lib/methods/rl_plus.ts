/**
 * RL-PLUS (arXiv:2508.00222): demonstrations join the groups of their questions, as in
 * {@link luffy}, but with
 *
 * 1. multiple importance sampling (eq. 4): they are taken as drawn by the old policy and by the
 *    unknown one that wrote them, π_ω, together, so the ratio is 2 π / (π_ω + π_old), bounded
 *    whatever π_ω is; it is estimated as half the old policy and half a uniform distribution;
 * 2. an exploration-based advantage (eq. 5 and 6): A sg(1 − π)^γ, most where the policy hardly
 *    knows what is right.
 *
 * Own completions lose −A ρ. Nothing is clipped.
 *
 * Differences from the paper and from the authors' code:
 * 1. The uniform distribution gives a token 1 / vocabulary, as its name says; the code puts 1 in
 *    its place (`uniform: 1`), which makes the ratio 2 π / (1.5 π_old + 0.5), much less for unlikely
 *    tokens.
 * 2. Advantages are centred and not divided by the standard deviation, as in their script; the
 *    paper divides.
 * 3. Sums are divided by the token limit and averaged over all rows, demonstrations among them.
 * 4. No entropy bonus; their script has 0.001.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { RatioClip } from "../objectives/policy_loss.ts";
import { type Objective, stopGradient } from "../objectives/objective.ts";
import { constantLength } from "../objectives/weigh.ts";
import { type Demonstration, demonstrationsOf } from "./demonstrations.ts";
import { checkGroups, type GroupConfig, type Method, method, type Training } from "./method.ts";
import { jointTerms, mixedGroups, mixedUpdate, scoreBefore } from "./mixture.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { rolloutStep } from "./rollouts.ts";
import { checkPositive, type DrawnGroup, type Metrics } from "./training.ts";

/** Settings of {@linkcode rlPlus}. */
export interface RlPlusConfig extends GroupConfig {
  /** Limits on the ratio of own completions; null for none, as in the paper. */
  readonly clip: RatioClip | null;
  /** γ > 0 of the exploration-based advantage. */
  readonly exploration: number;
  /** Probability that the uniform distribution gives a token; null for 1 / vocabulary. */
  readonly uniform: number | null;
}

/** Trains a policy with RL-PLUS. */
export const rlPlus: Method<RlPlusConfig> = method<RlPlusConfig>({
  id: "rl-plus",
  title: "RL-PLUS",
  paper: "arXiv:2508.00222",
  about: "demonstrations join each group by multiple importance sampling, unlikely tokens first",
  kind: "hybrid",
  // with the demonstration, eight
  config: { ...GROUP_DEFAULTS, groupSize: 7, clip: null, exploration: 0.5, uniform: null },
  check(config): void {
    checkGroups(config);
    checkPositive({ exploration: config.exploration, uniform: config.uniform ?? 1 });
  },
  async step(training): Promise<Metrics> {
    const { policy, config } = training;
    const { clip, exploration, uniform, maxNewTokens } = config;
    const objective = unexploredGain(exploration, uniform ?? 1 / policy.config.vocab_size);
    const { groups, metrics } = await rolloutStep(training);
    const oldLogProbs = await logProbsBefore(training, groups);
    const update = await mixedUpdate(training, groups, async (part) => {
      const { own, demonstrations } = await mixedGroups(training, part);
      const scored = demonstrations.map(({ index, row }): Demonstration => ({
        index,
        row: { ...row, oldLogProbs: oldLogProbs.get(index)! },
      }));
      const weigh = constantLength(maxNewTokens);
      const terms = jointTerms({ own, demonstrations: scored }, { weigh, clip, objective });
      return { terms, demonstrations };
    });
    return { ...metrics, ...update };
  },
});

/** Log-probabilities of demonstrations before the updates of a step, by the index of the question. */
async function logProbsBefore(
  training: Training,
  groups: readonly DrawnGroup[],
): Promise<Map<number, Float32Array>> {
  const demonstrations = demonstrationsOf(training, groups);
  const scores = await scoreBefore(training, demonstrations.map(({ row }) => row));
  return new Map(demonstrations.map(({ index }, i) => [index, scores[i]!.logProbs]));
}

/**
 * −A sg(1 − π)^γ 2 π / (π_ω + π_old) with π_ω = π_old / 2 + uniform / 2 (arXiv:2508.00222, eq. 4
 * to 6).
 *
 * @param exploration γ.
 * @param uniform Probability that the uniform distribution gives a token.
 */
export function unexploredGain(exploration: number, uniform: number): Objective {
  return ({ logProbs }, { oldLogProbs, advantages }) => {
    const probability = tf.exp(logProbs) as tf.Tensor1D;
    const written = tf.add(tf.exp(oldLogProbs), tf.mul(tf.add(tf.exp(oldLogProbs), uniform), 0.5));
    const ratio = tf.div(tf.mul(probability, 2), written) as tf.Tensor1D;
    // rounding may take a probability above 1, and a negative number has no root
    const unexplored = tf.pow(tf.relu(tf.sub(1, stopGradient(probability))), exploration);
    return {
      loss: tf.neg(tf.mul(tf.mul(ratio, unexplored), advantages)) as tf.Tensor1D,
      report: { probability, ratio },
    };
  };
}
