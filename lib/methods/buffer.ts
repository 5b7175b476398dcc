/**
 * Questions that wait to be taught, and how they are: the pieces of {@link relift} and of its
 * ablations.
 *
 * @module
 */
import type { Dataset } from "../data/question.ts";
import { learningRateAt } from "../optim/schedule.ts";
import {
  countTaught,
  demonstrationRow,
  demonstrationsOf,
  type SupervisedConfig,
  supervisedStep,
} from "./demonstrations.ts";
import type { Training } from "./method.ts";
import { rl, type RlConfig } from "./rl.ts";
import {
  type BufferedQuestion,
  checkCounts,
  type DrawnGroup,
  type DrawnQuestion,
  mean,
  type Metrics,
  type TrainingState,
} from "./training.ts";

/** How demonstrations are taught between steps of RL. */
export interface TeachingConfig extends RlConfig {
  /** Optimizer steps on each batch; 1 in the paper. */
  readonly passes: number;
  /** Whether fine-tuning shares the moments of RL; separate in the paper. */
  readonly sharedOptimizer: boolean;
  /** Its learning rate is counted in SFT optimizer steps. */
  readonly sft: SupervisedConfig;
}

/** Which questions wait, and in what order they are taught; symbols are those of arXiv:2506.07527. */
export interface BufferConfig extends TeachingConfig {
  /** Q: a question is hardest when its group's accuracy is at most this, in `[0, 1)`. */
  readonly gate: number;
  /** M: questions taught at once; at least 1. */
  readonly bufferSize: number;
  /** Which of the waiting questions are taught first. */
  readonly order: "newest-first" | "oldest-first";
  /** At most this many questions wait, the oldest leave first; null for no limit, as in the paper. */
  readonly maxBuffered: number | null;
  /** Steps after which a waiting question leaves; null for never, as in the paper. */
  readonly maxAge: number | null;
}

/** How demonstrations are taught unless told otherwise. */
export const TEACHING: TeachingConfig = {
  ...rl.config,
  passes: 2, // paper: 1
  sharedOptimizer: false,
  sft: {
    entropyCoefficient: 1e-4,
    learningRate: { peak: 3e-4, warmupSteps: 4, shape: "constant" }, // paper: 1e-6, no warm-up
    adamw: rl.config.adamw,
  },
};

/** {@linkcode TEACHING} from a buffer. */
export const BUFFER: BufferConfig = {
  ...TEACHING,
  gate: 0,
  bufferSize: 32, // paper: 64
  order: "oldest-first",
  maxBuffered: null,
  maxAge: null,
};

/**
 * Checks how demonstrations are taught.
 *
 * @throws {RangeError} When a setting is out of range.
 */
export function checkTeaching(config: TeachingConfig): void {
  rl.check(config);
  checkCounts({ passes: config.passes });
}

/**
 * Checks which questions wait, and how they are taught.
 *
 * @throws {RangeError} When a setting is out of range.
 */
export function checkBuffer(config: BufferConfig): void {
  checkTeaching(config);
  const { gate, bufferSize, maxBuffered, maxAge } = config;
  if (!(gate >= 0 && gate < 1)) {
    throw new RangeError(
      `Cannot gate questions as gate must be in [0, 1): current value is ${gate}`,
    );
  }
  checkCounts({ bufferSize, maxBuffered: maxBuffered ?? 1, maxAge: maxAge ?? 1 });
}

/** Whether a question is one of the hardest: too few of its completions are right. */
export function isHardest({ accuracy }: DrawnGroup, { gate }: BufferConfig): boolean {
  return accuracy <= gate;
}

/** Puts the questions of groups in the buffer, those with a usable demonstration. */
export function bufferQuestions(
  training: Training<BufferConfig>,
  groups: readonly DrawnGroup[],
): Metrics {
  const { policy, dataset, config, state } = training;
  const { hardest, step } = state;
  const { maxAge, maxBuffered } = config;
  let [added, lacking] = [0, 0];
  for (const { index, question } of groups) {
    if (hardest.some((waiting) => waiting.index === index)) continue;
    if (demonstrationRow(policy, question, config.maxNewTokens)) {
      hardest.push({ index, step });
      added++;
    } else {
      lacking++;
      want(dataset, state, { index, question });
    }
  }
  added += bufferArrived(training);
  const before = hardest.length;
  const young = hardest.filter((waiting) => maxAge === null || step - waiting.step <= maxAge);
  keepInBuffer(state, maxBuffered === null ? young : young.slice(-maxBuffered));
  return {
    "buffer/added": added,
    "buffer/dropped": before - hardest.length,
    "buffer/without_demonstration": lacking,
  };
}

/** Asks for a demonstration that is missing, where somebody can be asked. */
function want(dataset: Dataset, state: TrainingState, { index, question }: DrawnQuestion): void {
  const { wanted, step } = state;
  if (!dataset.want || question.demonstration !== undefined) return;
  if (!wanted.some((waiting) => waiting.index === index)) wanted.push({ index, step });
  dataset.want(question);
}

/** Puts wanted questions whose demonstration has come in the buffer; gives how many. */
function bufferArrived({ policy, dataset, config, state }: Training<BufferConfig>): number {
  const { hardest, wanted } = state;
  const before = hardest.length;
  for (const waiting of wanted.splice(0)) {
    const question = dataset.question(waiting.index);
    if (question.demonstration === undefined) {
      dataset.want?.(question); // again, as a resumed run must; it costs nothing
      wanted.push(waiting);
    } else if (
      demonstrationRow(policy, question, config.maxNewTokens) &&
      !hardest.some(({ index }) => index === waiting.index)
    ) hardest.push(waiting);
  }
  return hardest.length - before;
}

/** Lets all but these questions leave the buffer. */
export function keepInBuffer(
  { hardest }: TrainingState,
  questions: readonly BufferedQuestion[],
): void {
  hardest.splice(0, hardest.length, ...questions);
}

/** Takes M questions, or what there is, out of the buffer. */
export function takeBatch({ config, state }: Training<BufferConfig>): BufferedQuestion[] {
  const { bufferSize, order } = config;
  return order === "oldest-first"
    ? state.hardest.splice(0, bufferSize)
    : state.hardest.splice(-bufferSize).reverse();
}

/** One SFT event: `passes` optimizer steps on the demonstrations of questions. */
export async function teach(
  training: Training<TeachingConfig>,
  questions: readonly { readonly index: number }[],
): Promise<Metrics> {
  const started = performance.now();
  const { dataset, config, state } = training;
  const { passes, sharedOptimizer, sft, steps } = config;
  const drawn = questions.map(({ index }) => ({ index, question: dataset.question(index) }));
  const demonstrations = demonstrationsOf(training, drawn);
  const rows = demonstrations.map(({ row }) => row);
  const optimizer = sharedOptimizer ? "rl" : "sft";
  const reports: Metrics[] = [];
  for (let pass = 0; pass < passes; pass++) {
    const at = state.sftEvents * passes + pass;
    const rate = learningRateAt(sft.learningRate, at, steps * passes);
    reports.push(await supervisedStep(training, rows, { ...sft, rate, optimizer }));
  }
  countTaught(state, demonstrations.map(({ index }) => index), reports);
  state.sftEvents++;
  return { ...averages(reports), "time/sft_s": (performance.now() - started) / 1000 };
}

/** The SFT events of a step as metrics: counts and times added up, all else averaged. */
export function eventMetrics(state: TrainingState, events: readonly Metrics[]): Metrics {
  const total = (name: string) => events.reduce((sum, event) => sum + (event[name] ?? 0), 0);
  return {
    ...averages(events),
    "sft/events": state.sftEvents,
    "sft/events_now": events.length,
    "sft/skipped_steps": total("sft/skipped_steps"),
    "time/sft_s": total("time/sft_s"),
  };
}

/** Means of records that have the same metrics; skipped steps are added up. */
function averages(records: readonly Metrics[]): Metrics {
  const over = (name: string) => records.map((record) => record[name]!);
  const names = Object.keys(records[0] ?? {});
  return Object.fromEntries(names.map((name) => [
    name,
    name === "sft/skipped_steps"
      ? over(name).reduce((sum, count) => sum + count, 0)
      : mean(over(name)),
  ]));
}

/** The buffer after the step. */
export function bufferMetrics({ hardest, step }: TrainingState): Metrics {
  const ages = hardest.map((waiting) => step - waiting.step);
  return {
    "buffer/length": hardest.length,
    "buffer/age": mean(ages),
    "buffer/age_max": ages.length > 0 ? Math.max(...ages) : NaN,
  };
}

/** How well questions that were taught before are solved when they come up again. */
export function taughtMetrics(groups: readonly DrawnGroup[], { taught }: TrainingState): Metrics {
  const again = groups.filter(({ index }) => index in taught);
  return {
    "taught/questions": again.length,
    "taught/solve_rate": mean(again.map(({ accuracy }) => accuracy)),
  };
}
