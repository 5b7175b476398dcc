/**
 * Dynamic fine-tuning (arXiv:2508.05629, §3): {@link sft} whose tokens count by the probability
 * that the policy gives them already, −sg(p) log p. The gradient of a plain negative log-likelihood
 * is 1 / p times that of a reward for the token, so unlikely tokens dominate it; p takes that away.
 * The gradient is that of −p: what the policy thinks nearly impossible it hardly learns.
 *
 * Differences from the paper:
 * 1. The mean runs over all tokens of the optimizer batch, see {@link sft}.
 * 2. The settings are those of {@link sft}, so that the two differ in the loss alone.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { likelihood, type Objective, stopGradient } from "../objectives/objective.ts";
import { type Method, method } from "./method.ts";
import { sft, type SftConfig, sftStep } from "./sft.ts";

/** Trains a policy on demonstrations by dynamic fine-tuning. */
export const dft: Method<SftConfig> = method<SftConfig>({
  id: "dft",
  title: "DFT",
  paper: "arXiv:2508.05629",
  about: "supervised fine-tuning whose tokens count by the probability they have already",
  kind: "sft",
  config: sft.config, // paper: rate 5e-5, batches of 256, one epoch
  check: sft.check,
  step: (training) => sftStep(training, probabilityWeighted),
});

/** −sg(p) log p of each token (arXiv:2508.05629, §3), times its advantage. */
export const probabilityWeighted: Objective = (scores, batch) => {
  const probability = stopGradient(tf.exp(scores.logProbs) as tf.Tensor1D);
  const { loss, report } = likelihood(scores, batch);
  return { loss: tf.mul(loss, probability), report: { ...report, probability } };
};
