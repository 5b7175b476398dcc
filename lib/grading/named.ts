/**
 * Answers with the name of what they are: `x = 5`, `f(x) = x + 1`, `(p, q) = (3, 2)`, `x \in [0, 1)`.
 *
 * @module
 */
import { type Expression, keyOf, type Relation, unknownsOf, withParts } from "./expression.ts";

/** A value, and the name it was given. */
export interface Named {
  /** Absent when the value stands alone. */
  readonly name?: Expression;
  readonly value: Expression;
  /** The equation that gave the name. */
  readonly equation?: Relation;
}

/** The value of an answer without what only leads to it: names, steps of a calculation, roundings. */
export function namedValue(expression: Expression): Named {
  if (expression.kind === "product" && isPoint(expression.items)) {
    const [name, value] = expression.items as [Expression, Expression];
    return { name, value };
  }
  if (expression.kind !== "relation") return { value: expression };
  const { terms, operators } = expression;
  const [first, second] = terms as [Expression, Expression];
  if (operators.length === 1 && operators[0] === "in" && isName(first)) {
    return { name: first, value: second };
  }
  const steps = operators.findIndex((operator) => operator === "approx");
  const equal = operators.slice(0, steps < 0 ? undefined : steps);
  if (operators.length === 1 && operators[0] === "~" && isName(first)) { // x \equiv 3 \pmod 7
    return { name: first, value: second };
  }
  if (!equal.every((operator) => operator === "=")) return { value: expression };
  if (equal.length === 0) { // x \approx 1.41, or 1/3 \approx 0.33
    return isName(first)
      ? { name: first, value: { kind: "call", name: "rounded", args: [second] } }
      : { value: first };
  }
  const value = terms[equal.length]!;
  if (isName(first) && !(isName(value) && equal.length === 1 && isConstant(first))) {
    return { name: first, value, ...(equal.length === 1 ? { equation: expression } : {}) };
  }
  if (isConstant(first)) { // 5 + 6 = 11, or 5 = x
    return isName(value) && !isConstant(value) ? { name: value, value: first } : { value };
  }
  return {
    value: steps < 0
      ? expression
      : { ...expression, terms: terms.slice(0, equal.length + 1), operators: equal },
  };
}

/** `P(1, 2)`: a point with its letter. */
const isPoint = ([letter, point, ...rest]: readonly Expression[]) =>
  letter?.kind === "symbol" && /^[A-Z]$/.test(letter.name) && point?.kind === "bracket" &&
  rest.length === 0;

const isConstant = (expression: Expression) => unknownsOf(expression).length === 0;

/**
 * Whether an expression names what it is equal to: `x`, `x_1`, `AB`, `\angle ABC`, `f(x)`, `P(A)`,
 * `(x, y)`, `a : b`, `\sin x`, `dy/dx`; not `2x`, and not `x + y`.
 */
function isName(expression: Expression): boolean {
  switch (expression.kind) {
    case "symbol":
      return !["pi", "infinity", "i"].includes(expression.name);
    case "opaque":
    case "text":
      return true;
    case "product":
      return expression.items.every(isName);
    case "ratio":
    case "bracket":
      return expression.items.every(isName);
    case "quotient":
      return isName(expression.top) && isName(expression.bottom);
    case "call":
      return expression.name.startsWith("of ") ||
        expression.args.length === 1 && isName(expression.args[0]!);
    default:
      return false;
  }
}

/** Whether two names may be of the same thing: one has none, or they are alike. */
export function sameName(gold: Named, answer: Named): boolean {
  return !gold.name || !answer.name || keyOf(gold.name) === keyOf(answer.name) ||
    isFunction(gold.name) && isFunction(answer.name) && gold.name.name === answer.name.name ||
    isGraph(gold.name, answer.name) || isGraph(answer.name, gold.name);
}

/** `y = x + 1` is the graph of `f(x) = x + 1`. */
const isGraph = (name: Expression, other: Expression) =>
  name.kind === "symbol" && name.name === "y" && isFunction(other) && other.args.length === 1 &&
  keyOf(other.args[0]!) !== keyOf(name);

type FunctionName = Expression & { readonly kind: "call" };

/** `f(x)`, of unknowns. */
const isFunction = (name: Expression): name is FunctionName =>
  name.kind === "call" && name.name.startsWith("of ") &&
  name.args.every(({ kind }) => kind === "symbol");

/** The value of a function with its own names for its arguments: of `f(t) = t + 1` and `f(x)`. */
export function inNamesOf(gold: Named, answer: Named): Expression {
  if (!gold.name || !answer.name || !isFunction(gold.name) || !isFunction(answer.name)) {
    return answer.value;
  }
  const names = new Map(
    answer.name.args.map((arg, i) => [keyOf(arg), (gold.name as FunctionName).args[i]]),
  );
  const rename = (part: Expression): Expression =>
    names.get(keyOf(part)) ?? withParts(part, rename);
  return rename(answer.value);
}

/** The relation between each two neighbours, all pointing to the greater side. */
export function pairsOf({ terms, operators }: Relation): readonly Pair[] {
  return operators.map((operator, i): Pair => {
    const [left, right] = [terms[i]!, terms[i + 1]!];
    if (operator === ">") return { operator: "<", left: right, right: left };
    if (operator === ">=") return { operator: "<=", left: right, right: left };
    return { operator, left, right };
  });
}

/** One comparison. */
export interface Pair {
  readonly operator: string;
  readonly left: Expression;
  readonly right: Expression;
}
