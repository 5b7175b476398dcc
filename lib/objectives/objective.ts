/**
 * What is minimized: a loss of each token. Who shares it out among tokens is in `weigh.ts`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { customGrad } from "../compute/kernels.ts";
import type { TokenBatch } from "./batch.ts";
import type { TokenScores } from "./log_probs.ts";
import { policyTokenLoss, type RatioClip } from "./policy_loss.ts";

/** The loss of each token and what else is told of it. */
export interface TokenLoss {
  /** `[scored]`, to be minimized; finite where the mask is 0, too. */
  readonly loss: tf.Tensor1D;
  /** `[scored]` each, by name; reported as means over the tokens. */
  readonly report: Readonly<Record<string, tf.Tensor1D>>;
}

/** A loss of each token, from what the policy says of it and what the batch knows. */
export type Objective = (scores: TokenScores, batch: TokenBatch) => TokenLoss;

/** −A log π(token): demonstrations have advantage 1, so that it is their negative log-likelihood. */
export const likelihood: Objective = ({ logProbs }, { advantages }) => {
  const nll = tf.neg(logProbs) as tf.Tensor1D;
  return { loss: tf.mul(nll, advantages), report: { nll } };
};

/** The clipped policy gradient of {@linkcode policyTokenLoss}. */
export function clippedSurrogate(clip: RatioClip | null): Objective {
  return (scores, batch) => {
    const token = policyTokenLoss(scores.logProbs, batch.oldLogProbs, batch.advantages, clip);
    return {
      loss: token.loss,
      report: { ...driftReport(scores, batch), ratio: token.ratio, clip_fraction: token.clipped },
    };
  };
}

/**
 * An objective, and β times the divergence from a reference policy (arXiv:2402.03300, eq. 4): of
 * each token, `ρ − log ρ − 1` with ρ its probability under the reference over that under the policy.
 * Its mean over tokens the policy samples is the KL divergence; its gradient is that of this
 * estimate, not of the divergence (which needs the policy's own sampling differentiated, too).
 *
 * @param beta β > 0.
 */
export function nearReference(objective: Objective, beta: number): Objective {
  return (scores, batch) => {
    const { loss, report } = objective(scores, batch);
    const gap = tf.sub(batch.referenceLogProbs, scores.logProbs);
    const kl = tf.sub(tf.sub(tf.exp(gap), gap), 1) as tf.Tensor1D;
    return { loss: tf.add(loss, tf.mul(kl, beta)), report: { ...report, reference_kl: kl } };
  };
}

/** How far the policy has gone from the one that sampled, token by token. */
export function driftReport(
  { logProbs }: TokenScores,
  { oldLogProbs }: TokenBatch,
): Record<"approximate_kl" | "sampler_gap", tf.Tensor1D> {
  const gap = tf.sub(logProbs, oldLogProbs) as tf.Tensor1D;
  // k3 of Schulman's "Approximating KL Divergence": ratio - 1 - log ratio, never negative
  const kl = tf.sub(tf.sub(tf.exp(gap), 1), gap) as tf.Tensor1D;
  return { approximate_kl: kl, sampler_gap: tf.abs(gap) };
}

/** The values of a tensor as constants: no gradient flows through them. */
export function stopGradient<T extends tf.Tensor>(x: T): T {
  const constant = customGrad((x) => ({
    value: (x as tf.Tensor).clone(),
    gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
  }));
  return constant(x) as T;
}

/**
 * The mean of a value over the tokens of each row, at each of its tokens.
 *
 * @param values `[scored]`.
 * @returns `[scored]`; 0 for entries that only fill a buffer up.
 */
export function sequenceMeans(values: tf.Tensor1D, { lengths }: TokenBatch): tf.Tensor1D {
  const scored = values.shape[0];
  const member = new Float32Array(lengths.length * scored); // 1 where a token is of a row
  let first = 0;
  lengths.forEach((length, row) => {
    member.fill(1, row * scored + first, row * scored + first + length);
    first += length;
  });
  return tf.tidy(() => {
    const members = tf.tensor2d(member, [lengths.length, scored]);
    const sums = tf.matMul(members, tf.reshape(values, [scored, 1])); // [rows, 1]
    const means = tf.div(sums, tf.tensor2d([...lengths], [lengths.length, 1]));
    return tf.reshape(tf.matMul(members, means, true), [scored]);
  });
}
