/**
 * Finds formulas in a text: between `$`, `$$`, `\(`, `\[`, or between words.
 *
 * @module
 */

/** A formula between delimiters. */
export interface Formula {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Formulas of a text, in order. A dollar sign may be a price's: see {@linkcode isFormula}. */
export function formulasIn(text: string): Formula[] {
  const formulas: Formula[] = [];
  for (let at = 0; at < text.length; at++) {
    const environment = environmentAt(text, at);
    if (environment) {
      formulas.push(environment);
      at = environment.end - 1;
    } else if (text[at] === "\\" && (text[at + 1] === "(" || text[at + 1] === "[")) {
      const close = text.indexOf(text[at + 1] === "(" ? "\\)" : "\\]", at + 2);
      if (close < 0) continue;
      formulas.push({ start: at, end: close + 2, text: text.slice(at + 2, close) });
      at = close + 1;
    } else if (text[at] === "\\") at++;
    else if (text[at] === "$") {
      const width = text[at + 1] === "$" ? 2 : 1;
      const close = closingDollar(text, at + width, width);
      const inner = text.slice(at + width, close);
      if (close < 0 || width === 1 && !isFormula(inner, text[close + 1] ?? "")) continue;
      formulas.push({ start: at, end: close + width, text: inner });
      at = close + width - 1;
    }
  }
  return formulas;
}

const ENVIRONMENT = /\\begin\{((?:equation|align|gather|multline|eqnarray)\*?)\}/y;

/** A displayed formula by its environment: its lines as one, since they go on. */
function environmentAt(text: string, start: number): Formula | undefined {
  if (text[start] !== "\\" || text[start + 1] !== "b") return undefined;
  ENVIRONMENT.lastIndex = start;
  const begin = ENVIRONMENT.exec(text);
  const mark = begin && `\\end{${begin[1]}}`;
  const end = mark ? text.indexOf(mark, start) : -1;
  if (!mark || end < 0) return undefined;
  const inner = text.slice(start + begin[0].length, end);
  const lines = inner.includes("\\begin")
    ? inner
    : inner.replace(/\\\\|&/g, " ").replace(/\s+/g, " ");
  return { start, end: end + mark.length, text: lines };
}

/** Where a formula by dollar signs ends: within 2,000 characters, or nowhere. */
function closingDollar(text: string, start: number, width: number): number {
  const limit = Math.min(text.length, start + 2000);
  for (let at = start; at < limit; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "$" && (width === 1 || text[at + 1] === "$")) return at;
  }
  return -1;
}

/** Whether what stands between two dollar signs is a formula, and not "$5 for each and $". */
function isFormula(inner: string, after: string): boolean {
  if (inner.trim() === "" || /\n\s*\n/.test(inner)) return false;
  if (/^\d/.test(inner) && (/\s$/.test(inner) || /\d/.test(after))) return false;
  return !/(?<![\\A-Za-z{])[A-Za-z]{3,}\s+[A-Za-z]{2,}/.test(inner.replace(/\{[^{}]*\}/g, "{}"));
}

/** The text with formulas blanked, for looking at the words only. */
export function protectedMath(text: string): string {
  let result = text;
  for (const { start, end } of formulasIn(text)) {
    result = result.slice(0, start) + "x".repeat(end - start) + result.slice(end);
  }
  return result;
}

/** LaTeX without delimiters in a sentence: its last run of pieces that are no words. */
export function looseFormula(blanked: string, text: string): Formula[] {
  const pieces = [...blanked.matchAll(/\S+/g)];
  const last = pieces.findLastIndex(([piece]) => /[\\^_{]/.test(piece) && !/^x+[.,]?$/.test(piece));
  if (last < 0) return [];
  const isMath = (piece: string | undefined) =>
    piece !== undefined && !/(?<![\\A-Za-z])[A-Za-z]{2,}/.test(piece) && !/[.!?:]$/.test(piece);
  let first = last;
  while (isMath(pieces[first - 1]?.[0])) first--;
  const start = pieces[first]!.index;
  let end = pieces[last]!.index + pieces[last]![0].length;
  for (
    let i = last + 1;
    isMath(pieces[i - 1]?.[0]) && isMath(pieces[i]?.[0].replace(/[.!?:]$/, ""));
    i++
  ) {
    end = pieces[i]!.index + pieces[i]![0].length;
  }
  return [{ start, end, text: text.slice(start, end).replace(/[.,;:]+$/, "") }];
}
