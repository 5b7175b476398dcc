/**
 * KaTeX's tree of boxes, and what its boxes are for.
 *
 * @module
 */
import katex from "katex"; // the most used LaTeX parser: 25 µs an answer, macros bounded

/** KaTeX's nodes, as far as they are read here. */
export interface Box {
  readonly type: string;
  readonly text?: string;
  readonly name?: string;
  readonly family?: string;
  readonly font?: string;
  readonly label?: string;
  readonly left?: string;
  readonly right?: string;
  readonly delim?: string;
  readonly mclass?: string;
  readonly hasBarLine?: boolean;
  /** Of arrays that align equations. */
  readonly addJot?: boolean;
  readonly body?: Box | readonly Box[] | readonly (readonly Box[])[];
  readonly base?: Box | null;
  readonly sub?: Box | null;
  readonly sup?: Box | null;
  readonly numer?: Box;
  readonly denom?: Box;
  readonly index?: Box | null;
}

/** `__parse` is KaTeX's own name for what its contributed packages read; its types leave it out. */
const { __parse: parseBoxes } = katex as unknown as {
  __parse(latex: string, settings: Record<string, unknown>): readonly Box[];
};

/** Commands that KaTeX lacks, or would draw by several boxes. */
const MACROS: Readonly<Record<string, string>> = {
  "\\ne": "\\operatorname{ne}",
  "\\neq": "\\operatorname{ne}",
  "\\notin": "\\operatorname{notin}",
  "\\bmod": "\\operatorname{mod}",
  "\\mod": "\\operatorname{mod}",
  "\\pmod": "\\operatorname{pmod}{#1}",
  "\\mbox": "\\text{#1}",
  "\\hbox": "\\text{#1}",
  "\\textup": "\\text{#1}",
  "\\AA": "\\text{\u00c5}",
  "\\angstrom": "\\text{\u00c5}",
  "\\degree": "^{\\circ}",
  "\\pounds": "",
  "\\iff": "\\operatorname{iff}",
  "\\lcm": "\\operatorname{lcm}",
  "\\arccot": "\\operatorname{arccot}",
  "\\arcsec": "\\operatorname{arcsec}",
  "\\arccsc": "\\operatorname{arccsc}",
  "\\abs": "\\left|#1\\right|",
  "\\nicefrac": "\\frac{#1}{#2}",
  "\\sfrac": "\\frac{#1}{#2}",
  "\\textdegree": "^{\\circ}",
  "\\textdollar": "",
  "\\euro": "",
};

/** Boxes that only move or colour what is in them. */
export const TRANSPARENT: ReadonlySet<string> = new Set(
  [
    "styling",
    "color",
    "enclose",
    "underline",
    "mclass",
    "raisebox",
    "smash",
    "lap",
    "sizing",
    "vcenter",
  ],
);

/** Boxes that hold nothing but space. */
export const SPACE: ReadonlySet<string> = new Set([
  "kern",
  "spacing",
  "rule",
  "phantom",
  "mathchoice",
  "cr",
  "hphantom",
]);

/** Fonts whose letters make words. */
export const UPRIGHT: ReadonlySet<string> = new Set([
  "mathrm",
  "mathsf",
  "mathtt",
  "mathbf",
  "textrm",
]);

/** Names of delimiters, by KaTeX's text. */
export const DELIMITERS: Readonly<Record<string, string>> = {
  "(": "(",
  ")": ")",
  "[": "[",
  "]": "]",
  "\\{": "{",
  "\\}": "}",
  "\\lbrace": "{",
  "\\rbrace": "}",
  "\\lbrack": "[",
  "\\rbrack": "]",
  "\\langle": "<",
  "\\rangle": ">",
  "\\lfloor": "floor",
  "\\rfloor": "floor",
  "\\lceil": "ceil",
  "\\rceil": "ceil",
  "|": "|",
  "\\vert": "|",
  "\\lvert": "|",
  "\\rvert": "|",
};

/**
 * The boxes of a row of LaTeX.
 *
 * @throws {SyntaxError} When it is no LaTeX, or has a command that nobody knows.
 */
export function boxesOf(latex: string): readonly Box[] {
  try {
    return parseBoxes(latex, {
      strict: "ignore",
      throwOnError: true,
      maxExpand: 1000, // macros of the text's own end here
      macros: { ...MACROS },
    });
  } catch (error) {
    if (error instanceof RangeError) throw error; // the stack: nested too deeply
    throw new SyntaxError(`Cannot read ${excerpt(latex)} as LaTeX: ${(error as Error).message}`);
  }
}

const excerpt = (text: string) =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
