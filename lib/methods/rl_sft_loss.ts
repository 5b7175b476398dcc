/**
 * RL with an SFT loss, the baseline of LUFFY's paper (arXiv:2504.14945, "RL w/ SFT Loss") and of
 * ReLIFT's: each optimizer step of {@link rl} also minimizes the negative log-likelihood of a
 * demonstration of each of its questions. Advantages compare the policy's own completions only.
 *
 * Differences from the authors' code:
 * 1. The RL half is {@link rl}'s, token mean and clip, so that this is {@link rl} where there are no
 *    demonstrations; their script has no clip, divides sums by 8192 and does not divide by rows.
 * 2. Both halves are means over the optimizer batch, theirs over a micro-batch. How much RL weighs
 *    against SFT depends on that.
 * 3. No entropy bonus; their script has 0.001.
 *
 * @module
 */
import { scaled, tokenMean } from "../objectives/weigh.ts";
import { demonstrationsOf } from "./demonstrations.ts";
import { type Method, method } from "./method.ts";
import { mixedUpdate, supervisedTerm } from "./mixture.ts";
import { rl, type RlConfig, rlTerm } from "./rl.ts";
import { rolloutStep } from "./rollouts.ts";
import { checkPositive, type Metrics } from "./training.ts";

/** Settings of {@linkcode rlSftLoss}; those of RL but for what is named here. */
export interface RlSftLossConfig extends RlConfig {
  /** Weight of the mean negative log-likelihood; > 0. */
  readonly sftCoefficient: number;
}

/** Trains a policy by RL and on demonstrations in the same optimizer steps. */
export const rlSftLoss: Method<RlSftLossConfig> = method<RlSftLossConfig>({
  id: "rl-sft-loss",
  title: "RL w/ SFT loss",
  paper: "arXiv:2504.14945",
  about: "RL; the likelihood of a demonstration of each question is part of the same loss",
  kind: "hybrid",
  config: { ...rl.config, groupSize: 7, sftCoefficient: 1 }, // with the demonstration, eight
  check(config): void {
    rl.check(config);
    checkPositive({ sftCoefficient: config.sftCoefficient });
  },
  async step(training): Promise<Metrics> {
    const { config } = training;
    const { groups, metrics } = await rolloutStep(training);
    const update = await mixedUpdate(training, groups, (part) => {
      const demonstrations = demonstrationsOf(training, part);
      const weigh = scaled(tokenMean, config.sftCoefficient);
      return {
        terms: [rlTerm(part, config), supervisedTerm(demonstrations, { weigh })],
        demonstrations,
      };
    });
    return { ...metrics, ...update };
  },
});
