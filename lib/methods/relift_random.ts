/**
 * ReLIFT's ablation "random" (arXiv:2506.07527): the buffer is filled with random questions that
 * are not the hardest; when it is full one supervised step on their demonstrations follows.
 *
 * What the paper leaves open, and our choice:
 * 1. In each step as many questions enter as there were hardest ones in it, or all the others if
 *    there are fewer: about as many demonstrations are taught as by {@link relift}.
 * 2. They are drawn from the questions of that step, without replacement.
 *
 * @module
 */
import { randomSeeded, shuffle } from "../random.ts";
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
import type { DrawnGroup, Metrics } from "./training.ts";

/** Trains a policy with RL, interleaved with SFT on random questions. */
export const reliftRandom: Method<BufferConfig> = method<BufferConfig>({
  id: "relift-random",
  title: "ReLIFT, random questions",
  paper: "arXiv:2506.07527",
  about: "RL; when M random questions that are not hardest wait, one supervised step on them",
  kind: "hybrid",
  config: BUFFER,
  check: checkBuffer,
  async step(training): Promise<Metrics> {
    const { config, state } = training;
    const { groups, metrics } = await rlStep(training);
    const taught = taughtMetrics(groups, state);
    const buffered = bufferQuestions(training, easierOnes(groups, config, state.step));
    const isFull = state.hardest.length >= config.bufferSize;
    const events = isFull ? [await teach(training, takeBatch(training))] : [];
    return {
      ...metrics,
      ...buffered,
      ...eventMetrics(state, events),
      ...bufferMetrics(state),
      ...taught,
    };
  },
});

/** As many random groups as there are hardest ones, none of them hardest. */
export function easierOnes(
  groups: readonly DrawnGroup[],
  config: BufferConfig,
  step: number,
): DrawnGroup[] {
  const easier = groups.filter((group) => !isHardest(group, config));
  const random = randomSeeded(config.seed, "easier", step);
  return shuffle(easier, random).slice(0, groups.length - easier.length);
}
