/**
 * Countdown, the numbers round of the television game: reach a target from given numbers.
 *
 * @module
 */
import { markedAnswer } from "../lib/data/answer_reward.ts";
import {
  checkOption,
  type Draft,
  generate,
  type GenerateOptions,
  type QuestionBody,
} from "../lib/data/generate.ts";
import { binaryReward, type Dataset, type Question, type Reward } from "../lib/data/question.ts";
import { type Prng, randomChoice, randomInteger, shuffle } from "../lib/random.ts";

/** Options of {@linkcode countdown}. */
export interface CountdownOptions extends GenerateOptions {
  /** How many numbers are given, in `[2, 5]`; the split `ood` gives one more. */
  readonly numbers?: number;
  /** The largest number given, in `[1, 100]`. */
  readonly maxNumber?: number;
}

/** No target and no result on the way to it is larger, which keeps demonstrations short. */
const LARGEST_RESULT = 999;

/**
 * Reach the target from the given numbers, largest first, by `+ - * /`, each number at most once
 * and every result on the way whole and >= 0: `25 7 4 3>88:`.
 *
 * A completion is right when it ends with `#` and an expression that keeps these rules; the work
 * before it is free. A demonstration is a shortest solution, found by search over pairs:
 * `25-3=22,22*4=88#(25-3)*4`. The kind tells its steps. Targets are made by playing forwards, so
 * each can be reached; none is among the given numbers.
 *
 * @param options `numbers` 4, `maxNumber` 25, `size` 1000, `seed` 1 and `split` train unless told.
 * @throws {RangeError} When an option is out of range, or the options leave no question.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { countdown } from "./countdown.ts";
 *
 * const dataset = countdown();
 * const question = { id: "0", prompt: "25 7 4 3>88:", answer: "88" };
 *
 * assertEquals((await dataset.reward(question, "25-3=22,22*4=88#(25-3)*4")).total, 1);
 * assertEquals((await dataset.reward(question, "#4*25-4*3")).total, 0); // uses 4 twice
 * assertEquals((await dataset.reward(question, "#88")).total, 0); // 88 is not given
 * ```
 */
export function countdown(options: CountdownOptions = {}): Dataset {
  const { numbers = 4, maxNumber = 25, size = 1000, seed = 1, split = "train" } = options;
  checkOption("countdown", "numbers", numbers, 2, 5);
  checkOption("countdown", "maxNumber", maxNumber, 1, 100);
  const count = split === "ood" ? numbers + 1 : numbers;
  return generate({
    family: "countdown",
    variant: `${numbers}-${maxNumber}`,
    size,
    seed,
    split,
    draw(prng): Draft | undefined {
      const given = Array.from({ length: count }, () => randomInteger(prng, 1, maxNumber + 1))
        .sort((a, b) => b - a); // one order, so that no split holds another's question reordered
      const target = reachableTarget(given, prng);
      if (target === undefined || given.includes(target)) return undefined;
      return {
        prompt: `${given.join(" ")}>${target}:`,
        complete(): QuestionBody {
          const { steps, expression } = solveCountdown(given, target)!;
          return {
            answer: String(target),
            demonstration: `${steps.join(",")}#${expression}`,
            metadata: { kind: `${steps.length} ${steps.length === 1 ? "step" : "steps"}` },
          };
        },
      };
    },
    reward: countdownReward,
  });
}

/** Combines random pairs until one number is left; nothing when a result grows too large. */
function reachableTarget(given: readonly number[], prng: Prng): number | undefined {
  let terms = given.map(numberTerm);
  while (terms.length > 1) {
    const [a, b, ...rest] = shuffle(terms, prng);
    const results = combinations(a!, b!);
    if (results.length === 0) return undefined;
    terms = [...rest, randomChoice(prng, results)];
  }
  return terms[0]!.value;
}

/** A number with the expression that made it. */
interface Term {
  readonly value: number;
  readonly expression: string;
  /** How tightly the expression binds: 1 for a sum, 2 for a product, 3 for a number. */
  readonly binding: 1 | 2 | 3;
  /** The step that made it; empty for a given number. */
  readonly step: string;
}

function numberTerm(value: number): Term {
  return { value, expression: String(value), binding: 3, step: "" };
}

/** What one operation makes of two terms, less what cannot help: 0, or one of the two again. */
function combinations(first: Term, second: Term): Term[] {
  const [a, b] = first.value >= second.value ? [first, second] : [second, first];
  const results: [string, number, 1 | 2][] = [["+", a.value + b.value, 1]];
  if (a.value - b.value !== b.value) results.push(["-", a.value - b.value, 1]);
  if (b.value > 1) {
    results.push(["*", a.value * b.value, 2]);
    const quotient = a.value / b.value;
    if (Number.isInteger(quotient) && quotient !== b.value) results.push(["/", quotient, 2]);
  }
  return results.filter(([, value]) => value > 0 && value <= LARGEST_RESULT)
    .map(([operator, value, binding]) => {
      const left = a.binding < binding ? `(${a.expression})` : a.expression;
      const right = b.binding > binding ? b.expression : `(${b.expression})`; // shows the steps
      return {
        value,
        expression: `${left}${operator}${right}`,
        binding,
        step: `${a.value}${operator}${b.value}=${value}`,
      };
    });
}

/** A way to reach a target. */
export interface CountdownSolution {
  /** One operation each, such as `25-3=22`. */
  readonly steps: readonly string[];
  /** All of it, such as `(25-3)*4`. */
  readonly expression: string;
}

/**
 * A solution with the fewest operations, or `undefined` when no results up to 999 lead to the
 * target.
 *
 * Tries one operation, then two, and so on, each on every pair of the numbers left.
 *
 * @param numbers Whole and >= 1.
 * @param target Whole and >= 1.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { solveCountdown } from "./countdown.ts";
 *
 * assertEquals(solveCountdown([25, 4, 3], 88), {
 *   steps: ["25-3=22", "22*4=88"],
 *   expression: "(25-3)*4",
 * });
 * assertEquals(solveCountdown([1, 1], 3), undefined);
 * ```
 */
export function solveCountdown(
  numbers: readonly number[],
  target: number,
): CountdownSolution | undefined {
  for (let operations = 1; operations < numbers.length; operations++) {
    const path = search(numbers.map(numberTerm), target, operations);
    if (path) return { steps: path.map((term) => term.step), expression: path.at(-1)!.expression };
  }
  return undefined;
}

/** The results, in order, of exactly `operations` operations of which the last gives the target. */
function search(terms: readonly Term[], target: number, operations: number): Term[] | undefined {
  for (let i = 0; i < terms.length; i++) {
    for (let j = i + 1; j < terms.length; j++) {
      const rest = terms.filter((_, k) => k !== i && k !== j);
      for (const result of combinations(terms[i]!, terms[j]!)) {
        if (operations === 1) {
          if (result.value === target) return [result];
          continue;
        }
        const path = search([...rest, result], target, operations - 1);
        if (path) return [result, ...path];
      }
    }
  }
  return undefined;
}

/** Judges the expression after the `#`; the part `format` tells whether there is one at all. */
function countdownReward(question: Question, completion: string): Reward {
  const match = /^(\d+(?: \d+)*)>\d+:$/.exec(question.prompt);
  if (!match) {
    throw new TypeError(
      `Cannot grade as countdown as the prompt must be like "25 7 4 3>88:": current value is ${
        JSON.stringify(question.prompt)
      }`,
    );
  }
  const answer = markedAnswer(completion);
  const evaluated = answer === undefined ? undefined : evaluateExpression(answer);
  if (evaluated === undefined) return binaryReward(false, { format: 0 });
  const left = match[1]!.split(" ").map(Number);
  const allGiven = evaluated.numbers.every((number) => {
    const place = left.indexOf(number);
    if (place >= 0) left.splice(place, 1);
    return place >= 0;
  });
  return binaryReward(allGiven && evaluated.value === Number(question.answer), { format: 1 });
}

/** Parentheses inside parentheses that {@linkcode evaluateExpression} follows. */
const DEEPEST_NESTING = 64;

/**
 * The value of an expression of whole numbers, `+ - * /` and parentheses, and the numbers in it.
 *
 * A recursive-descent parser of the grammar
 * `sum = product (("+" | "-") product)*`, `product = atom (("*" | "/") atom)*`,
 * `atom = number | "(" sum ")"`. There are no signs, blanks or leading zeros.
 *
 * @returns `undefined` for text outside the grammar, nesting deeper than 64, and a result on the way
 * that is negative, not whole or not exact in a double.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { evaluateExpression } from "./countdown.ts";
 *
 * assertEquals(evaluateExpression("(25-3)*4"), { value: 88, numbers: [25, 3, 4] });
 * assertEquals(evaluateExpression("7/2"), undefined);
 * assertEquals(evaluateExpression("7/(3-3)"), undefined);
 * ```
 */
export function evaluateExpression(text: string): { value: number; numbers: number[] } | undefined {
  const numbers: number[] = [];
  let at = 0; // the next character

  /** Operands joined by operators of one strength, from left to right. */
  function chain(
    operand: () => number | undefined,
    operators: Readonly<Record<string, (a: number, b: number) => number>>,
  ): number | undefined {
    let value = operand();
    while (value !== undefined && Object.hasOwn(operators, text[at] ?? "")) {
      const operator = operators[text[at++]!]!;
      const right = operand();
      value = right === undefined ? undefined : operator(value, right);
      if (!Number.isSafeInteger(value) || value! < 0) return undefined;
    }
    return value;
  }

  function sum(depth: number): number | undefined {
    return chain(() => product(depth), { "+": (a, b) => a + b, "-": (a, b) => a - b });
  }

  function product(depth: number): number | undefined {
    return chain(() => atom(depth), { "*": (a, b) => a * b, "/": (a, b) => a / b });
  }

  function atom(depth: number): number | undefined {
    if (text[at] === "(") {
      if (depth === DEEPEST_NESTING) return undefined;
      at++;
      const value = sum(depth + 1);
      return text[at++] === ")" ? value : undefined;
    }
    const digits = /(?:0|[1-9]\d{0,14})(?!\d)/y; // 15 digits are exact in a double
    digits.lastIndex = at;
    const number = digits.exec(text)?.[0];
    if (number === undefined) return undefined;
    at += number.length;
    numbers.push(Number(number));
    return Number(number);
  }

  const value = sum(0);
  return value === undefined || at < text.length ? undefined : { value, numbers };
}
