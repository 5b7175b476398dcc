/**
 * Questions that two sets share, which would make one a poor judge of what was learned from the
 * other.
 *
 * @module
 */
import { type Dataset, questionsOf } from "./question.ts";

/** A question that is in another set, too. */
export interface Duplicate {
  /** Its id. */
  readonly id: string;
  /** The id of the first question of the other set that asks the same. */
  readonly of: string;
}

/**
 * A text less what can differ when the same question is typed twice: case, blanks, dollar signs,
 * quotes, LaTeX's spacing and sizes, diagrams, and punctuation that is not inside a number.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { normalizedText } from "./duplicates.ts";
 *
 * assertEquals(normalizedText("What is $\\dfrac{1}{2} + 1.5$ ?"), "whatis\\frac{1}{2}+1.5");
 * ```
 */
export function normalizedText(text: string): string {
  return text.normalize("NFKC").toLowerCase()
    .replace(/\[asy\].*?\[\/asy\]/gs, "")
    .replace(/\\(?:(?:left|right|displaystyle|quad)(?![a-z])|[,;:!> ])/g, "")
    .replace(/\\[dt]frac(?![a-z])/g, "\\frac")
    .replace(/[\s$"'`“”‘’]+/g, "")
    .replace(/[.,;:!?]+(?!\d)/g, "");
}

/**
 * The questions of `second` whose normalized text is that of a question of `first`.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { markedAnswerReward } from "./answer_reward.ts";
 * import { findDuplicates } from "./duplicates.ts";
 * import { listed } from "./files.ts";
 *
 * const [train, test] = [["What is 2+2?", "Half of 8?"], ["Half of 9?", "What is  $2 + 2$"]].map(
 *   (prompts) => {
 *     const questions = prompts.map((prompt, i) => ({ id: `${i}`, prompt, answer: "4" }));
 *     return listed("sums", questions, markedAnswerReward);
 *   },
 * );
 * assertEquals(findDuplicates(train!, test!), [{ id: "1", of: "0" }]);
 * ```
 */
export function findDuplicates(first: Dataset, second: Dataset): Duplicate[] {
  const ids = new Map<string, string>();
  for (const { id, prompt } of questionsOf(first)) {
    const text = normalizedText(prompt);
    if (!ids.has(text)) ids.set(text, id);
  }
  return questionsOf(second).flatMap(({ id, prompt }) => {
    const of = ids.get(normalizedText(prompt));
    return of === undefined ? [] : [{ id, of }];
  });
}
