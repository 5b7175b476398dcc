/**
 * What every method shares: the state of a run, the order of questions, and the metrics record.
 *
 * @module
 */
import type { Dataset, Question } from "../data/question.ts";
import type { Group } from "../grading/group.ts";
import type { AdamwState } from "../optim/adamw.ts";
import { disposeAdamw } from "../optim/adamw.ts";
import { randomSeeded, shuffle } from "../random.ts";

/** A question that waits to be taught. */
export interface BufferedQuestion {
  /** Its index in the dataset. */
  readonly index: number;
  /** The step at which no rollout solved it. */
  readonly step: number;
}

/** What a run has cost so far: what comparisons are made equal by. */
export interface Budget {
  /** Completions sampled to train on. */
  rollouts: number;
  /** Optimizer steps taken. */
  optimizerSteps: number;
  /** Floating-point operations of sampling and training, see `lib/model/flops.ts`. */
  flops: number;
}

/**
 * Everything of a run but the weights. Methods change it in place as they go; saving it with the
 * weights between two steps and going on from there gives the same run, because random numbers and
 * the order of questions depend on the seed and the step alone.
 */
export interface TrainingState {
  /** Steps done. */
  step: number;
  /** Batches of questions drawn. */
  drawn: number;
  /** What the run has cost. */
  readonly budget: Budget;
  /** Optimizers by name (`rl`, `sft`), made when first needed. */
  readonly optimizers: Record<string, AdamwState>;
  /** ReLIFT's buffer, oldest first. */
  readonly hardest: BufferedQuestion[];
  /** Hard questions that wait for a demonstration that was asked for, oldest first. */
  readonly wanted: BufferedQuestion[];
  /** How often each question has been taught, by index in the dataset. */
  readonly taught: Record<number, number>;
  /** SFT events so far. */
  sftEvents: number;
}

/** The state of a run that has not begun. */
export function trainingState(): TrainingState {
  return {
    step: 0,
    drawn: 0,
    budget: { rollouts: 0, optimizerSteps: 0, flops: 0 },
    optimizers: {},
    hardest: [],
    wanted: [],
    taught: {},
    sftEvents: 0,
  };
}

/** Frees the optimizers of a run. */
export function disposeState(state: TrainingState): void {
  Object.values(state.optimizers).forEach(disposeAdamw);
}

/** The metrics of one step, by name; {@linkcode METRICS} tells what each means. */
export type Metrics = Record<string, number>;

/** A question drawn for a step, with its index in the dataset. */
export interface DrawnQuestion {
  readonly index: number;
  readonly question: Question;
}

/** A group and the index of its question in the dataset. */
export interface DrawnGroup extends Group {
  readonly index: number;
}

/** Called with the groups of each step, for instance to keep samples. */
export type OnGroups = (step: number, groups: readonly DrawnGroup[]) => void;

/** The part of a dataset that questions are drawn from: indices `[from, to)`. */
export interface Pool {
  readonly from: number;
  readonly to: number;
}

/** A part of a dataset in shares of it: `[from, to)`, from 0 to 1. */
export interface Share {
  readonly from: number;
  readonly to: number;
}

/** The questions of a part of a dataset. */
export function poolOf({ size }: Dataset, { from, to }: Share): Pool {
  return { from: Math.round(from * size), to: Math.round(to * size) };
}

/**
 * A batch of questions: a fresh permutation of the pool for each epoch, taken in order, the last
 * partial batch of an epoch dropped. A pure function of seed and batch.
 *
 * @param batch Whole number >= 0: which batch of the run; most methods draw one a step.
 * @param pool The whole dataset unless given.
 * @throws {RangeError} When the pool has fewer questions than a batch takes.
 */
export function questionsOfBatch(
  dataset: Dataset,
  count: number,
  seed: number,
  batch: number,
  { from, to }: Pool = { from: 0, to: dataset.size },
): DrawnQuestion[] {
  const size = to - from;
  const perEpoch = Math.floor(size / count);
  if (perEpoch < 1) {
    throw new RangeError(
      `Cannot train on ${dataset.name} as a step takes ${count} questions: current size is ${size}`,
    );
  }
  const [epoch, at] = [Math.floor(batch / perEpoch), batch % perEpoch];
  const order = shuffle(
    Array.from({ length: size }, (_, index) => from + index),
    randomSeeded(seed, "order", epoch),
  );
  return order.slice(at * count, (at + 1) * count)
    .map((index) => ({ index, question: dataset.question(index) }));
}

/**
 * Checks settings that count something.
 *
 * @throws {RangeError} Naming the first that is not a whole number > 0.
 */
export function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (!(Number.isInteger(value) && value >= 1)) {
      throw new RangeError(
        `Cannot train as ${name} must be a whole number > 0: current value is ${value}`,
      );
    }
  }
}

/**
 * Checks settings that are shares.
 *
 * @throws {RangeError} Naming the first that is not in `[0, 1]`.
 */
export function checkShares(shares: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(shares)) {
    if (!(value >= 0 && value <= 1)) {
      throw new RangeError(
        `Cannot train as ${name} must be in [0, 1]: current value is ${value}`,
      );
    }
  }
}

/**
 * Checks settings that scale something.
 *
 * @throws {RangeError} Naming the first that is not a finite number > 0.
 */
export function checkPositive(values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!(value > 0 && value < Infinity)) {
      throw new RangeError(`Cannot train as ${name} must be > 0: current value is ${value}`);
    }
  }
}

/**
 * Checks a setting that is a part of the questions.
 *
 * @param dataset What the part is of, where that is known.
 * @throws {RangeError} When it is not a part, or holds fewer questions than a step takes.
 */
export function checkPart(
  name: string,
  share: Share,
  questionsPerStep: number,
  dataset?: Dataset,
): void {
  const { from, to } = share;
  if (!(from >= 0 && from < to && to <= 1)) {
    throw new RangeError(
      `Cannot train as ${name} must be a part of [0, 1]: current value is [${from}, ${to}]`,
    );
  }
  if (!dataset) return;
  const pool = poolOf(dataset, share);
  if (pool.to - pool.from < questionsPerStep) {
    throw new RangeError(
      `Cannot train on ${dataset.name} as ${name} must hold the ${questionsPerStep} questions of ` +
        `a step: current size is ${pool.to - pool.from}`,
    );
  }
}

/** Mean of numbers; NaN of none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Demonstrations used so far: in all, distinct, and as a share of the training set. */
export function demonstrationMetrics(state: TrainingState, dataset: Dataset): Metrics {
  const times = Object.values(state.taught);
  return {
    "demonstrations/used": times.reduce((sum, count) => sum + count, 0),
    "demonstrations/distinct": times.length,
    "demonstrations/share": times.length / dataset.size,
  };
}
