/**
 * Scripts of an expression: powers, degrees, primes, ordinals.
 *
 * @module
 */
import type { Expression } from "./expression.ts";
import { peek, type Reader } from "./reader.ts";
import type { Token } from "./tokens.ts";

/** The expression with its scripts; a subscript only numbers and names have. */
export function scripted(reader: Reader, value: Expression, { sub, sup }: Token): Expression {
  if (sub) throw new SyntaxError("Cannot read a subscript that is not of a number or a name");
  return sup ? raised(reader, value, sup) : value;
}

/** `x^2`, `x'`, `30^\circ`, `20^\circ C`, `5^{th}`. */
export function raised(reader: Reader, value: Expression, sup: readonly Token[]): Expression {
  const marks = sup.map(({ kind, text }) => kind === "operator" ? text : "").join(" ");
  if (marks === "circ") {
    const letter = peek(reader);
    const scale = letter?.kind === "name" || letter?.kind === "word" ? letter.text : "";
    if (scale !== "C" && scale !== "F") return { kind: "quantity", value, unit: "degree" };
    reader.at++;
    return { kind: "quantity", value, unit: `deg${scale}` };
  }
  if (marks === "prime") return { kind: "quantity", value, unit: "arcmin" };
  if (marks === "prime prime") return { kind: "quantity", value, unit: "arcsec" };
  if (sup.length === 1 && sup[0]!.kind === "word" && /^(st|nd|rd|th)$/.test(sup[0]!.text)) {
    return value;
  }
  return { kind: "power", base: value, exponent: reader.rules.row(sup) };
}
