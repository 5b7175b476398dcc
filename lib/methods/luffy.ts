/**
 * LUFFY (arXiv:2504.14945): each group holds, beside the policy's own completions, one demonstration
 * as an off-policy sample; advantages compare all of them.
 *
 * Own completions lose −A ρ without a clip, demonstrations −A f(π) with f(x) = x / (x + γ), which
 * lifts the gradient of unlikely tokens (policy shaping, eq. 7). The behaviour policy's probability
 * of a demonstration is taken as 1.
 *
 * Differences from the paper and from the authors' code:
 * 1. Advantages are centred and not divided by the standard deviation, as in the code; the paper
 *    divides.
 * 2. Sums are divided by the token limit and averaged over all rows, demonstrations among them
 *    (the code's 8192).
 * 3. No entropy bonus; the code has 0.001, the paper 0.01.
 * 4. A group whose question has no usable demonstration is the policy's alone.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Objective } from "../objectives/objective.ts";
import { constantLength } from "../objectives/weigh.ts";
import { checkGroups, type GroupConfig, type Method, method } from "./method.ts";
import { jointTerms, mixedGroups, mixedUpdate } from "./mixture.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { rolloutStep } from "./rollouts.ts";
import { checkPositive, type Metrics } from "./training.ts";

/** Settings of {@linkcode luffy}. */
export interface LuffyConfig extends GroupConfig {
  /** γ > 0 of policy shaping. */
  readonly shaping: number;
}

/** Trains a policy with LUFFY. */
export const luffy: Method<LuffyConfig> = method<LuffyConfig>({
  id: "luffy",
  title: "LUFFY",
  paper: "arXiv:2504.14945",
  about: "a demonstration joins each group as an off-policy sample with a shaped gradient",
  kind: "hybrid",
  config: { ...GROUP_DEFAULTS, groupSize: 7, shaping: 0.1 }, // with the demonstration, eight
  check(config): void {
    checkGroups(config);
    checkPositive({ shaping: config.shaping });
  },
  async step(training): Promise<Metrics> {
    const { maxNewTokens, shaping } = training.config;
    const { groups, metrics } = await rolloutStep(training);
    const update = await mixedUpdate(training, groups, async (part) => {
      const mixed = await mixedGroups(training, part);
      const { demonstrations } = mixed;
      const options = {
        weigh: constantLength(maxNewTokens),
        clip: null,
        objective: shaped(shaping),
      };
      return { terms: jointTerms(mixed, options), demonstrations };
    });
    return { ...metrics, ...update };
  },
});

/** −A f(π(token)) with f(x) = x / (x + γ) (arXiv:2504.14945, eq. 7). */
export function shaped(shaping: number): Objective {
  return ({ logProbs }, { advantages }) => {
    const probability = tf.exp(logProbs) as tf.Tensor1D;
    const value = tf.div(probability, tf.add(probability, shaping));
    return { loss: tf.neg(tf.mul(value, advantages)) as tf.Tensor1D, report: { probability } };
  };
}
