/**
 * Grades one answer: finds it (`extract.ts`), reads it (`source.ts`, `tokens.ts`, `grammar.ts`) and
 * compares it with the gold (`text_answer.ts`, `compare.ts`).
 *
 * LaTeX is parsed by KaTeX 0.19.1, what its tokens mean by our own grammar. The other candidate was
 * `@cortex-js/compute-engine` 0.140.0. On the 1,124 golds and answers of MATH-500, Minerva,
 * OlympiadBench and the Math-Verify cases (node 22, one core) KaTeX failed on 8 and took 0.025 ms
 * each after 14 ms to start; the compute engine failed on 12, took 0.16 ms (0.38 ms in canonical
 * form, single ones over 12 ms) after 300 ms, and is ten times the size. What decided it: the engine
 * settles meanings that a grader has to leave open (`3 \pm 2\sqrt 2` becomes a measurement with an
 * error, `10,\!080` two numbers, `1.50` loses its digits), while KaTeX leaves them to us. Of others,
 * `tex-math-parser` failed on 248 of them, and `@unified-latex` took 0.31 ms for a tree that says no
 * more than KaTeX's.
 *
 * @module
 */
import { compare } from "./compare.ts";
import type { Expression } from "./expression.ts";
import { extractAnswer, extractGold } from "./extract.ts";
import { parseAnswer } from "./grammar.ts";
import { latexOf } from "./source.ts";
import { besideChoice, compareTexts } from "./text_answer.ts";
import type { Grade } from "./grade.ts";

const wrong = (reason: string): Grade => ({ correct: false, reason });

/**
 * Grades a completion, or a bare answer, against a gold.
 *
 * @param gold The right answer, or a worked solution that ends with it.
 * @param answer What a model wrote.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { judge } from "./judge.ts";
 *
 * assertEquals(judge("\\frac{1}{2}", "So it is \\boxed{0.5}.").correct, true);
 * assertEquals(judge("x \\in [2,5)", "2 \\le x \\le 5").correct, false);
 * ```
 */
export function judge(gold: string, answer: string): Grade {
  const asked = extractGold(gold);
  if (!asked) return wrong("the gold is empty");
  const given = extractAnswer(answer);
  if (!given) return wrong("there is no answer");
  const byText = compareTexts(asked.text, given.text);
  const whole = byText?.correct || answer.length > MAX_REMARK
    ? undefined
    : compareTexts(asked.text, answer);
  if (whole?.correct) return whole;
  if (byText) return byText;
  if (isDecimalComma(asked.text, given.text)) {
    return { correct: true, reason: "the numbers are equal, one with a decimal comma" };
  }
  return judgeReadings(repaired(asked.text), given.text);
}

/** Characters of a text that may be an answer in words as it stands. */
const MAX_REMARK = 200;

/** `1,22` is 1.22 when the other has a point: no thousands, and no list of two. */
function isDecimalComma(gold: string, answer: string): boolean {
  const [a, b] = [gold, answer].map((text) => text.replace(/[$\s]/g, ""));
  const comma = /^-?(?:\d+,(?:\d{2}|\d{4,})|0,\d+)$/;
  return comma.test(a!) !== comma.test(b!) && a!.replace(",", ".") === b!.replace(",", ".");
}

/** A gold whose backslashes were doubled on the way, as by JSON in JSON. */
function repaired(gold: string): string {
  return gold.includes("\\begin") ? gold : gold.replace(/\\\\(?=[A-Za-z])/g, "\\");
}

/** Whether one of the two ways to read both (see `latexOf`) makes them equal. */
function judgeReadings(gold: string, answer: string): Grade {
  let first: Grade | undefined;
  const seen = new Set<string>();
  for (const joined of [true, false]) {
    const [asked, given] = [latexOrNone(gold, joined), latexOrNone(answer, joined)];
    if (seen.has(`${asked} ${given}`)) continue;
    seen.add(`${asked} ${given}`);
    const verdict = judgeReading(asked, given);
    if (verdict.correct) return verdict;
    first ??= verdict;
  }
  const beside = besideChoice(answer);
  if (beside !== undefined) {
    const verdict = judgeReading(latexOrNone(gold, true), latexOrNone(beside, true));
    if (verdict.correct) return verdict;
  }
  return first!;
}

type Latex = string | SyntaxError;

function latexOrNone(text: string, joined: boolean): Latex {
  return attempt(() => latexOf(text, joined));
}

function judgeReading(gold: Latex, answer: Latex): Grade {
  const asked = read(gold);
  if (asked instanceof SyntaxError) return wrong(`the gold is no mathematics: ${asked.message}`);
  const given = read(answer);
  if (given instanceof SyntaxError) return wrong(`the answer is no mathematics: ${given.message}`);
  return compare(asked, given);
}

const read = (latex: Latex): Expression | SyntaxError =>
  latex instanceof SyntaxError ? latex : attempt(() => parseAnswer(latex));

/** The result, or why the text cannot be read; other errors are bugs and pass. */
function attempt<T>(act: () => T): T | SyntaxError {
  try {
    return act();
  } catch (error) {
    if (error instanceof SyntaxError) return error;
    throw error;
  }
}
