/**
 * Verifiers that look only at how a completion ends: a strict one for generated questions and a
 * lenient one for files of one's own.
 *
 * @module
 */
import { binaryReward, type Question, type Reward } from "./question.ts";

/**
 * The answer of a completion in the form `work#answer`: what follows its only `#`.
 *
 * A second `#`, or a blank anywhere after it, spoils the form, so a policy cannot list guesses.
 *
 * @returns `undefined` when the completion does not have the form.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { markedAnswer } from "./answer_reward.ts";
 *
 * assertEquals(markedAnswer("7+5=12#12"), "12");
 * assertEquals(markedAnswer("it is 12"), undefined);
 * assertEquals(markedAnswer("#11#12"), undefined);
 * ```
 */
export function markedAnswer(completion: string): string | undefined {
  const mark = completion.indexOf("#");
  const answer = completion.slice(mark + 1);
  return mark < 0 || answer === "" || /[#\s]/.test(answer) ? undefined : answer;
}

/**
 * Full reward for a completion that ends with `#answer`, character by character, and 0 for any
 * other: text that merely contains the answer earns nothing.
 *
 * @returns Parts `format` (the completion has the form `work#answer`) and `correct`.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { markedAnswerReward } from "./answer_reward.ts";
 *
 * const question = { id: "0", prompt: "7+5=", answer: "12" };
 * assertEquals(markedAnswerReward(question, "7+5+0=12#12").total, 1);
 * assertEquals(markedAnswerReward(question, "#12 or so").total, 0);
 * ```
 */
export function markedAnswerReward(question: Question, completion: string): Reward {
  const answer = markedAnswer(completion);
  return binaryReward(answer === question.answer, { format: answer === undefined ? 0 : 1 });
}

/**
 * The answer of a free-form completion: what follows its last `#`, or all of it when it has none.
 *
 * @example The form of GSM8K and a bare answer
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { finalAnswer } from "./answer_reward.ts";
 *
 * assertEquals(finalAnswer("48/2=24, 48+24=72\n#### 72"), "72");
 * assertEquals(finalAnswer(" Paris "), "Paris");
 * ```
 */
export function finalAnswer(completion: string): string {
  return completion.slice(completion.lastIndexOf("#") + 1).trim();
}

/**
 * Whether two answers are the same text, blanks at the ends aside, or the same decimal number.
 *
 * Fractions, units, LaTeX and powers of ten are text here.
 *
 * @param gold The right answer.
 * @param given The answer to judge.
 *
 * @example Usage
 * ```ts
 * import { assert, assertFalse } from "@std/assert";
 * import { sameAnswer } from "./answer_reward.ts";
 *
 * assert(sameAnswer("4", "4.0"));
 * assert(sameAnswer("1000", "1,000"));
 * assertFalse(sameAnswer("1000", "1,00,0"));
 * assertFalse(sameAnswer("9007199254740993", "9007199254740992")); // equal as doubles
 * ```
 */
export function sameAnswer(gold: string, given: string): boolean {
  const [a, b] = [gold.trim(), given.trim()];
  if (a === b) return true;
  const number = canonicalDecimal(a);
  return number !== undefined && number === canonicalDecimal(b);
}

/** One spelling for each decimal number, compared as text because doubles would round. */
function canonicalDecimal(text: string): string | undefined {
  const match = /^([+-]?)(\d+|\d{1,3}(?:,\d{3})+|(?=\.\d))(?:\.(\d*))?$/.exec(text);
  if (!match) return undefined;
  const whole = match[2]!.replaceAll(",", "").replace(/^0+/, "") || "0";
  const fraction = withoutTrailingZeros(match[3] ?? "");
  const magnitude = fraction === "" ? whole : `${whole}.${fraction}`;
  return match[1] === "-" && magnitude !== "0" ? `-${magnitude}` : magnitude;
}

/** A loop because `/0+$/` takes quadratic time on a long run of zeros that another digit ends. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}

/**
 * The verifier of questions from a file: full reward when {@linkcode finalAnswer} of the
 * completion and the question's answer are the {@linkcode sameAnswer}.
 *
 * @returns Parts `format` (the completion marks its answer with `#`) and `correct`.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { answerReward } from "./answer_reward.ts";
 *
 * const question = { id: "0", prompt: "What is 500 + 500?", answer: "1000" };
 * assertEquals(answerReward(question, "Twice 500 is #1,000").total, 1);
 * assertEquals(answerReward(question, "#1000, I think").total, 0);
 * ```
 */
export function answerReward(question: Question, completion: string): Reward {
  const correct = sameAnswer(question.answer, finalAnswer(completion));
  return binaryReward(correct, { format: completion.includes("#") ? 1 : 0 });
}
