/**
 * ReLIFT: reinforcement learning interleaved with online fine-tuning on the hardest questions
 * (arXiv:2506.07527). Each step is one of {@link rl}; questions whose completions all fail wait in
 * a buffer, and when it is full one supervised step on their demonstrations follows.
 *
 * Differences from the paper and from the authors' code:
 * 1. Groups are found by their question, never by a row's place in the batch.
 * 2. The trigger works on an empty buffer: before the first hard question and after an exact drain.
 * 3. A question is in the buffer once, even if it fails again while it waits.
 * 4. A question without a usable demonstration is counted and left out.
 * 5. Losses are true token means, see {@link sft} and {@link rl}.
 * 6. The buffer and both optimizers are part of {@link TrainingState}, so a resumed run has them.
 *
 * Its other ablations are settings: gate, bufferSize, order, recheck, sharedOptimizer, groupSize,
 * sft.entropyCoefficient.
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
  keepInBuffer,
  takeBatch,
  taughtMetrics,
  teach,
} from "./buffer.ts";
import { type Method, method, type Training } from "./method.ts";
import { rlStep } from "./rl.ts";
import { sampleGroups } from "./rollouts.ts";
import type { Metrics } from "./training.ts";

/** Settings of {@linkcode relift}. */
export interface ReliftConfig extends BufferConfig {
  /** Whether questions are sampled again before use, and those now above the gate leave. */
  readonly recheck: boolean;
  /** Whether one batch of M is taught when the buffer is full, or all that can be filled. */
  readonly drain: "one" | "all";
}

/** Trains a policy with ReLIFT. */
export const relift: Method<ReliftConfig> = method<ReliftConfig>({
  id: "relift",
  title: "ReLIFT",
  paper: "arXiv:2506.07527",
  about: "RL; when M questions have failed in every rollout, one supervised step on them",
  kind: "hybrid",
  config: { ...BUFFER, recheck: false, drain: "one" },
  check: checkBuffer,
  async step(training): Promise<Metrics> {
    const { config, state } = training;
    const { groups, metrics } = await rlStep(training);
    const taught = taughtMetrics(groups, state);
    const buffered = bufferQuestions(training, groups.filter((group) => isHardest(group, config)));
    const events = await teachWhenFull(training);
    return { ...metrics, ...buffered, ...events, ...bufferMetrics(state), ...taught };
  },
});

/** When the buffer is full: one SFT event on M of its questions, or as many as can be filled. */
export async function teachWhenFull(training: Training<ReliftConfig>): Promise<Metrics> {
  const { config, state } = training;
  const events: Metrics[] = [];
  let solved = 0;
  while (state.hardest.length >= config.bufferSize) {
    if (config.recheck) solved += await dropSolved(training);
    if (state.hardest.length < config.bufferSize) break;
    events.push(await teach(training, takeBatch(training)));
    if (config.drain === "one") break;
  }
  return { ...eventMetrics(state, events), "buffer/solved_since": solved };
}

/** Samples the waiting questions again; those above the gate leave. Returns how many did. */
async function dropSolved(training: Training<ReliftConfig>): Promise<number> {
  const { dataset, config, state } = training;
  const waiting = [...state.hardest];
  const drawn = waiting.map(({ index }) => ({ index, question: dataset.question(index) }));
  const groups = await sampleGroups(training, drawn, ["recheck", state.step, state.sftEvents]);
  keepInBuffer(state, waiting.filter((_, i) => isHardest(groups[i]!, config)));
  return waiting.length - state.hardest.length;
}
