/**
 * The grader of mathematical answers, in its threads.
 *
 * @module
 */
import { gradeAnswer, gradeAnswers } from "../../mod.ts";
import { ANSWERS, HOSTILE, HOSTILE_GOLD } from "./answers.ts";
import type { Reply, Request } from "./process.ts";

/** Grades what a request asks for, `count` answers of a manner or a hostile text. */
export async function grade({ answers, count, hostile }: Request): Promise<Reply> {
  const make = ANSWERS[answers as string];
  if (!make) {
    const text = HOSTILE[hostile as string]!();
    const started = performance.now();
    const { correct, reason } = await gradeAnswer(HOSTILE_GOLD, text);
    return { ms: performance.now() - started, correct, reason };
  }
  const pairs = Array.from({ length: count as number }, (_, i) => make(i));
  const started = performance.now();
  const grades = await gradeAnswers(pairs);
  const ms = performance.now() - started;
  return {
    ms,
    cores: navigator.hardwareConcurrency,
    correct: grades.filter(({ correct }) => correct).length,
  };
}
