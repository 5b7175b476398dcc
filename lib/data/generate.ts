/**
 * Virtual lists of generated questions: item `index` is a pure function of the options and
 * `index`, so nothing is stored and any slice can be made again.
 *
 * @module
 */
import { type Prng, randomSeeded } from "../random.ts";
import {
  checkIndex,
  type Dataset,
  type Question,
  type Reward,
  type Split,
  splitOf,
} from "./question.ts";

/** Options that every generated dataset takes. */
export interface GenerateOptions {
  /** How many questions the dataset holds; at least 1. */
  readonly size?: number;
  /** Names the random streams; whole and >= 0. */
  readonly seed?: number;
  /** Which part of the question space to draw from; no two parts share a prompt. */
  readonly split?: Split;
}

/** A question less its id and prompt. */
export type QuestionBody = Omit<Question, "id" | "prompt">;

/** A drawn prompt, and the rest of its question for when the prompt is kept. */
export interface Draft {
  readonly prompt: string;
  /** Works out the rest; called only for a prompt in the wanted split. */
  complete(): QuestionBody;
}

/** What {@linkcode generate} makes a dataset from. */
export interface Recipe extends Required<GenerateOptions> {
  /** The kind of question, such as `addition`; opens the name and the random streams. */
  readonly family: string;
  /** What sets this dataset apart inside its family, such as its number of digits. */
  readonly variant: string | number;
  /** Draws a candidate, or nothing when the numbers drawn do not make a question. */
  draw(prng: Prng): Draft | undefined;
  /** The verifier, see {@linkcode Dataset}. */
  reward(question: Question, completion: string): Reward;
}

/** Draws for one question before its options count as leaving none. */
const MOST_ATTEMPTS = 10_000;

/**
 * A dataset that draws candidates until one lies in the wanted split.
 *
 * The split is decided by the prompt ({@linkcode splitOf}), so it holds across seeds, sizes and
 * all other options of a family.
 *
 * @throws {RangeError} When an option is out of range, or the options leave no question.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { randomInteger } from "../random.ts";
 * import { markedAnswerReward } from "./answer_reward.ts";
 * import { generate } from "./generate.ts";
 * import { splitOf } from "./question.ts";
 *
 * const successors = generate({
 *   family: "successor",
 *   variant: 100,
 *   size: 8,
 *   seed: 1,
 *   split: "validation",
 *   draw(prng) {
 *     const n = randomInteger(prng, 0, 100);
 *     return { prompt: `${n}+1=`, complete: () => ({ answer: String(n + 1) }) };
 *   },
 *   reward: markedAnswerReward,
 * });
 *
 * assertEquals(successors.name, "successor-100-validation");
 * assertEquals(successors.question(3), successors.question(3));
 * assertEquals(splitOf(successors.question(3).prompt), "validation");
 * ```
 */
export function generate(recipe: Recipe): Dataset {
  const { family, variant, size, seed, split, draw, reward } = recipe;
  checkOption(family, "size", size, 1, Number.MAX_SAFE_INTEGER);
  checkOption(family, "seed", seed, 0, Number.MAX_SAFE_INTEGER);
  if (!["train", "validation", "ood"].includes(split)) {
    throw new RangeError(
      `Cannot generate ${family} as split must be train, validation or ood: current value is ${split}`,
    );
  }
  const name = `${family}-${variant}-${split}`;

  function question(index: number): Question {
    checkIndex(index, size);
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const draft = draw(randomSeeded(seed, family, split, index, attempt));
      if (draft !== undefined && splitOf(draft.prompt) === split) {
        return { id: String(index), prompt: draft.prompt, ...draft.complete() };
      }
    }
    throw new RangeError(
      `Cannot generate ${name} as its options must leave a question to ask: current value is 0 found in ${MOST_ATTEMPTS} draws`,
    );
  }

  question(0); // fails here rather than in the middle of a run when nothing can be asked
  return { name, size, question, reward };
}

/**
 * Checks an option of a generated dataset.
 *
 * @throws {RangeError} When `value` is not a whole number in `[low, high]`.
 *
 * @example Usage
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { checkOption } from "./generate.ts";
 *
 * checkOption("addition", "digits", 2, 1, 12);
 * assertThrows(() => checkOption("addition", "digits", 0, 1, 12), RangeError, "digits");
 * ```
 */
export function checkOption(
  family: string,
  option: string,
  value: number,
  low: number,
  high: number,
): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(
      `Cannot generate ${family} as ${option} must be a whole number in [${low}, ${high}]: current value is ${value}`,
    );
  }
}
