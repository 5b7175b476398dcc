/**
 * What every method shares: the state of a run, the order of questions, and the metrics record.
 *
 * @module
 */
import type { Dataset, Question } from "../data/question.ts";
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

/**
 * Everything of a run but the weights. Methods change it in place as they go; saving it with the
 * weights between two steps and going on from there gives the same run, because random numbers and
 * the order of questions depend on the seed and the step alone.
 */
export interface TrainingState {
  /** Steps done. */
  step: number;
  /** Optimizers by name (`rl`, `sft`), made when first needed. */
  readonly optimizers: Record<string, AdamwState>;
  /** ReLIFT's buffer, oldest first. */
  readonly hardest: BufferedQuestion[];
  /** How often each question has been taught, by index in the dataset. */
  readonly taught: Record<number, number>;
  /** SFT events so far. */
  sftEvents: number;
}

/** The state of a run that has not begun. */
export function trainingState(): TrainingState {
  return { step: 0, optimizers: {}, hardest: [], taught: {}, sftEvents: 0 };
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

/**
 * The questions of a step: a fresh permutation of the dataset for each epoch, taken in order, the
 * last partial batch of an epoch dropped. A pure function of seed and step.
 *
 * @throws {RangeError} When the dataset has fewer questions than a step takes.
 */
export function questionsOfStep(
  dataset: Dataset,
  count: number,
  seed: number,
  step: number,
): DrawnQuestion[] {
  const stepsPerEpoch = Math.floor(dataset.size / count);
  if (stepsPerEpoch < 1) {
    throw new RangeError(
      `Cannot train on ${dataset.name} as a step takes ${count} questions: current size is ${dataset.size}`,
    );
  }
  const [epoch, at] = [Math.floor(step / stepsPerEpoch), step % stepsPerEpoch];
  const order = shuffle(
    Array.from({ length: dataset.size }, (_, index) => index),
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

/** Mean of numbers; NaN of none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
