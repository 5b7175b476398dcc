/**
 * The verifier of questions that were not made here: published sets and files of one's own.
 *
 * @module
 */
import { binaryReward, type Question, type Reward } from "../data/question.ts";
import { extractAnswer, type Extracted } from "./extract.ts";
import { gradeAnswer } from "./grade_answer.ts";

/** What gives an answer because the completion says that it is the answer. */
const MARKS: readonly (Extracted["rule"] | undefined)[] = [
  "boxed",
  "tag",
  "hashes",
  "phrase",
  "hash",
];

/**
 * Full reward for a completion whose answer is the question's in another spelling at most, as
 * {@linkcode gradeAnswer} sees it. A question that is its own answer (`8+9` for 17) earns the reward
 * by being said again: such questions want `markedAnswerReward`.
 *
 * @returns Parts `format` (the completion marks its answer: by a box, `####`, "the answer is" or
 * `#`) and `correct`.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { gradedReward } from "./graded_reward.ts";
 *
 * const question = { id: "0", prompt: "Half of 1?", answer: "\\frac{1}{2}" };
 * assertEquals((await gradedReward(question, "It is \\boxed{0.5}.")).parts, { format: 1, correct: 1 });
 * assertEquals((await gradedReward(question, "1/2=0.5#0.5")).parts, { format: 1, correct: 1 });
 * assertEquals((await gradedReward(question, "It is 2.")).parts, { format: 0, correct: 0 });
 * ```
 */
export async function gradedReward({ answer }: Question, completion: string): Promise<Reward> {
  const extracted = extractAnswer(completion);
  const { correct } = await gradeAnswer(answer, completion);
  const reward = binaryReward(correct, { format: MARKS.includes(extracted?.rule) ? 1 : 0 });
  return { ...reward, answer: extracted?.text ?? "" };
}
