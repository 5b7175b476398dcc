/**
 * Makes what people write into LaTeX that `tokens.ts` reads: Unicode, prices, percent signs, digits
 * in groups, mixed numbers, functions and units spelled out. Every pattern is linear in the text.
 *
 * @module
 */
import { FUNCTION_WORDS } from "./calls.ts";
import { withoutUnicode } from "./unicode.ts";
import { isUnit } from "./units.ts";

/** Longest answer that is read as mathematics, characters. */
export const MAX_SOURCE = 4000;

/** Deepest nesting of brackets and braces that is read. */
const MAX_NESTING = 60;

/** What is said in words, and remarks beside an answer. */
const SAID: readonly (readonly [RegExp, string])[] = [
  [/(?<!\\)\\+\s*$/, ""],
  [/\\tag\*?\s*\{[^{}]*\}|\\(?:blacksquare|square|Box|checkmark|qed)\s*$/g, ""],
  [/^\s*\\(?:therefore|Rightarrow|implies|Longrightarrow)(?![A-Za-z])/, ""],
  [/(?<![_^]\s?)\\text\s*\{\s*(-?[\d.][^{}]*)\}/g, " $1 "],
  [/\b(?:negative|minus)\s+(?=[\d.\\])/gi, "-"],
  [/(?<=[A-Za-z])\\[,;: ](?=[A-Za-z])/g, "~"], // `m\,s^{-1}` is not ms
  [/\((?:or )?(?:approximately|approx|about|roughly|\\approx)[^()]*\)\s*$/, ""],
  [/^\W*(?:\\text\s*\{\s*)?(?:the set of )?(?:all )?(?:real numbers|reals)\W*$/i, "\\mathbb{R}"],
  [/^\W*(?:\\text\s*\{\s*)?(?:the )?empty set\W*$/i, "\\emptyset"],
  [/^\s*USD?\s*\\?\$?\s*(?=\d)/i, "\\$"],
  [/(?<=[)\]])\s*U\s*(?=[([])/g, "\\cup "],
  [/(?<=\d)\s*(?:\\text\s*\{\s*to\s*\}|to\s)\s*(?=\d)/g, ":"],
  [/(?<=\d:\d\d)[\s~]*(?:\\text\s*\{\s*)?[aA]\.?[mM]\b\.?(?:\s*\})?/g, "\\text{am}"],
  [/(?<=\d:\d\d)[\s~]*(?:\\text\s*\{\s*)?[pP]\.?[mM]\b\.?(?:\s*\})?/g, "\\text{pm}"],
  [/(?<=\d)\s*[xX]\s*(?=10\s*(?:\^|\*\*))/g, "\\times "],
  [/(?<=\d\.)\((\d+)\)/g, "\\overline{$1}"],
];

/** Signs of programs and of typewriters. */
const TYPED: readonly (readonly [RegExp, string])[] = [
  [/(?<![A-Za-z.])(?:np|numpy|math)\.(?=[a-z])/g, ""],
  [/`/g, ""],
  [/^\s*\\text\s*\{[^{}]*\b(?:is|are|[:=])\s*\}/, ""],
  [/^\s*=(?![=<])/, ""],
  [/(?<=\d)(?:st|nd|rd|th)(?![A-Za-z])/g, ""],
  [/<=|=</g, "\\le "],
  [/>=/g, "\\ge "],
  [/!=|\\not\s*=/g, "\\ne "],
  [/\*\*/g, "^"],
  [/(?<![\\%])%/g, "\\%"],
  [/\\(?:left|right|[bB]igg?[lrm]?)\s*\.(?=\s*$)/g, ""],
  [
    /\\(?:displaystyle|textstyle|limits|nolimits|nobreak|allowbreak|quad(?![a-z])|qquad(?![a-z]))/g,
    " ",
  ],
  [/\\(?:quad|qquad)(?=[a-z])/g, " "], // "\quadx": a space was lost
  [/(?<!\\)\\[()[\]]/g, " "],
  [/\\(?:dots[cbm]|dots|cdots)(?![a-zA-Z])/g, "\\ldots "],
  [/\.\.\./g, "\\ldots "],
];

/** Spaces that LaTeX writes in numbers and between symbols. */
const THIN = /(?<!\\)\\[,;:! ]|\\(?:thin|med|thick|negthin)space(?![a-z])/g;

/**
 * Joins the digits of `1,000`, `1{,}000`, `1\,000`, `1,\!000` and `1 000`; in brackets a bare comma
 * separates.
 */
function joinGroups(text: string, joined: boolean): string {
  const certain = text
    .replace(/(\d)\{,\}(?=\d{3}(?!\d))/g, "$1")
    .replace(/(\d),\\!\s*(?=\d{3}(?!\d))/g, "$1")
    .replace(
      /(?<![\d.,])\d{1,3}(?:(?:\\[,;: ]|~| )\d{3})+(?!\d)/g,
      (digits) => digits.replace(/[^\d]/g, ""),
    );
  if (!joined) return certain;
  let depth = 0;
  return certain.replace(
    /[([]|\\\{|[)\]]|\\\}|(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,]*\d)/g,
    (found) => {
      if (/^(?:[([]|\\\{)$/.test(found)) depth++;
      else if (/^(?:[)\]]|\\\})$/.test(found)) depth--;
      else if (depth === 0) return found.replaceAll(",", "");
      return found;
    },
  );
}

/** Dollar signs in pairs are delimiters. */
const withoutDelimiters = (text: string) =>
  (text.match(/(?<!\\)\$/g) ?? []).length % 2 === 0 ? text.replace(/(?<!\\)\$/g, " ") : text;

/** A price's sign goes behind its number, as a unit. */
const priced = (text: string) =>
  withoutDelimiters(text).replace(
    /\\?\$\s*(-?\d[\d.]*(?:\s*(?:thousand|million|billion))?)/g,
    "$1\\text{dollars}",
  )
    .replace(/\\?\$/g, " ");

/** `1 1/2`, `2.4e-16`, `x^12`, `x^(1/2)`, `3 4`. */
function numbers(text: string, joined: boolean): string {
  const mixed = text.replace(
    /(?<![\d./^_{}])(\d{1,9})\s+(\d{1,9})\s*\/\s*(\d{1,9})(?![\d/.])/g,
    "$1\\frac{$2}{$3}",
  );
  const scientific = joined
    ? mixed.replace(/(?<![\w.])(\d+\.?\d*|\.\d+)[eE]([+-]?\d{1,5})(?![\w.])/g, "$1\\times10^{$2}")
    : mixed;
  return scientific
    .replace(/\^\s*(-?\d*\.\d+|-?\d{2,}|-\d)/g, "^{$1}")
    .replace(/\^\s*\(/g, "^\\group(")
    .replace(/(?<![_^]|(?:frac|binom)\s?)(\d)\s+(?=\d)/g, "$1\\parallel "); // two numbers do not become one
}

/** The bracket after a `^` is all of the power. */
function grouped(text: string): string {
  const marker = "\\group(";
  let result = text;
  for (let at = result.lastIndexOf(marker); at >= 0; at = result.lastIndexOf(marker)) {
    let [end, depth] = [at + marker.length, 1];
    for (; end < result.length && depth > 0; end++) {
      depth += result[end] === "(" ? 1 : result[end] === ")" ? -1 : 0;
    }
    const inner = result.slice(at + marker.length, depth === 0 ? end - 1 : end);
    result = `${result.slice(0, at)}{(${inner})}${result.slice(end)}`;
  }
  return result;
}

/** Names of plain text that LaTeX has a command for. */
const COMMANDS = new Set(
  ("pi theta alpha beta gamma delta epsilon lambda mu sigma omega phi rho tau infty cup cap sin " +
    "cos tan cot sec csc ln log exp arcsin arccos arctan gcd max min sinh cosh tanh pm times")
    .split(" "),
);

/** Other names for commands. */
const SPELLED: Readonly<Record<string, string>> = {
  infinity: "\\infty ",
  inf: "\\infty ",
  union: "\\cup ",
  sqrt: "\\operatorname{sqrt}",
  percent: "\\%",
  pct: "\\%",
  approximately: "\\approx ",
  approx: "\\approx ",
  about: "\\approx ",
  degrees: "\\text{degrees}",
  degree: "\\text{degree}",
  and: "\\text{and}",
  or: "\\text{or}",
  not: "\\text{not}",
};

/** Units that are functions, too. */
const AMBIGUOUS = new Set(["min", "sec"]);

const NUMBER_BEFORE = /(?:[\d})\]$%]|\\pi)\s*$/;
const SPACE_BEFORE = /[\d})\]$%]\s+$/;

/** Words outside of commands become commands, units or text. */
function words(text: string): string {
  return text.replace(
    /\\(?:text[a-z]*|mathrm|mathbf|mathsf|mbox|hbox|operatorname\*?|begin|end)\s*\{[^{}]*\}|\\[A-Za-z]+|[A-Za-z]{2,}/g,
    (found, offset: number) => {
      if (found.startsWith("\\")) return found;
      if (Object.hasOwn(SPELLED, found)) return SPELLED[found]!;
      const before = text.slice(Math.max(0, offset - 24), offset);
      const after = text.slice(offset + found.length, offset + found.length + 4);
      if (AMBIGUOUS.has(found) && NUMBER_BEFORE.test(before) && !/^\s*[\w(\\]/.test(after)) {
        return `\\text{${found}}`;
      }
      if (COMMANDS.has(found)) return `\\${found} `;
      if (FUNCTION_WORDS.has(found)) return `\\operatorname{${found}}`;
      const isLabel = SPACE_BEFORE.test(before) && found.length >= 3;
      if (isUnit(found) && NUMBER_BEFORE.test(before) || isLabel) return `\\text{${found}}`;
      const afterWord = /(?:[A-Za-z]{2}|\})\s+$/.test(before) && !/\\[A-Za-z]+\s+$/.test(before) &&
        found.length >= 3;
      return afterWord ? `\\text{${found}}` : found;
    },
  );
}

/** A unit after a number and a space, at the end: single letters are units only there. */
const lastUnit = (text: string) =>
  text.replace(
    /^(\s*-?[\d.,]+(?:\\times10\^\{-?\d+\})?\s+)([A-Za-z]{1,6}(?:\/[A-Za-z]{1,6})?)((?:\^\{?-?\d\}?)?\s*)$/,
    (found, number: string, unit: string, power: string) =>
      unit.split("/").every(isUnit) ? `${number}\\text{${unit}}${power}` : found,
  );

/** Nesting that would be too deep for the stack. */
function checkNesting(text: string): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 123 || code === 40 || code === 91) depth++; // { ( [
    else if (code === 125 || code === 41 || code === 93) depth--;
    if (depth > MAX_NESTING) {
      throw new SyntaxError(`Cannot read the answer as it nests more than ${MAX_NESTING} deep`);
    }
  }
}

/**
 * LaTeX of what someone wrote.
 *
 * @param text An answer without the sentence around it.
 * @param joined Whether what can be read in two ways is one number: `1,234`, `2e-1`.
 * @throws {SyntaxError} When it is too long, or nests too deep.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { latexOf } from "./source.ts";
 *
 * assertEquals(latexOf("1,234 ≤ x", true), "1234 \\le  x");
 * assertEquals(latexOf("$2 1/2$", true), "2\\frac{1}{2}");
 * ```
 */
export function latexOf(text: string, joined: boolean): string {
  if (text.length > MAX_SOURCE) {
    throw new SyntaxError(
      `Cannot read the answer as it has ${text.length} characters, more than ${MAX_SOURCE}`,
    );
  }
  checkNesting(text);
  let source = withoutUnicode(text);
  for (const [pattern, replacement] of [...SAID, ...TYPED]) {
    source = source.replace(pattern, replacement);
  }
  source = joinGroups(source, joined).replace(THIN, " ");
  source = numbers(priced(source), joined);
  return grouped(words(lastUnit(source))).trim().replace(/^[,;:]+|[.,;:]+$/g, "").trim();
}
