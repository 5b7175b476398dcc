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
 * @module
 */
import { learningRateAt } from "../optim/schedule.ts";
import {
  countTaught,
  demonstrationRow,
  demonstrationsOf,
  type SupervisedConfig,
  supervisedStep,
} from "./demonstrations.ts";
import { rl, type RlConfig, rlTerm } from "./rl.ts";
import { method, type Training } from "./method.ts";
import { type DrawnGroup, rolloutStep, sampleGroups } from "./rollouts.ts";
import {
  type BufferedQuestion,
  checkCounts,
  mean,
  type Metrics,
  type TrainingState,
} from "./training.ts";
import { policyUpdate } from "./update.ts";

/** How the questions of a buffer are taught. */
export interface TeachingConfig extends RlConfig {
  /** M: questions taught at once; at least 1. */
  readonly bufferSize: number;
  /** Which of the waiting questions are taught first. */
  readonly order: "newest-first" | "oldest-first";
  /** Optimizer steps on each batch of M; 1 in the paper. */
  readonly passes: number;
  /** Whether fine-tuning shares the moments of RL; separate in the paper. */
  readonly sharedOptimizer: boolean;
  /** Its learning rate is counted in SFT optimizer steps. */
  readonly sft: SupervisedConfig;
}

/** Settings of {@linkcode relift}; symbols are those of arXiv:2506.07527. */
export interface ReliftConfig extends TeachingConfig {
  /** Q: a question is buffered when its group's accuracy is at most this, in `[0, 1)`. */
  readonly gate: number;
  /** At most this many questions wait, the oldest leave first; null for no limit, as in the paper. */
  readonly maxBuffered: number | null;
  /** Steps after which a waiting question leaves; null for never, as in the paper. */
  readonly maxAge: number | null;
  /** Whether questions are sampled again before use, and those now above the gate leave. */
  readonly recheck: boolean;
  /** Whether one batch of M is taught when the buffer is full, or all that can be filled. */
  readonly drain: "one" | "all";
}

/** How {@linkcode relift} and its ablations teach unless told otherwise. */
export const TEACHING: TeachingConfig = {
  ...rl.config,
  bufferSize: 32, // paper: 64
  order: "oldest-first",
  passes: 2, // paper: 1
  sharedOptimizer: false,
  sft: {
    entropyCoefficient: 1e-4,
    learningRate: { peak: 3e-4, warmupSteps: 4, shape: "constant" }, // paper: 1e-6, no warm-up
    adamw: rl.config.adamw,
  },
};

/** Trains a policy with ReLIFT. */
export const relift = method<ReliftConfig>({
  id: "relift",
  title: "ReLIFT",
  paper: "arXiv:2506.07527",
  about: "RL; when M questions have failed in every rollout, one supervised step on them",
  kind: "hybrid",
  config: {
    ...TEACHING,
    gate: 0,
    maxBuffered: null,
    maxAge: null,
    recheck: false,
    drain: "one",
  },
  check: checkRelift,
  async step(training) {
    const { config, state } = training;
    const { groups, metrics } = await rolloutStep(training);
    const taught = taughtMetrics(groups, state);
    const hardest = groups.filter(({ accuracy }) => accuracy <= config.gate);
    const buffered = bufferQuestions(training, hardest);
    const update = await policyUpdate(training, groups, (part) => [rlTerm(part, config)]);
    const events = await teachWhenFull(training);
    return { ...metrics, ...update, ...buffered, ...events, ...bufferMetrics(state), ...taught };
  },
});

/**
 * Checks the settings that the type cannot.
 *
 * @throws {RangeError} When one is out of range.
 */
export function checkRelift(config: ReliftConfig): void {
  checkTeaching(config);
  const { gate, maxBuffered, maxAge } = config;
  if (!(gate >= 0 && gate < 1)) {
    throw new RangeError(
      `Cannot gate questions as gate must be in [0, 1): current value is ${gate}`,
    );
  }
  checkCounts({ maxBuffered: maxBuffered ?? 1, maxAge: maxAge ?? 1 });
}

/**
 * Checks how questions are taught.
 *
 * @throws {RangeError} When a setting is out of range.
 */
export function checkTeaching(config: TeachingConfig): void {
  rl.check(config);
  checkCounts({ bufferSize: config.bufferSize, passes: config.passes });
}

/** How long questions may wait, and how many; {@linkcode ReliftConfig} tells more. */
export type BufferLimits = Partial<Pick<ReliftConfig, "maxBuffered" | "maxAge">>;

/** Puts the questions of groups in the buffer, those with a usable demonstration. */
export function bufferQuestions(
  { policy, dataset, config, state }: Training<RlConfig & BufferLimits>,
  groups: readonly DrawnGroup[],
): Metrics {
  const { hardest, step } = state;
  const { maxAge = null, maxBuffered = null } = config;
  let [added, lacking] = [0, 0];
  for (const { index, question } of groups) {
    if (hardest.some((waiting) => waiting.index === index)) continue;
    if (demonstrationRow(policy, dataset, question, config.maxNewTokens)) {
      hardest.push({ index, step });
      added++;
    } else lacking++;
  }
  const before = hardest.length;
  const young = hardest.filter((waiting) => maxAge === null || step - waiting.step <= maxAge);
  replace(hardest, maxBuffered === null ? young : young.slice(-maxBuffered));
  return {
    "buffer/added": added,
    "buffer/dropped": before - hardest.length,
    "buffer/without_demonstration": lacking,
  };
}

/** When the buffer is full: one SFT event on M of its questions, or as many as can be filled. */
export async function teachWhenFull(training: Training<ReliftConfig>): Promise<Metrics> {
  const { config, state } = training;
  const events: Metrics[] = [];
  let solved = 0;
  while (state.hardest.length >= config.bufferSize) {
    if (config.recheck) solved += await dropSolved(training);
    if (state.hardest.length < config.bufferSize) break;
    events.push(await teach(training, takeBatch(state.hardest, config)));
    if (config.drain === "one") break;
  }
  return { ...eventMetrics(state, events), "buffer/solved_since": solved };
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

/** Takes M questions, or what there is, out of the buffer. */
export function takeBatch(
  hardest: BufferedQuestion[],
  { bufferSize, order }: TeachingConfig,
): BufferedQuestion[] {
  return order === "oldest-first"
    ? hardest.splice(0, bufferSize)
    : hardest.splice(-bufferSize).reverse();
}

/** Samples the waiting questions again; those above the gate leave. Returns how many did. */
async function dropSolved(training: Training<ReliftConfig>): Promise<number> {
  const { dataset, config, state } = training;
  const waiting = [...state.hardest];
  const drawn = waiting.map(({ index }) => ({ index, question: dataset.question(index) }));
  const groups = await sampleGroups(training, drawn, ["recheck", state.step, state.sftEvents]);
  replace(state.hardest, waiting.filter((_, i) => groups[i]!.accuracy <= config.gate));
  return waiting.length - state.hardest.length;
}

/** How well questions that were taught before are solved when they come up again. */
export function taughtMetrics(groups: readonly DrawnGroup[], { taught }: TrainingState): Metrics {
  const again = groups.filter(({ index }) => index in taught);
  return {
    "taught/questions": again.length,
    "taught/solve_rate": mean(again.map(({ accuracy }) => accuracy)),
  };
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

function replace<T>(list: T[], items: readonly T[]): void {
  list.splice(0, list.length, ...items);
}
