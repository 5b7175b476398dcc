import type { Dataset, Question } from "../data/question.ts";
import type { Teacher } from "./teacher.ts";

/**
 * A dataset whose questions carry the demonstrations that a teacher gave, once they may be seen; a
 * demonstration of their own comes first. Within a step, {@linkcode Dataset.question} stays a pure
 * function; it changes only where {@linkcode Teacher.beginStep} is called.
 *
 * Whoever misses a demonstration asks for it by `want`.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { withTeacher } from "./with_teacher.ts";
 *
 * const asked: string[] = [];
 * const dataset = withTeacher({
 *   name: "sums",
 *   size: 1,
 *   question: () => ({ id: "0", prompt: "1+1=", answer: "2" }),
 *   reward: () => ({ total: 0, correct: false, parts: {} }),
 * }, {
 *   ask: ({ id }) => void asked.push(id),
 *   demonstration: ({ id }) => asked.includes(id) ? "It is 2" : undefined,
 * });
 *
 * assertEquals(dataset.question(0).demonstration, undefined);
 * dataset.want(dataset.question(0));
 * assertEquals(dataset.question(0).demonstration, "It is 2");
 * ```
 */
export function withTeacher(
  dataset: Dataset,
  teacher: Pick<Teacher, "ask" | "demonstration">,
): Dataset & { want(question: Question): void } {
  return {
    ...dataset,
    reward: (question, completion) => dataset.reward(question, completion),
    question(index: number): Question {
      const question = dataset.question(index);
      if (question.demonstration !== undefined) return question;
      const demonstration = teacher.demonstration(question);
      return demonstration === undefined ? question : { ...question, demonstration };
    },
    want: (question) => teacher.ask(question),
  };
}
