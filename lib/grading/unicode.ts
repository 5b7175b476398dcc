/**
 * Mathematical characters as LaTeX.
 *
 * @module
 */

const UNICODE: Readonly<Record<string, string>> = {
  "−": "-",
  "–": "-",
  "—": "-",
  "×": "\\times ",
  "⋅": "\\cdot ",
  "·": "\\cdot ",
  "÷": "\\div ",
  "±": "\\pm ",
  "∓": "\\mp ",
  "≤": "\\le ",
  "≥": "\\ge ",
  "⩽": "\\le ",
  "⩾": "\\ge ",
  "≠": "\\ne ",
  "≈": "\\approx ",
  "≡": "\\equiv ",
  "∞": "\\infty ",
  "∪": "\\cup ",
  "∩": "\\cap ",
  "∈": "\\in ",
  "∉": "\\notin ",
  "∅": "\\emptyset ",
  "ℝ": "\\mathbb{R} ",
  "ℤ": "\\mathbb{Z} ",
  "π": "\\pi ",
  "θ": "\\theta ",
  "α": "\\alpha ",
  "β": "\\beta ",
  "γ": "\\gamma ",
  "λ": "\\lambda ",
  "μ": "\\mu ",
  "ω": "\\omega ",
  "φ": "\\phi ",
  "√": "\\operatorname{sqrt}",
  "°": "^{\\circ}",
  "′": "'",
  "″": "''",
  "’": "'",
  "⟨": "\\langle ",
  "⟩": "\\rangle ",
  "⌊": "\\lfloor ",
  "⌋": "\\rfloor ",
  "⌈": "\\lceil ",
  "⌉": "\\rceil ",
  "…": "\\ldots ",
  "½": "\\frac{1}{2}",
  "⅓": "\\frac{1}{3}",
  "⅔": "\\frac{2}{3}",
  "¼": "\\frac{1}{4}",
  "¾": "\\frac{3}{4}",
  "€": "", // a currency says nothing that a question has not said
  "£": "",
  "¥": "",
  "₹": "",
  "\u00a0": " ",
  "\u2009": " ",
  "\u202f": " ",
  "\u200b": "",
  "，": ", ",
  "：": ":",
  "（": "(",
  "）": ")",
};

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻";
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/** What small characters stand for: digits by their places, then the minus sign. */
const enlarged = (small: string, alphabet: string) =>
  [...small].map((character) => "0123456789-"[alphabet.indexOf(character)]).join("");

/** The text with the characters of the table as LaTeX; others stay. */
export function withoutUnicode(text: string): string {
  return text
    .replace(/√\s*(\d+(?:\.\d+)?|[A-Za-z])/g, "\\sqrt{$1}")
    .replace(/∛\s*(?:\(([^()]*)\)|(\d+|[A-Za-z]))/g, "\\sqrt[3]{$1$2}")
    .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+/g, (digits) => `^{${enlarged(digits, SUPERSCRIPTS)}}`)
    .replace(/[₀₁₂₃₄₅₆₇₈₉]+/g, (digits) => `_{${enlarged(digits, SUBSCRIPTS)}}`)
    .replace(/[\u0080-\uffff]/g, (character) => UNICODE[character] ?? character);
}
