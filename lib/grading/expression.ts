/**
 * What an answer says, as a tree: the meeting point of the grammar (`grammar.ts`) and of the
 * comparison (`compare.ts`).
 *
 * @module
 */
import type { Rational } from "./rational.ts";

/** How a number was written. */
export interface Written {
  /** Digits after the point, less the exponent: `1.50` has 2, `2.4e-16` has 17. */
  readonly decimals: number;
  /** Digits from the first that is not zero. */
  readonly significant: number;
  /** By a power of ten, as measured quantities are. */
  readonly scientific: boolean;
}

/** A number in digits. */
export interface NumberExpression {
  readonly kind: "number";
  readonly value: Rational;
  /** Absent for whole numbers without a point. */
  readonly written?: Written;
}

/** `f(a, b)`: a function of the grammar's (`sin`, `root`, `floor`, ...) or one nobody defined. */
export interface Call {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly Expression[];
}

/** Parts between brackets as they were written: a point, a vector or an interval. */
export interface Bracket {
  readonly kind: "bracket";
  readonly open: "(" | "[" | "<";
  readonly close: ")" | "]" | ">";
  readonly items: readonly Expression[];
}

/** `a < b <= c`: one operator between each two terms. */
export interface Relation {
  readonly kind: "relation";
  readonly terms: readonly Expression[];
  readonly operators: readonly RelationOperator[];
}

/** Operators of relations. `approx` says that what follows is rounded. */
export type RelationOperator =
  | "="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "in"
  | "notin"
  | "approx"
  | "~";

/** Items side by side. */
export interface List {
  readonly kind: "list";
  readonly items: readonly Expression[];
  /** They are joined by "or". */
  readonly alternatives?: boolean;
}

/** A number with what it counts or measures. */
export interface Quantity {
  readonly kind: "quantity";
  readonly value: Expression;
  /** Unit as written, without spaces: `cm^2`, `m/s`, `eggs`. */
  readonly unit: string;
}

/** Operators between sets. */
export type SetOperator = "union" | "intersection" | "difference";

/** Anything an answer can say. */
export type Expression =
  | NumberExpression
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "sum" | "product"; readonly items: readonly Expression[] }
  | { readonly kind: "quotient"; readonly top: Expression; readonly bottom: Expression }
  | { readonly kind: "power"; readonly base: Expression; readonly exponent: Expression }
  | { readonly kind: "plusminus"; readonly sign: 1 | -1; readonly value: Expression }
  | Call
  | { readonly kind: "opaque"; readonly text: string }
  | { readonly kind: "matrix"; readonly rows: readonly (readonly Expression[])[] }
  | Bracket
  | List
  | { readonly kind: "set" | "ratio"; readonly items: readonly Expression[] }
  | { readonly kind: "sets"; readonly operator: SetOperator; readonly items: readonly Expression[] }
  | Relation
  | { readonly kind: "based"; readonly digits: string; readonly base: number }
  | Quantity
  | { readonly kind: "text"; readonly text: string };

/** The whole number as an expression. */
export function whole(value: number): NumberExpression {
  return { kind: "number", value: { numerator: BigInt(value), denominator: 1n } };
}

/** `-a`; of a number, the number. */
export function minus(value: Expression): Expression {
  if (value.kind === "number") {
    const { numerator, denominator } = value.value;
    return { ...value, value: { numerator: -numerator, denominator } };
  }
  return { kind: "product", items: [whole(-1), value] };
}

/** A product, as one list of factors. */
export function beside(left: Expression, right: Expression): Expression {
  const items = left.kind === "product" ? left.items : [left];
  return { kind: "product", items: [...items, right] };
}

/** The expressions that an expression is made of. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "sum":
    case "product":
    case "list":
    case "set":
    case "ratio":
    case "sets":
    case "bracket":
      return expression.items;
    case "quotient":
      return [expression.top, expression.bottom];
    case "power":
      return [expression.base, expression.exponent];
    case "plusminus":
    case "quantity":
      return [expression.value];
    case "call":
      return expression.args;
    case "matrix":
      return expression.rows.flat();
    case "relation":
      return expression.terms;
    default:
      return [];
  }
}

/** The expression with each part replaced. */
export function withParts(
  expression: Expression,
  replace: (part: Expression) => Expression,
): Expression {
  switch (expression.kind) {
    case "sum":
    case "product":
    case "list":
    case "set":
    case "ratio":
    case "sets":
    case "bracket":
      return { ...expression, items: expression.items.map(replace) };
    case "quotient":
      return { ...expression, top: replace(expression.top), bottom: replace(expression.bottom) };
    case "power":
      return {
        ...expression,
        base: replace(expression.base),
        exponent: replace(expression.exponent),
      };
    case "plusminus":
    case "quantity":
      return { ...expression, value: replace(expression.value) };
    case "call":
      return { ...expression, args: expression.args.map(replace) };
    case "matrix":
      return { ...expression, rows: expression.rows.map((row) => row.map(replace)) };
    case "relation":
      return { ...expression, terms: expression.terms.map(replace) };
    default:
      return expression;
  }
}

/** Whether the expression, or one that it is made of, is such. */
export function some(
  expression: Expression,
  such: (expression: Expression) => boolean,
): boolean {
  return such(expression) || partsOf(expression).some((part) => some(part, such));
}

/** Symbols that stand for a number. */
export const CONSTANTS: ReadonlySet<string> = new Set(["pi", "e", "i", "infinity"]);

/** Names of the unknowns in an expression, each once. */
export function unknownsOf(...expressions: readonly Expression[]): string[] {
  const names = new Set<string>();
  const isKnown = (name: string) => CONSTANTS.has(name) || name === "reals" || name === "empty";
  const visit = (expression: Expression): void => {
    if (expression.kind === "symbol" && !isKnown(expression.name)) names.add(expression.name);
    partsOf(expression).forEach(visit);
  };
  expressions.forEach(visit);
  return [...names];
}

/** The expression as text: the same for expressions that are built alike. */
export function keyOf(expression: Expression): string {
  return JSON.stringify(expression, (_, value) => typeof value === "bigint" ? `${value}` : value);
}
