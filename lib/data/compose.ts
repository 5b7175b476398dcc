/**
 * Datasets made of other datasets. None copies a question: each is a list of places to look.
 *
 * @module
 */
import { randomInteger, randomSeeded, shuffle } from "../random.ts";
import { checkIndex, type Dataset, type Question, type Reward } from "./question.ts";

/**
 * The questions from `start` up to and without `end`.
 *
 * @param start Whole and >= 0.
 * @param end Above `start` and at most the dataset's size.
 * @throws {RangeError} When the bounds are not in that order.
 *
 * @example Usage
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { markedAnswerReward } from "./answer_reward.ts";
 * import { slice } from "./compose.ts";
 *
 * const dataset = {
 *   name: "squares",
 *   size: 100,
 *   question: (n: number) => ({ id: `${n}`, prompt: `${n}*${n}=`, answer: `${n * n}` }),
 *   reward: markedAnswerReward,
 * };
 * const held = slice(dataset, 90, 100);
 * assertEquals(held.size, 10);
 * assertEquals(held.question(0), dataset.question(90));
 * assertThrows(() => slice(dataset, 90, 101), RangeError);
 * ```
 */
export function slice(dataset: Dataset, start: number, end: number): Dataset {
  const whole = Number.isInteger(start) && Number.isInteger(end);
  if (!whole || start < 0 || end <= start || end > dataset.size) {
    throw new RangeError(
      `Cannot slice ${dataset.name} as its bounds must keep 0 <= start < end <= ${dataset.size}: current value is [${start}, ${end})`,
    );
  }
  return {
    name: `${dataset.name}-from-${start}-to-${end}`,
    size: end - start,
    question(index): Question {
      checkIndex(index, end - start);
      return dataset.question(start + index);
    },
    reward: (question, completion) => dataset.reward(question, completion),
  };
}

/**
 * The questions at `indices`, in that order.
 *
 * @param indices `[size]`, each in `[0, dataset.size)` and none twice.
 * @param name Shown in logs; two subsets of one dataset need different names to be mixed.
 * @throws {RangeError} When there are no indices, or one is outside the dataset or repeated.
 *
 * @example Usage
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { markedAnswerReward } from "./answer_reward.ts";
 * import { subset } from "./compose.ts";
 *
 * const dataset = {
 *   name: "squares",
 *   size: 100,
 *   question: (n: number) => ({ id: `${n}`, prompt: `${n}*${n}=`, answer: `${n * n}` }),
 *   reward: markedAnswerReward,
 * };
 * assertEquals(subset(dataset, [7, 3]).question(1), dataset.question(3));
 * assertThrows(() => subset(dataset, [7, 7]), RangeError);
 * ```
 */
export function subset(
  dataset: Dataset,
  indices: readonly number[],
  name = `${dataset.name}-subset`,
): Dataset {
  if (indices.length === 0) {
    throw new RangeError(
      `Cannot take a subset of ${dataset.name} as it must hold a question: current value is no indices`,
    );
  }
  const chosen = [...indices]; // the caller's list may change
  const seen = new Set<number>();
  for (const index of chosen) {
    checkIndex(index, dataset.size);
    if (seen.has(index)) {
      throw new RangeError(
        `Cannot take a subset of ${dataset.name} as its indices must differ: current value is ${index} twice`,
      );
    }
    seen.add(index);
  }
  return {
    name,
    size: chosen.length,
    question(index): Question {
      checkIndex(index, chosen.length);
      return dataset.question(chosen[index]!);
    },
    reward: (question, completion) => dataset.reward(question, completion),
  };
}

/** One dataset of a {@linkcode mixture}. */
export interface MixturePart {
  readonly dataset: Dataset;
  /** Its share of the questions, relative to the other weights; above 0. */
  readonly weight: number;
}

/** Options of {@linkcode mixture}. */
export interface MixtureOptions {
  /** How many questions; unless told, as many as the parts can give in their shares. */
  readonly size?: number;
  /** Decides which questions and in what order; whole and >= 0; 1 unless told. */
  readonly seed?: number;
  /** Shown in logs; the names of the parts joined by `+` unless told. */
  readonly name?: string;
}

/**
 * Questions of several datasets in random order, each dataset in its share (to the nearest whole
 * question) and no question twice.
 *
 * An id is the dataset's name, `/` and the id there; it sends a completion to the right verifier.
 *
 * @throws {RangeError} When there is no part, a weight is not above 0, one dataset's name with a
 * `/` after it opens another's, or a dataset holds too few questions for its share.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { markedAnswerReward } from "./answer_reward.ts";
 * import { mixture } from "./compose.ts";
 * import { questionsOf } from "./question.ts";
 *
 * const question = (n: number) => ({ id: `${n}`, prompt: `${n}*${n}=`, answer: `${n * n}` });
 * const squares = { name: "squares", size: 100, question, reward: markedAnswerReward };
 * const more = { ...squares, name: "more" };
 * const mixed = mixture([
 *   { dataset: squares, weight: 3 },
 *   { dataset: more, weight: 1 },
 * ], { size: 40 });
 *
 * assertEquals(questionsOf(mixed).filter(({ id }) => id.startsWith("squares/")).length, 30);
 * ```
 */
export function mixture(parts: readonly MixturePart[], options: MixtureOptions = {}): Dataset {
  checkParts(parts);
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const largest = Math.min(...parts.map(({ dataset, weight }) => dataset.size * total / weight));
  const { size = Math.floor(largest * (1 + Number.EPSILON)), seed = 1 } = options;
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new RangeError(
      `Cannot mix datasets as size must be a whole number >= 1: current value is ${size}`,
    );
  }
  const counts = shares(parts.map(({ weight }) => weight / total), size);
  const places = shuffle(
    parts.flatMap(({ dataset }, part) => {
      if (counts[part]! > dataset.size) {
        throw new RangeError(
          `Cannot mix datasets as ${dataset.name} must hold ${
            counts[part]
          } questions for its share of ${size}: current value is ${dataset.size}`,
        );
      }
      const prng = randomSeeded(seed, "mixture", "questions", part);
      return sampleIndices(dataset.size, counts[part]!, prng).map((index) => ({ dataset, index }));
    }),
    randomSeeded(seed, "mixture", "order"),
  );
  return {
    name: options.name ?? parts.map(({ dataset }) => dataset.name).join("+"),
    size,
    question(index): Question {
      checkIndex(index, size);
      const place = places[index]!;
      const question = place.dataset.question(place.index);
      return { ...question, id: `${place.dataset.name}/${question.id}` };
    },
    reward(question, completion): Reward | Promise<Reward> {
      const { dataset, id } = sourceOf(parts, question);
      return dataset.reward({ ...question, id }, completion);
    },
  };
}

function checkParts(parts: readonly MixturePart[]): void {
  if (parts.length === 0) {
    throw new RangeError("Cannot mix datasets as there must be one: current value is none");
  }
  for (const [i, { dataset, weight }] of parts.entries()) {
    if (!(weight > 0 && weight < Infinity)) {
      throw new RangeError(
        `Cannot mix datasets as the weight of ${dataset.name} must be finite and > 0: current value is ${weight}`,
      );
    }
    const other = parts.find((part, j) =>
      j !== i && `${part.dataset.name}/`.startsWith(`${dataset.name}/`)
    );
    if (other) { // an id would not tell which of the two it came from
      throw new RangeError(
        `Cannot mix datasets as their names must tell ids apart: current value is ${dataset.name} beside ${other.dataset.name}`,
      );
    }
  }
}

/** The dataset a mixed question came from and its id there. */
function sourceOf(
  parts: readonly MixturePart[],
  question: Question,
): { dataset: Dataset; id: string } {
  const part = parts.find(({ dataset }) => question.id.startsWith(`${dataset.name}/`));
  if (!part) {
    throw new RangeError(
      `Cannot grade in a mixture as the id must open with the name of one of its datasets: current value is ${question.id}`,
    );
  }
  return { dataset: part.dataset, id: question.id.slice(part.dataset.name.length + 1) };
}

/** Whole numbers nearest to `fractions` of `size` that add up to it (largest remainders first). */
function shares(fractions: readonly number[], size: number): number[] {
  const counts = fractions.map((fraction) => Math.floor(fraction * size));
  const byRemainder = fractions.map((fraction, i) => ({ i, left: fraction * size - counts[i]! }))
    .sort((a, b) => b.left - a.left || a.i - b.i);
  const missing = size - counts.reduce((sum, count) => sum + count, 0);
  for (const { i } of byRemainder.slice(0, missing)) counts[i]!++;
  return counts;
}

/**
 * `count` different indices below `size`: Fisher–Yates that remembers only the places it has
 * moved, as a generated dataset may be far larger than what is taken of it.
 */
function sampleIndices(size: number, count: number, prng: () => number): number[] {
  const moved = new Map<number, number>();
  return Array.from({ length: count }, (_, i) => {
    const j = randomInteger(prng, i, size);
    const chosen = moved.get(j) ?? j;
    moved.set(j, moved.get(i) ?? i);
    return chosen;
  });
}
