/**
 * ReLIFT's ablation "uniform" (arXiv:2506.07527): fine-tuning every k steps of {@link rl}, whether
 * the buffer is full or not, with about as many demonstrations in all as {@link relift} uses.
 *
 * What the paper leaves open, and our choice:
 * 1. The questions are the hardest, from the buffer: the oldest M, or all that wait if there are
 *    fewer. So only the moment differs from ReLIFT.
 * 2. A step without a waiting question has no event.
 *
 * @module
 */
import {
  BUFFER,
  type BufferConfig,
  bufferMetrics,
  bufferQuestions,
  checkBuffer,
  eventMetrics,
  isHardest,
  takeBatch,
  taughtMetrics,
  teach,
} from "./buffer.ts";
import { type Method, method } from "./method.ts";
import { rlStep } from "./rl.ts";
import { checkCounts, type Metrics } from "./training.ts";

/** Settings of {@linkcode reliftUniform}. */
export interface ReliftUniformConfig extends BufferConfig {
  /** k: steps of RL from one SFT event to the next. */
  readonly every: number;
}

/** Trains a policy with RL and, at even distances, with SFT on the hardest questions so far. */
export const reliftUniform: Method<ReliftUniformConfig> = method<ReliftUniformConfig>({
  id: "relift-uniform",
  title: "ReLIFT, SFT every k steps",
  paper: "arXiv:2506.07527",
  about: "RL; every k steps one supervised step on M of the questions that failed so far",
  kind: "hybrid",
  config: { ...BUFFER, every: 6 }, // paper: 8
  check(config): void {
    checkBuffer(config);
    checkCounts({ every: config.every });
  },
  async step(training): Promise<Metrics> {
    const { config, state, step } = training;
    const { groups, metrics } = await rlStep(training);
    const taught = taughtMetrics(groups, state);
    const buffered = bufferQuestions(training, groups.filter((group) => isHardest(group, config)));
    const isDue = (step + 1) % config.every === 0 && state.hardest.length > 0;
    const events = isDue ? [await teach(training, takeBatch(training))] : [];
    return {
      ...metrics,
      ...buffered,
      ...eventMetrics(state, events),
      ...bufferMetrics(state),
      ...taught,
    };
  },
});
