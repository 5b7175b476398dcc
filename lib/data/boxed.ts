/**
 * Answers that a solution in LaTeX marks.
 *
 * @module
 */

/**
 * What the last `\boxed{...}` or `\fbox{...}` of a text holds; undefined when there is none that
 * is closed.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { lastBoxed } from "./boxed.ts";
 *
 * assertEquals(lastBoxed("so \\boxed{1}, or rather \\boxed{\\frac{1}{2}} m"), "\\frac{1}{2}");
 * assertEquals(lastBoxed("it is 12"), undefined);
 * ```
 */
export function lastBoxed(text: string): string | undefined {
  const marks = [...text.matchAll(/\\f?box(?:ed)?\s*\{/g)].reverse();
  for (const mark of marks) {
    const start = mark.index + mark[0].length;
    const end = closingBrace(text, start);
    if (end !== undefined) return text.slice(start, end).trim();
  }
}

/** Where the group that is open at `start` closes. */
function closingBrace(text: string, start: number): number | undefined {
  for (let i = start, depth = 1; i < text.length; i++) {
    const character = text[i];
    if (character === "\\") i++; // `\{` opens nothing
    else if (character === "{") depth++;
    else if (character === "}" && --depth === 0) return i;
  }
}
