/**
 * The strict verifier of generated questions, which looks only at how a completion ends.
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
