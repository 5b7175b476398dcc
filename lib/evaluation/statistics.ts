/**
 * Comparisons of methods that were each trained from several seeds and evaluated on the same
 * questions: intervals that know both sources of luck, a test over runs, a correction for many
 * tests.
 *
 * Two things vary in `accuracy[seed][question]`: the run (its seed decides order, sampling and so
 * what was learned) and the questions that happened to be asked. Samples of one question by one run
 * are averaged before: they are no evidence of their own.
 *
 * @module
 */
import { randomInteger, randomSeeded, shuffle } from "../random.ts";
import { type BootstrapOptions, type Interval, resampledInterval } from "./metrics.ts";

/**
 * Accuracies of one method: `[seeds, questions]`, the share of a question's samples that one run
 * got right.
 */
export type AccuracyTable = readonly (readonly number[])[];

/** A mean and its interval. */
export interface IntervalEstimate extends Interval {
  readonly mean: number;
}

/** Settings of {@linkcode twoWayDifference}. */
export interface DifferenceOptions extends BootstrapOptions {
  /**
   * Whether row i of both tables is of the same seed, so that both are drawn together; true unless
   * said. Tables of different numbers of rows need `false`.
   */
  readonly pairedSeeds?: boolean;
}

/** What {@linkcode permutationTest} found. */
export interface PermutationResult {
  /** Mean of the first minus mean of the second. */
  readonly difference: number;
  /** Two-sided p-value, in `(0, 1]`. */
  readonly p: number;
  /** Relabelings looked at. */
  readonly relabelings: number;
  /** Whether these were all there are. */
  readonly exact: boolean;
}

/** Settings of {@linkcode permutationTest}. */
export interface PermutationOptions {
  /** Most relabelings that are all tried; 20,000 unless said. Beyond, as many are drawn. */
  readonly most?: number;
  /** Seed of the draws; 0 unless said. */
  readonly seed?: number;
}

/**
 * A percentile bootstrap interval of a method's mean accuracy over seeds and questions: seeds and
 * questions are drawn anew, each with replacement, and every drawn run answers every drawn question
 * (Owen, "The pigeonhole bootstrap", 2007, arXiv:0712.1111).
 *
 * It speaks of new seeds and new questions. The luck of single answers is counted up to three
 * times, so it errs to the wide side where that luck is the largest part, and the luck of n seeds as
 * (n - 1) / n of what it is, so it errs to the narrow side where that is the largest part and n is
 * small: with 5 seeds and nothing else varying it holds the truth 83 % of the time, not 95 %. With
 * one seed it speaks of questions alone.
 *
 * @param table `[seeds, questions]`, finite.
 * @throws {RangeError} When it is empty, a value is not finite or an option is out of range.
 * @throws {TypeError} When runs differ in their number of questions.
 *
 * @example Two seeds on three questions
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { twoWayInterval } from "./statistics.ts";
 *
 * const { mean, low, high } = twoWayInterval([[1, 0.5, 0], [1, 1, 0.25]]);
 * assertEquals(mean, 0.625);
 * assert(0 <= low && low < mean && mean < high && high <= 1);
 * ```
 */
export function twoWayInterval(
  table: AccuracyTable,
  options: BootstrapOptions = {},
): IntervalEstimate {
  const [seeds, questions] = sizesOf(table);
  return bootstrap(options, (draw) => {
    const seedsDrawn = draw(seeds), questionsDrawn = draw(questions);
    return weightedMean(table, seedsDrawn, questionsDrawn);
  }, weightedMean(table, ones(seeds), ones(questions)));
}

/**
 * The same interval of the difference of two methods' means, first minus second. Both are always
 * asked the same drawn questions, so what makes questions hard cancels.
 *
 * @param first `[seeds, questions]`.
 * @param second `[seeds, questions]`, columns the same questions in the same order.
 * @throws {RangeError} As {@linkcode twoWayInterval}.
 * @throws {TypeError} When the tables differ in questions, or in seeds that are to be paired.
 *
 * @example A method that is better by 0.25 on every question, whatever is drawn
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { twoWayDifference } from "./statistics.ts";
 *
 * const rl = [[0, 0.5], [0.25, 0.5]];
 * const relift = [[0.25, 0.75], [0.5, 0.75]];
 * assertEquals(twoWayDifference(relift, rl), { mean: 0.25, low: 0.25, high: 0.25 });
 * ```
 */
export function twoWayDifference(
  first: AccuracyTable,
  second: AccuracyTable,
  options: DifferenceOptions = {},
): IntervalEstimate {
  const { pairedSeeds = true, ...bootstrapOptions } = options;
  const [firstSeeds, questions] = sizesOf(first);
  const [secondSeeds, others] = sizesOf(second);
  if (others !== questions) {
    throw new TypeError(
      `Cannot compare methods as both need the same ${questions} questions: current value is ${others}`,
    );
  }
  if (pairedSeeds && firstSeeds !== secondSeeds) {
    throw new TypeError(
      `Cannot pair seeds as both methods need ${firstSeeds}: current value is ${secondSeeds}`,
    );
  }
  const between = (seeds: Counts, otherSeeds: Counts, asked: Counts): number =>
    weightedMean(first, seeds, asked) - weightedMean(second, otherSeeds, asked);
  return bootstrap(bootstrapOptions, (draw) => {
    const seeds = draw(firstSeeds);
    return between(seeds, pairedSeeds ? seeds : draw(secondSeeds), draw(questions));
  }, between(ones(firstSeeds), ones(secondSeeds), ones(questions)));
}

/** How often each row or column is drawn; sums to their number. */
type Counts = Uint16Array;

function ones(size: number): Counts {
  return new Uint16Array(size).fill(1);
}

/** Seeds and questions of a table, checked. */
function sizesOf(table: AccuracyTable): readonly [number, number] {
  const questions = table[0]?.length ?? 0;
  if (questions === 0) {
    throw new RangeError(
      "Cannot compare runs as there must be a run with a question: current value is none",
    );
  }
  for (const run of table) {
    if (run.length !== questions) {
      throw new TypeError(
        `Cannot compare runs as each needs ${questions} questions: current value is ${run.length}`,
      );
    }
    const wrong = run.find((value) => !Number.isFinite(value));
    if (wrong !== undefined) {
      throw new RangeError(
        `Cannot compare runs as accuracies must be finite: current value is ${wrong}`,
      );
    }
  }
  return [table.length, questions];
}

/** Mean of a table whose rows and columns count as often as they were drawn. */
function weightedMean(table: AccuracyTable, seeds: Counts, questions: Counts): number {
  let sum = 0;
  for (let i = 0; i < seeds.length; i++) {
    if (seeds[i] === 0) continue;
    const run = table[i]!;
    let ofRun = 0;
    for (let j = 0; j < questions.length; j++) ofRun += questions[j]! * run[j]!;
    sum += seeds[i]! * ofRun;
  }
  return sum / (seeds.length * questions.length);
}

/** The mean and the interval of what `resample` gives, whose `draw` draws with replacement. */
function bootstrap(
  options: BootstrapOptions,
  resample: (draw: (size: number) => Counts) => number,
  mean: number,
): IntervalEstimate {
  const prng = randomSeeded(options.seed ?? 0, "two-way bootstrap");
  const draw = (size: number): Counts => {
    const counts = new Uint16Array(size);
    for (let i = 0; i < size; i++) counts[randomInteger(prng, 0, size)]!++;
    return counts;
  };
  return { mean, ...resampledInterval(options, () => resample(draw)) };
}

/**
 * Tests whether two methods differ in the mean of their runs, by permuting the labels of runs.
 *
 * H0: the method's name says nothing of a run's result, each run could as well have come from the
 * other. p is the share of the C(n + m, n) ways of naming n of the runs `first` whose means differ
 * by at least as much as they do, in either direction; the names as they are count among them, so
 * the smallest p with 5 + 5 runs is 2/252 = 0.008 (with 3 + 3 it is 2/20 = 0.1: never significant).
 * With more ways than `most`, as many are drawn and p = (b + 1) / (most + 1).
 *
 * The unit is the run, never the question: a method is applied once per run, and the questions one
 * run gets right share its luck. A test over 240 questions would call two seeds of the same method
 * different (pseudo-replication).
 *
 * Runs of equal seed share the order of questions, but that tie is weak, and flipping signs of 5
 * paired differences cannot give p < 2/32 = 0.06. Labels are therefore permuted over all runs;
 * where the tie is not weak that is conservative.
 *
 * @param first One mean accuracy per run.
 * @param second The same for the other method; may differ in number.
 * @throws {RangeError} When a list is empty or a value is not finite.
 *
 * @example Three runs each, fully apart: 2 of 20 relabelings are as extreme
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { permutationTest } from "./statistics.ts";
 *
 * const { p, relabelings, exact } = permutationTest([0.8, 0.82, 0.85], [0.5, 0.6, 0.55]);
 * assertEquals({ p, relabelings, exact }, { p: 0.1, relabelings: 20, exact: true });
 * ```
 */
export function permutationTest(
  first: readonly number[],
  second: readonly number[],
  { most = 20_000, seed = 0 }: PermutationOptions = {},
): PermutationResult {
  const runs = [...first, ...second];
  if (first.length === 0 || second.length === 0 || !runs.every(Number.isFinite)) {
    throw new RangeError(
      `Cannot compare runs as both methods need finite accuracies: current value is [${first}] and [${second}]`,
    );
  }
  const total = runs.reduce((sum, value) => sum + value, 0);
  const differenceOf = (sumOfFirst: number): number =>
    sumOfFirst / first.length - (total - sumOfFirst) / second.length;
  const difference = differenceOf(first.reduce((sum, value) => sum + value, 0));
  const scale = Math.max(...runs.map(Math.abs), Number.MIN_VALUE);
  const least = Math.abs(difference) - 1e-12 * scale; // equal sums in another order are equal
  const isAsExtreme = (sumOfFirst: number): boolean => Math.abs(differenceOf(sumOfFirst)) >= least;

  const ways = combinations(runs.length, first.length);
  if (ways <= most) {
    const sums = subsetSums(runs, first.length);
    const extreme = sums.filter(isAsExtreme).length;
    return { difference, p: extreme / sums.length, relabelings: sums.length, exact: true };
  }
  const prng = randomSeeded(seed, "permutation test");
  let extreme = 0;
  for (let i = 0; i < most; i++) {
    const relabeled = shuffle(runs, prng).slice(0, first.length);
    if (isAsExtreme(relabeled.reduce((sum, value) => sum + value, 0))) extreme++;
  }
  return { difference, p: (extreme + 1) / (most + 1), relabelings: most, exact: false };
}

/** C(n, k), ways of choosing k of n things; 0 when k > n. Exact as long as a double is. */
export function combinations(n: number, k: number): number {
  if (k > n) return 0;
  let ways = 1;
  for (let i = 1; i <= k; i++) ways = ways * (n - k + i) / i; // whole after every factor
  return ways;
}

/** The sum of each choice of `size` of the values. */
function subsetSums(values: readonly number[], size: number): number[] {
  if (size === 0) return [0];
  if (size > values.length) return [];
  const [head, ...rest] = values;
  return [
    ...subsetSums(rest, size - 1).map((sum) => head! + sum),
    ...subsetSums(rest, size),
  ];
}

/**
 * Holm's step-down correction of the p-values of several tests, so that the chance of any false
 * finding among them stays below the level they are compared with (Holm 1979).
 *
 * The i-th smallest of m, from 0, is multiplied by m - i; then each is at least its predecessor and
 * at most 1. The exact test of 5 + 5 runs cannot give less than 2/252, so of a family of more than 6
 * such tests none can come out below 0.05: choose families beforehand, and small.
 *
 * @param pValues In `[0, 1]`.
 * @returns Adjusted p-values, in the order given.
 * @throws {RangeError} When one is not in `[0, 1]`.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { holm } from "./statistics.ts";
 *
 * // sorted: 0.01 × 3, 0.03 × 2, then 0.04 × 1 raised to its predecessor
 * assertEquals(holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06]);
 * ```
 */
export function holm(pValues: readonly number[]): number[] {
  const wrong = pValues.find((p) => !(p >= 0 && p <= 1));
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot correct p-values as each must be in [0, 1]: current value is ${wrong}`,
    );
  }
  const adjusted = pValues.map(() => 0);
  let previous = 0;
  [...pValues.keys()].sort((a, b) => pValues[a]! - pValues[b]!).forEach((index, rank) => {
    previous = Math.min(1, Math.max(previous, pValues[index]! * (pValues.length - rank)));
    adjusted[index] = previous;
  });
  return adjusted;
}
