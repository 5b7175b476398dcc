/**
 * ReLIFT: reinforcement learning interleaved with online fine-tuning on the hardest questions
 * (arXiv:2506.07527). Each step is one of {@link grpo}; questions whose completions all fail wait in
 * a buffer, and when it is full one supervised step on their demonstrations follows.
 *
 * Differences from the paper and from the authors' code:
 * 1. Groups are found by their question, never by a row's place in the batch.
 * 2. The trigger works on an empty buffer: before the first hard question and after an exact drain.
 * 3. A question is in the buffer once, even if it fails again while it waits.
 * 4. A question without a usable demonstration is counted and left out.
 * 5. Losses are true token means, see {@link sft} and {@link grpo}.
 * 6. The buffer and both optimizers are part of {@link TrainingState}, so a resumed run has them.
 *
 * @module
 */
import type { Dataset } from "../data/question.ts";
import type { Policy } from "../model/policy.ts";
import { adamwState } from "../optim/adamw.ts";
import { learningRateAt } from "../optim/schedule.ts";
import {
  checkGrpo,
  type DrawnGroup,
  type GrpoConfig,
  type OnGroups,
  policyUpdate,
  rolloutMetrics,
  rolloutStep,
  sampleGroups,
  timeMetrics,
} from "./grpo.ts";
import {
  countTaught,
  demonstrationMetrics,
  demonstrationRow,
  type SupervisedConfig,
  supervisedStep,
} from "./sft.ts";
import {
  type BufferedQuestion,
  checkCounts,
  mean,
  type Metrics,
  type TrainingState,
  trainingState,
} from "./training.ts";

/** Settings of {@linkcode relift}; symbols are those of arXiv:2506.07527. */
export interface ReliftConfig extends GrpoConfig {
  /** Q: a question is buffered when its group's accuracy is at most this, in `[0, 1)`. */
  readonly gate: number;
  /** M: questions taught at once, and how many must wait before that happens; at least 1. */
  readonly bufferSize: number;
  /** Which of the waiting questions are taught first. */
  readonly order: "newest-first" | "oldest-first";
  /** At most this many questions wait, the oldest leave first; null for no limit, as in the paper. */
  readonly maxBuffered: number | null;
  /** Steps after which a waiting question leaves; null for never, as in the paper. */
  readonly maxAge: number | null;
  /** Whether questions are sampled again before use, and those now above the gate leave. */
  readonly recheck: boolean;
  /** Whether one batch of M is taught when the buffer is full, or all that can be filled. */
  readonly drain: "one" | "all";
  /** Optimizer steps on each batch of M; 1 in the paper. */
  readonly passes: number;
  /** Whether fine-tuning shares the moments of RL; separate in the paper. */
  readonly sharedOptimizer: boolean;
  /** Its learning rate is counted in SFT optimizer steps. */
  readonly sft: SupervisedConfig;
}

/** Trains a policy with ReLIFT. Yields the metrics of each step. */
export async function* relift(
  policy: Policy,
  dataset: Dataset,
  config: ReliftConfig,
  state: TrainingState = trainingState(),
  onGroups: OnGroups = () => {},
): AsyncGenerator<Metrics> {
  checkRelift(config);
  while (state.step < config.steps) {
    const started = performance.now();
    const { step } = state;
    const { groups, seconds } = await rolloutStep(policy, dataset, config, step);
    onGroups(step, groups);
    const taught = taughtMetrics(groups, state);
    const buffered = bufferHardest(policy, dataset, groups, config, state);
    const update = await policyUpdate(policy, groups, config, state);
    const events = await teachHardest(policy, dataset, config, state);
    state.step++;
    yield {
      step,
      ...rolloutMetrics(groups),
      ...update,
      ...buffered,
      ...events,
      ...bufferMetrics(state),
      ...taught,
      ...demonstrationMetrics(state, dataset),
      ...timeMetrics(groups, started, seconds),
    };
  }
}

/**
 * Checks the settings that the type cannot.
 *
 * @throws {RangeError} When one is out of range.
 */
export function checkRelift(config: ReliftConfig): void {
  checkGrpo(config);
  const { gate, bufferSize, passes, maxBuffered, maxAge } = config;
  if (!(gate >= 0 && gate < 1)) {
    throw new RangeError(
      `Cannot gate questions as gate must be in [0, 1): current value is ${gate}`,
    );
  }
  checkCounts({ bufferSize, passes, maxBuffered: maxBuffered ?? 1, maxAge: maxAge ?? 1 });
}

/** Puts the questions that no rollout (or at most a share Q of them) solved in the buffer. */
export function bufferHardest(
  policy: Policy,
  dataset: Dataset,
  groups: readonly DrawnGroup[],
  config: ReliftConfig,
  state: TrainingState,
): Metrics {
  const { hardest, step } = state;
  let [added, lacking] = [0, 0];
  for (const { index, question, accuracy } of groups) {
    if (accuracy > config.gate || hardest.some((waiting) => waiting.index === index)) continue;
    if (demonstrationRow(policy, dataset, question, config.maxNewTokens)) {
      hardest.push({ index, step });
      added++;
    } else lacking++;
  }
  const before = hardest.length;
  const { maxAge, maxBuffered } = config;
  const young = hardest.filter((waiting) => maxAge === null || step - waiting.step <= maxAge);
  replace(hardest, maxBuffered === null ? young : young.slice(-maxBuffered));
  return {
    "buffer/added": added,
    "buffer/dropped": before - hardest.length,
    "buffer/without_demonstration": lacking,
  };
}

/** When the buffer is full: one supervised step (or `passes`) on M of its questions. */
export async function teachHardest(
  policy: Policy,
  dataset: Dataset,
  config: ReliftConfig,
  state: TrainingState,
): Promise<Metrics> {
  const started = performance.now();
  const reports: Metrics[] = [];
  let [events, solved] = [0, 0];
  while (state.hardest.length >= config.bufferSize && (events === 0 || config.drain === "all")) {
    if (config.recheck) solved += await dropSolved(policy, dataset, config, state);
    if (state.hardest.length < config.bufferSize) break;
    const batch = takeBatch(state.hardest, config);
    const rows = batch.map(({ index }) =>
      demonstrationRow(policy, dataset, dataset.question(index), config.maxNewTokens)!
    );
    const name = config.sharedOptimizer ? "rl" : "sft";
    const optimizer = state.optimizers[name] ??= adamwState(policy.weights);
    for (let pass = 0; pass < config.passes; pass++) {
      const at = state.sftEvents * config.passes + pass;
      const rate = learningRateAt(config.sft.learningRate, at, config.steps * config.passes);
      const supervised = { ...config.sft, maxTokens: config.maxTokens };
      const report = await supervisedStep(policy, rows, optimizer, rate, supervised);
      reports.push({ ...report, "sft/learning_rate": rate });
    }
    countTaught(state, batch.map(({ index }) => index), reports.slice(-config.passes));
    state.sftEvents++;
    events++;
  }
  const over = (name: string) => reports.map((report) => report[name]!);
  const averages = Object.keys(reports[0] ?? {}).map((name) => [name, mean(over(name))]);
  return {
    "sft/events": state.sftEvents,
    "sft/events_now": events,
    "buffer/solved_since": solved,
    ...Object.fromEntries(averages),
    "sft/skipped_steps": over("sft/skipped_steps").reduce((sum, count) => sum + count, 0),
    "time/sft_s": (performance.now() - started) / 1000,
  };
}

/** Takes M questions out of the buffer. */
function takeBatch(
  hardest: BufferedQuestion[],
  { bufferSize, order }: ReliftConfig,
): BufferedQuestion[] {
  return order === "oldest-first"
    ? hardest.splice(0, bufferSize)
    : hardest.splice(hardest.length - bufferSize).reverse();
}

/** Samples the waiting questions again; those above the gate leave. Returns how many did. */
async function dropSolved(
  policy: Policy,
  dataset: Dataset,
  config: ReliftConfig,
  state: TrainingState,
): Promise<number> {
  const waiting = [...state.hardest];
  const drawn = waiting.map(({ index }) => ({ index, question: dataset.question(index) }));
  const path = ["recheck", state.step, state.sftEvents];
  const groups = await sampleGroups(policy, dataset, drawn, config, path);
  replace(state.hardest, waiting.filter((_, i) => groups[i]!.accuracy <= config.gate));
  return waiting.length - state.hardest.length;
}

/** How well questions that were taught before are solved when they come up again. */
function taughtMetrics(groups: readonly DrawnGroup[], state: TrainingState): Metrics {
  const again = groups.filter(({ index }) => index in state.taught);
  return {
    "taught/questions": again.length,
    "taught/solve_rate": mean(again.map(({ accuracy }) => accuracy)),
  };
}

/** The buffer after the step. */
function bufferMetrics({ hardest, step }: TrainingState): Metrics {
  const ages = hardest.map((waiting) => step - 1 - waiting.step);
  return {
    "buffer/length": hardest.length,
    "buffer/age": mean(ages),
    "buffer/age_max": ages.length > 0 ? Math.max(...ages) : NaN,
  };
}

function replace<T>(list: T[], items: readonly T[]): void {
  list.splice(0, list.length, ...items);
}
