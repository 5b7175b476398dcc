/**
 * What k graded samples per question say of a policy: avg@k, pass@k, maj@k and how sure we are.
 *
 * Every function takes plain numbers, rows are questions and columns are samples. The samples of
 * one question are not independent evidence (its difficulty is shared), so every error here counts
 * questions, never samples.
 *
 * @module
 */
import { randomInteger, randomSeeded } from "../random.ts";

/** A mean over questions and how far it may be from the mean over all such questions. */
export interface Estimate {
  /** Mean over questions. */
  readonly mean: number;
  /** Standard error of the mean, clustered by question; null for a single question. */
  readonly standardError: number | null;
}

/** The two ends of an interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Checks that there is a question, a sample, and the same number of samples for each. */
function checkSamples(correct: readonly (readonly boolean[])[]): void {
  const k = correct[0]?.length ?? 0;
  if (k === 0) {
    throw new RangeError(
      "Cannot average samples as there must be a question with a sample: current value is none",
    );
  }
  const ragged = correct.find((samples) => samples.length !== k);
  if (ragged !== undefined) {
    throw new TypeError(
      `Cannot average samples as every question must have ${k}: current value is ${ragged.length}`,
    );
  }
}

/** Share of the samples of one question that are right. */
function accuracyOf(samples: readonly boolean[]): number {
  return samples.filter((right) => right).length / samples.length;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * avg@k: the mean over questions of the share of samples that are right.
 *
 * @param correct `[questions, k]`, whether each sample is right.
 * @returns The mean, and as its standard error the deviation of the questions' accuracies (divisor
 * n − 1) over √n. Treating the n·k samples as independent instead would understate it.
 * @throws {RangeError} When there is no question or no sample.
 * @throws {TypeError} When questions differ in their number of samples.
 *
 * @example Two questions, one always right and one right half of the time
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { averageAtK } from "./metrics.ts";
 *
 * // mean (1 + 0.5) / 2; deviation sqrt((0.25² + 0.25²) / 1), over sqrt(2) = 0.25
 * const { mean, standardError } = averageAtK([[true, true], [true, false]]);
 * assertEquals(mean, 0.75);
 * assertEquals(standardError?.toFixed(12), "0.250000000000");
 * ```
 */
export function averageAtK(correct: readonly (readonly boolean[])[]): Estimate {
  checkSamples(correct);
  const accuracies = correct.map(accuracyOf); // [questions]
  const mean = meanOf(accuracies);
  const n = accuracies.length;
  if (n === 1) return { mean, standardError: null }; // one question says nothing of the others
  const squares = accuracies.reduce((sum, accuracy) => sum + (accuracy - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (n - 1) / n) };
}

/**
 * pass@k: the chance that at least one of k samples is right, estimated without bias from n ≥ k
 * samples of which c are right: 1 − C(n−c, k) / C(n, k) (arXiv:2107.03374, eq. 1), as the product
 * of (1 − k/i) over i = n−c+1..n, which never overflows.
 *
 * `1 − (1 − c/n)^k` would be biased low, and the best of k samples drawn with replacement from n
 * is another quantity: with n = k the answer must be exactly 1 as soon as one sample is right.
 *
 * @param n Samples drawn, at least k.
 * @param c Samples that are right, in `[0, n]`.
 * @param k Samples allowed, at least 1.
 * @throws {RangeError} When a count is not whole or out of its range.
 *
 * @example The best of four is right when any of the four is
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { passAtK } from "./metrics.ts";
 *
 * assertEquals(passAtK(4, 1, 4), 1);
 * assertEquals(passAtK(4, 1, 1), 0.25);
 * assertEquals(passAtK(4, 0, 4), 0);
 * ```
 */
export function passAtK(n: number, c: number, k: number): number {
  for (const [name, value, low] of [["n", n, 1], ["c", c, 0], ["k", k, 1]] as const) {
    if (!Number.isSafeInteger(value) || value < low) {
      throw new RangeError(
        `Cannot estimate pass@k as ${name} must be a whole number >= ${low}: current value is ${value}`,
      );
    }
  }
  if (c > n || k > n) {
    throw new RangeError(
      `Cannot estimate pass@k as c and k must be <= n = ${n}: current value is c = ${c}, k = ${k}`,
    );
  }
  if (n - c < k) return 1; // any k samples hold a right one
  let failure = 1;
  for (let i = n - c + 1; i <= n; i++) failure *= 1 - k / i;
  return 1 - failure;
}

/**
 * The mean over questions of {@linkcode passAtK}, from all the samples there are.
 *
 * @param correct `[questions, n]` with n ≥ k, whether each sample is right.
 * @param k Samples allowed.
 * @throws {RangeError} When there is no question or sample, or k is not in `[1, n]`.
 * @throws {TypeError} When questions differ in their number of samples.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { meanPassAtK } from "./metrics.ts";
 *
 * const correct = [[false, false, true, false], [false, false, false, false]];
 * assertEquals(meanPassAtK(correct, 4), 0.5); // one of two questions is ever solved
 * assertEquals(meanPassAtK(correct, 1), 0.125); // and avg@k is pass@1
 * ```
 */
export function meanPassAtK(correct: readonly (readonly boolean[])[], k: number): number {
  checkSamples(correct);
  return meanOf(
    correct.map((samples) => passAtK(samples.length, samples.filter((r) => r).length, k)),
  );
}

/**
 * maj@k of one question: whether the answer that most of its k samples give is right
 * (self-consistency, arXiv:2203.11171).
 *
 * Samples without an answer do not vote. Among answers tied for the most votes one would be drawn,
 * so a tie counts its expected value: two tied answers, one of them right, give 0.5. Answers are
 * compared as texts: bring equal ones to one form ("1/2", "0.5") first.
 *
 * @param answers `[k]`, the answer extracted from each sample; undefined when there was none.
 * @param correct `[k]`, whether each sample is right.
 * @returns Expected correctness in `[0, 1]`; 0 when no sample has an answer.
 * @throws {RangeError} When there is no sample.
 * @throws {TypeError} When the two lists differ in length.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { majorityAtK } from "./metrics.ts";
 *
 * assertEquals(majorityAtK(["7", "7", "8"], [true, true, false]), 1);
 * assertEquals(majorityAtK(["7", "8", undefined], [true, false, false]), 0.5); // a tie
 * ```
 */
export function majorityAtK(
  answers: readonly (string | undefined)[],
  correct: readonly boolean[],
): number {
  if (answers.length === 0) {
    throw new RangeError(
      "Cannot take a majority as there must be a sample: current value is none",
    );
  }
  if (answers.length !== correct.length) {
    throw new TypeError(
      `Cannot take a majority as ${answers.length} answers need as many grades: current value is ${correct.length}`,
    );
  }
  const grades = new Map<string, boolean[]>(); // of the samples that give each answer
  answers.forEach((answer, i) => {
    if (answer !== undefined) grades.set(answer, [...grades.get(answer) ?? [], correct[i]!]);
  });
  const votes = Math.max(0, ...[...grades.values()].map((group) => group.length));
  const tied = [...grades.values()].filter((group) => group.length === votes);
  return tied.length === 0 ? 0 : meanOf(tied.map(accuracyOf));
}

/** Settings of {@linkcode bootstrapInterval}. */
export interface BootstrapOptions {
  /** Times the values are drawn again; 2,000 unless said. */
  readonly resamples?: number;
  /** Seed of the draws; 0 unless said. */
  readonly seed?: number;
  /** Share of the resampled means inside the interval, in `(0, 1)`; 0.95 unless said. */
  readonly level?: number;
}

/**
 * A percentile bootstrap interval of the mean: draw as many values with replacement, take their
 * mean, repeat; the interval holds the middle `level` of those means (Efron 1979).
 *
 * Pass one value per question (its accuracy, or the difference between two policies on it), not
 * one per sample. With fewer than about 20 values percentile intervals are too narrow.
 *
 * @param values `[questions]`, finite.
 * @returns Percentiles of the resampled means, interpolated linearly between neighbours.
 * @throws {RangeError} When a value or an option is out of its range.
 *
 * @example The same seed gives the same interval
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { bootstrapInterval } from "./metrics.ts";
 *
 * const accuracies = [0, 0.25, 0.5, 0.5, 0.75, 1];
 * const { low, high } = bootstrapInterval(accuracies, { seed: 1 });
 * assert(low > 0 && low < 0.5 && high > 0.5 && high < 1);
 * assertEquals(bootstrapInterval(accuracies, { seed: 1 }), { low, high });
 * ```
 */
export function bootstrapInterval(
  values: readonly number[],
  options: BootstrapOptions = {},
): Interval {
  if (values.length === 0 || !values.every(Number.isFinite)) {
    throw new RangeError(
      `Cannot bootstrap a mean as it needs finite values: current value is [${values}]`,
    );
  }
  const prng = randomSeeded(options.seed ?? 0, "bootstrap");
  return resampledInterval(options, () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[randomInteger(prng, 0, values.length)]!;
    return sum / values.length;
  });
}

/**
 * The interval that holds the middle `level` of resampled values.
 *
 * @param resample Draws the data again and tells what is estimated; called `resamples` times.
 * @throws {RangeError} When an option is out of its range.
 */
export function resampledInterval(
  { resamples = 2000, level = 0.95 }: BootstrapOptions,
  resample: () => number,
): Interval {
  if (!Number.isSafeInteger(resamples) || resamples < 1) {
    throw new RangeError(
      `Cannot bootstrap a mean as resamples must be a whole number >= 1: current value is ${resamples}`,
    );
  }
  if (!(level > 0 && level < 1)) {
    throw new RangeError(
      `Cannot bootstrap a mean as level must be in (0, 1): current value is ${level}`,
    );
  }
  const sorted = Float64Array.from({ length: resamples }, resample).sort(); // as numbers
  return { low: percentile(sorted, (1 - level) / 2), high: percentile(sorted, (1 + level) / 2) };
}

/** The value below which `share` of the sorted values lie, between neighbours by a line. */
function percentile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!, high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (position - below) * (high - low);
}
