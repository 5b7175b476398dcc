/**
 * ReLIFT's ablation "all" (arXiv:2506.07527): after each step of {@link rl}, fine-tuning on the
 * demonstrations of all questions of the step, hard or not. No buffer. It collapses in the paper.
 *
 * What the paper leaves open, and our choice:
 * 1. Fine-tuning takes as many optimizer steps a batch as in {@link relift}, `passes`, at the same
 *    rate: only which questions, and how often, differ from it.
 *
 * @module
 */
import {
  checkTeaching,
  eventMetrics,
  taughtMetrics,
  teach,
  TEACHING,
  type TeachingConfig,
} from "./buffer.ts";
import { type Method, method } from "./method.ts";
import { rlStep } from "./rl.ts";
import type { Metrics } from "./training.ts";

/** Trains a policy with RL and with SFT on the same questions in each step. */
export const reliftAlways: Method<TeachingConfig> = method<TeachingConfig>({
  id: "relift-always",
  title: "ReLIFT, SFT always",
  paper: "arXiv:2506.07527",
  about: "RL; after each step one supervised step on all of its questions",
  kind: "hybrid",
  config: TEACHING,
  check: checkTeaching,
  async step(training): Promise<Metrics> {
    const { state } = training;
    const { groups, metrics } = await rlStep(training);
    const taught = taughtMetrics(groups, state);
    const event = await teach(training, groups);
    return { ...metrics, ...eventMetrics(state, [event]), ...taught };
  },
});
