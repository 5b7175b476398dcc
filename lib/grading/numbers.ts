/**
 * When two expressions are the same number, or the same function of their unknowns.
 *
 * Fractions are compared exactly; then both are worked out in a finite field (`field.ts`), which
 * settles fractions of polynomials; what has roots, logarithms and the like is worked out at seeded
 * points with bounds of the error (`complex.ts`). The points are real, of both signs, and count where
 * the gold is real; whole for unknowns that have a whole number's letter where one is called for.
 *
 * Rounding is allowed in one direction each:
 *
 * - a gold in decimals asks for its precision: `0.333` is 1/3. It needs three significant digits;
 *   two do, to 1 %, in scientific notation and for thirds, sixths, ... twelfths (`0.33`), but not for
 *   what merely is near, as 9/17 is to `0.53`;
 * - an exact gold takes decimals of six significant digits, correctly rounded, or of three when the
 *   answer says that it is rounded (`\approx`, "about", `0.333...`).
 *
 * @module
 */
import { randomSeeded } from "../random.ts";
import { agree, type Complex, isKnown, isReal, real } from "./complex.ts";
import { evaluate, type Point } from "./evaluate.ts";
import { exactValue } from "./exact.ts";
import { type Expression, type NumberExpression, some, unknownsOf } from "./expression.ts";
import { elementAt } from "./field.ts";
import {
  magnitude,
  negated,
  order,
  over,
  plus,
  type Rational,
  rational,
  times,
  toThe,
} from "./rational.ts";

/** Kinds that are numbers, or functions of unknowns. */
const NUMERIC = new Set(
  [
    "number",
    "symbol",
    "sum",
    "product",
    "quotient",
    "power",
    "call",
    "opaque",
    "based",
    "quantity",
  ],
);

/** Whether an expression is a number or a function of unknowns, all through. */
export function isNumeric(expression: Expression): boolean {
  return !some(expression, ({ kind }) => !NUMERIC.has(kind) && kind !== "matrix") &&
    expression.kind !== "matrix";
}

/** Whether two expressions are equal wherever the gold is defined. */
export function sameNumber(gold: Expression, answer: Expression): boolean {
  const [a, b] = [exactValue(gold), exactValue(answer)];
  if (a && b) return a.numerator === b.numerator && a.denominator === b.denominator;
  const inField = sameInField(gold, answer);
  if (inField !== undefined) return inField;
  return sameAtPoints(gold, answer);
}

/** Whether two expressions are equal in the field; undefined where that does not settle it. */
function sameInField(gold: Expression, answer: Expression): boolean | undefined {
  for (const seed of ["1", "2"]) {
    const [a, b] = [elementAt(gold, seed), elementAt(answer, seed)];
    if (!a || !b) return undefined;
    if (a.value !== b.value) return a.decisive && b.decisive ? false : undefined;
  }
  return true;
}

/** Points that are tried, and those that have to agree. */
const [TRIES, ENOUGH, FEWEST] = [48, 8, 3];

function sameAtPoints(gold: Expression, answer: Expression): boolean {
  const unknowns = unknownsOf(gold, answer);
  const isFree = unknowns.length > 0 || some(gold, isOpen) || some(answer, isOpen);
  const whole = some(gold, isOfWholes) || some(answer, isOfWholes);
  if (!isFree) return agreeAt(gold, answer, pointAt(0, whole)) === true;
  const points = Array.from({ length: TRIES }, (_, attempt) => pointAt(attempt, whole));
  const isRealAt = (at: Point) => isReal(evaluate(gold, at));
  const reals = points.filter(isRealAt);
  let equal = 0;
  for (const at of reals.length >= FEWEST ? reals : points) { // a gold that is never real is complex
    const agreed = agreeAt(gold, answer, at);
    if (agreed === false) return false;
    if (agreed && ++equal >= ENOUGH) return true;
  }
  return equal >= FEWEST;
}

/** Whether two expressions are equal at a point; undefined where one of them is not known. */
function agreeAt(gold: Expression, answer: Expression, at: Point): boolean | undefined {
  const left = evaluate(gold, at);
  if (!isKnown(left)) return undefined;
  const right = evaluate(answer, at);
  return isKnown(right) ? agree(left, right) : undefined;
}

/** Expressions whose value is not known, though they have no unknown. */
const isOpen = ({ kind, ...expression }: Expression) =>
  kind === "opaque" || kind === "call" && (expression as { name: string }).name.startsWith("of ");

const WHOLE_CALLS = new Set(["factorial", "binomial", "floor", "ceil", "mod", "gcd", "lcm"]);

/** Expressions that are asked of whole numbers. */
function isOfWholes(expression: Expression): boolean {
  if (expression.kind === "call") return WHOLE_CALLS.has(expression.name);
  if (expression.kind !== "power" || unknownsOf(expression.exponent).length === 0) return false;
  const base = exactValue(expression.base);
  return base !== undefined && base.numerator < 0n;
}

/** Letters that stand for whole numbers when a factorial or the like is about. */
const WHOLE_LETTER = /^[abdi-npqrsNMK](?:_|$)/;

/** Numbers for the unknowns: the same for both expressions, in every run. */
export function pointAt(attempt: number, whole: boolean): Point {
  const known = new Map<string, Complex>();
  return (name) => {
    const value = known.get(name) ?? real(unknownAt(name, attempt, whole));
    known.set(name, value);
    return value;
  };
}

function unknownAt(name: string, attempt: number, whole: boolean): number {
  const random = randomSeeded(1, "grading", name, attempt);
  const uniform = random();
  if (whole && WHOLE_LETTER.test(name)) return 1 + Math.floor(uniform * (attempt < 24 ? 12 : 30));
  const size = attempt % 4 === 3 ? 0.01 + 0.1 * uniform : 0.3 + 2.2 * uniform;
  const sign = attempt % 2 === 1 && random() < 0.5 ? -1 : 1;
  return sign * size * (whole ? 7 : 1);
}

/** Whether the answer is the gold rounded, or rounds to it, as far as is allowed. */
export function sameRounded(gold: Expression, answer: Expression): boolean {
  if (answer.kind === "call" && answer.name === "rounded") {
    return asRounding(gold, answer.args[0]!, 3);
  }
  if (answer.kind === "call" && answer.name === "cut") {
    return asCut(gold, answer.args[0]!);
  }
  return asStated(gold, answer) || asRounding(gold, answer, 6);
}

/** The exact value, or the nearest double's. */
function valueOf(expression: Expression): Rational | undefined {
  const exact = exactValue(expression);
  if (exact) return exact;
  if (unknownsOf(expression).length > 0) return undefined;
  const value = evaluate(expression, pointAt(0, false));
  if (!isKnown(value) || !isReal(value) || value.re === 0) return undefined;
  const exponent = 60 - Math.ceil(Math.log2(Math.abs(value.re)));
  if (Math.abs(exponent) > 900) return undefined;
  const scale = 2n ** BigInt(Math.abs(exponent));
  const digits = BigInt(Math.round(value.re * 2 ** Math.min(exponent, 900)));
  return exponent >= 0 ? rational(digits, scale) : rational(digits * scale);
}

function difference(a: Rational, b: Rational): Rational | undefined {
  const left = plus(a, negated(b));
  return left && magnitude(left);
}

/** `10 ** -decimals`, and half of it. */
function unitOf(decimals: number, part = 1n): Rational | undefined {
  const unit = toThe({ numerator: 10n, denominator: 1n }, BigInt(-decimals));
  return unit && times(unit, { numerator: 1n, denominator: part });
}

function isWithin(a: Rational, b: Rational, limit: Rational | undefined): boolean {
  const apart = difference(a, b);
  return apart !== undefined && limit !== undefined && order(apart, limit) <= 0;
}

const isDecimal = (expression: Expression): expression is NumberExpression =>
  expression.kind === "number" && expression.written !== undefined;

/** The answer, rounded to the gold's decimals, is the gold. */
function asStated(gold: Expression, answer: Expression): boolean {
  if (!isDecimal(gold)) return false;
  const { decimals, significant, scientific } = gold.written!;
  const isWhole = gold.value.denominator === 1n && !scientific; // 27.0 is 27, written by a program
  if (isWhole || significant < 2) return false;
  const value = valueOf(answer);
  if (!value || !isWithin(gold.value, value, unitOf(decimals, 2n))) return false;
  if (significant >= 3) return true;
  const percent = over(magnitude(value), { numerator: 100n, denominator: 1n });
  const isAllowed = scientific || answer.kind !== "number" && isEndless(exactValue(answer));
  return isAllowed && isWithin(gold.value, value, percent);
}

/** Whether a fraction that is small enough to be rounded to two digits has endless decimals. */
function isEndless(value: Rational | undefined): boolean {
  return value !== undefined && [3n, 6n, 7n, 9n, 11n, 12n].includes(value.denominator);
}

/** The gold, rounded to the answer's decimals, is the answer. */
function asRounding(gold: Expression, answer: Expression, fewest: number): boolean {
  if (!isDecimal(answer) || answer.written!.significant < fewest || isDecimal(gold)) return false;
  const value = valueOf(gold);
  return value !== undefined &&
    isWithin(value, answer.value, unitOf(answer.written!.decimals, 2n));
}

/** The gold starts with the answer's digits, which go on. */
function asCut(gold: Expression, answer: Expression): boolean {
  if (!isDecimal(answer) || answer.written!.significant < 3) return false;
  const value = valueOf(gold);
  return value !== undefined && isWithin(value, answer.value, unitOf(answer.written!.decimals)) &&
    order(magnitude(value), magnitude(answer.value)) >= 0;
}
