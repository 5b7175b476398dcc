/**
 * CHORD (arXiv:2508.11408): GRPO and SFT in one loss, (1 − μ) L_GRPO + μ L_SFT-φ. The global weight
 * μ goes from imitation to exploration over the run, and the token weight φ = p (1 − p), through
 * which no gradient flows, spares tokens that the policy is sure of and those that are foreign to
 * it.
 *
 * As in the authors' example (Trinity-RFT, `mix_chord`), both are on; the paper's two variants are
 * settings: CHORD-μ is `phi: false` with μ from 0.9 to 0.05 over 200 steps, CHORD-φ a constant μ of
 * 0.1.
 *
 * Differences from the paper and from the authors' code:
 * 1. μ rises over 20 steps to 0.5 and falls along a cosine over the next 40 to 0.02; the example
 *    takes ten times as many of each.
 * 2. The demonstrations are of the step's own questions, one each; theirs come from a set of their
 *    own, two for each question of a step.
 * 3. Means run over the optimizer batch, theirs over micro-batches, weighted by rows.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { groupAdvantages } from "../objectives/advantages.ts";
import {
  clippedSurrogate,
  likelihood,
  type Objective,
  stopGradient,
} from "../objectives/objective.ts";
import { scaled, tokenMean } from "../objectives/weigh.ts";
import { demonstrationsOf } from "./demonstrations.ts";
import { grpo, type GrpoConfig } from "./grpo.ts";
import { type Method, method, type Training } from "./method.ts";
import { mixedUpdate, type Mixture, supervisedTerm } from "./mixture.ts";
import { rolloutStep } from "./rollouts.ts";
import { checkShares, type DrawnGroup, type Metrics } from "./training.ts";
import { policyTerm } from "./update.ts";

/** How μ changes over a run; all in `[0, 1]` or steps. */
export interface MuSchedule {
  /** Reached by the warm-up, linearly from 0. */
  readonly peak: number;
  /** Reached by the decay, along a cosine, and kept. */
  readonly valley: number;
  readonly warmupSteps: number;
  readonly decaySteps: number;
}

/** Settings of {@linkcode chord}. */
export interface ChordConfig extends GrpoConfig {
  /** Weight of SFT; GRPO has the rest. */
  readonly mu: MuSchedule;
  /** Whether tokens of demonstrations count by φ. */
  readonly phi: boolean;
}

/** Trains a policy with CHORD. */
export const chord: Method<ChordConfig> = method<ChordConfig>({
  id: "chord",
  title: "CHORD",
  paper: "arXiv:2508.11408",
  about: "GRPO and SFT in one loss: weight goes from one to the other, and to undecided tokens",
  kind: "hybrid",
  config: {
    ...grpo.config,
    mu: { peak: 0.5, valley: 0.02, warmupSteps: 20, decaySteps: 40 }, // example: 200 and 400 steps
    phi: true,
  },
  check(config): void {
    grpo.check(config);
    checkShares({ "mu.peak": config.mu.peak, "mu.valley": config.mu.valley });
  },
  async step(training): Promise<Metrics> {
    const mu = muAt(training.config.mu, training.step);
    const { groups, metrics } = await rolloutStep(training);
    const update = await mixedUpdate(training, groups, (part) => chordMixture(training, part, mu));
    return { ...metrics, ...update, "chord/mu": mu };
  },
});

/** (1 − μ) L_GRPO + μ L_SFT-φ of a part of the groups. */
export function chordMixture(
  training: Training<ChordConfig>,
  part: readonly DrawnGroup[],
  mu: number,
): Mixture {
  const { clip, phi } = training.config;
  const demonstrations = mu > 0 ? demonstrationsOf(training, part) : [];
  const own = policyTerm(part, {
    advantages: (rewards) => groupAdvantages(rewards, { normalizeStd: true }),
    weigh: scaled(tokenMean, 1 - mu),
    objective: clippedSurrogate({ low: clip, high: clip, dual: null }),
  });
  const objective = phi ? undecidedLikelihood : likelihood;
  const taught = supervisedTerm(demonstrations, { objective, weigh: scaled(tokenMean, mu) });
  return { terms: [own, taught], demonstrations };
}

/**
 * μ of a step.
 *
 * @param step Whole number, 0 for the first.
 *
 * @example Two steps up, two down
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { muAt } from "./chord.ts";
 *
 * const mu = { peak: 0.5, valley: 0.25, warmupSteps: 2, decaySteps: 2 };
 * assertEquals([0, 1, 2, 3, 4].map((step) => muAt(mu, step)), [0.25, 0.5, 0.375, 0.25, 0.25]);
 * ```
 */
export function muAt({ peak, valley, warmupSteps, decaySteps }: MuSchedule, step: number): number {
  const done = step + 1; // the authors count steps from 1
  if (done < warmupSteps) return peak * done / warmupSteps;
  const since = done - warmupSteps;
  if (since >= decaySteps) return valley;
  return valley + (peak - valley) * 0.5 * (1 + Math.cos(Math.PI * since / decaySteps));
}

/** −φ log p with φ = sg(p (1 − p)) (arXiv:2508.11408, CHORD-φ). */
export const undecidedLikelihood: Objective = (scores, batch) => {
  const probability = tf.exp(scores.logProbs);
  const phi = stopGradient(tf.mul(probability, tf.sub(1, probability)) as tf.Tensor1D);
  const { loss, report } = likelihood(scores, batch);
  return { loss: tf.mul(loss, phi), report: { ...report, weight: phi } };
};
