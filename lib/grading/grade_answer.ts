/**
 * Grades answers to mathematical questions in threads, within a time limit: what `judge.ts` decides,
 * for a training loop.
 *
 * @module
 */
import type { Grade } from "./grade.ts";
import { type GraderPool, graderPool, type Pair } from "./pool.ts";

export type { Grade, Pair };

/** The threads of this process, once something was graded. */
let graders: GraderPool | undefined;

/**
 * Grades a completion, or a bare answer, against a gold.
 *
 * Never throws for what a text says: an answer that cannot be read, or takes longer than
 * `GRADING_LIMIT` milliseconds, is not correct, and the reason says so.
 *
 * @param gold The right answer, or a worked solution that ends with it.
 * @param answer What a model wrote; how its answer is found is told in `extract.ts`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { closeGraders, gradeAnswer } from "./grade_answer.ts";
 *
 * assertEquals(await gradeAnswer("\\frac{1}{2}", "That makes \\boxed{0.5}."), {
 *   correct: true,
 *   reason: "the numbers are equal",
 * });
 * await closeGraders();
 * ```
 */
export async function gradeAnswer(gold: string, answer: string): Promise<Grade> {
  return (await gradeAnswers([{ gold, answer }]))[0]!;
}

/** Grades many answers side by side; the grades are in the pairs' order. */
export function gradeAnswers(pairs: readonly Pair[]): Promise<Grade[]> {
  graders ??= graderPool();
  return graders.grade(pairs);
}

/** Ends the grading threads; the next answer starts them again. */
export async function closeGraders(): Promise<void> {
  const closing = graders;
  graders = undefined;
  await closing?.close();
}
