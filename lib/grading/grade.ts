/**
 * Grades of answers, and how their reasons show what was compared.
 *
 * @module
 */
import { exactValue } from "./exact.ts";
import type { Expression } from "./expression.ts";

/** Whether an answer is right. */
export interface Grade {
  readonly correct: boolean;
  /** The rule that accepted the answer, or what differs. */
  readonly reason: string;
}

/** A right answer, by a rule. */
export const yes = (reason: string): Grade => ({ correct: true, reason });
/** A wrong answer, by what differs. */
export const no = (reason: string): Grade => ({ correct: false, reason });

/** A short text of an expression for reasons. */
export function show(expression: Expression): string {
  const value = exactValue(expression);
  if (value) {
    const { numerator, denominator } = value;
    const text = denominator === 1n ? `${numerator}` : `${numerator}/${denominator}`;
    return text.length > 40 ? `${text.slice(0, 40)}...` : text;
  }
  if (expression.kind === "symbol") return expression.name;
  return `the ${NAMES[expression.kind] ?? "expression"}`;
}

const NAMES: Readonly<Record<string, string>> = {
  bracket: "point or interval",
  list: "list",
  set: "set",
  sets: "union of sets",
  relation: "relation",
  matrix: "matrix",
  ratio: "ratio",
  text: "text",
};
