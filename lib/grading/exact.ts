/**
 * The value of an expression of whole numbers and fractions, without rounding.
 *
 * @module
 */
import type { Call, Expression } from "./expression.ts";
import {
  floorOf,
  magnitude,
  negated,
  ONE,
  order,
  over,
  plus,
  type Rational,
  rational,
  rootOf,
  times,
  toThe,
  wholeOf,
  ZERO,
} from "./rational.ts";

/** Largest number whose factorial is worked out. */
const MAX_FACTORIAL = 2000n;

/** The fraction that an expression is; undefined when it is none, or one too large to write out. */
export function exactValue(expression: Expression): Rational | undefined {
  switch (expression.kind) {
    case "number":
      return expression.value;
    case "sum":
      return folded(expression.items, ZERO, plus);
    case "product":
      return folded(expression.items, ONE, times);
    case "quotient":
      return both(expression.top, expression.bottom, over);
    case "power":
      return power(expression.base, expression.exponent);
    case "call":
      return called(expression);
    case "based":
      return inBase(expression.digits, expression.base);
    default:
      return undefined;
  }
}

type Operation = (a: Rational, b: Rational) => Rational | undefined;

function folded(
  items: readonly Expression[],
  start: Rational,
  operation: Operation,
): Rational | undefined {
  let result: Rational | undefined = start;
  for (const item of items) {
    const value = exactValue(item);
    result = value && operation(result, value);
    if (!result) return undefined;
  }
  return result;
}

function both(a: Expression, b: Expression, operation: Operation): Rational | undefined {
  const left = exactValue(a);
  const right = left && exactValue(b);
  return right && operation(left, right);
}

function power(base: Expression, exponent: Expression): Rational | undefined {
  const [a, b] = [exactValue(base), exactValue(exponent)];
  if (!a || !b) return undefined;
  if (a.numerator === 0n && b.numerator <= 0n) return undefined;
  if (b.denominator === 1n) return toThe(a, b.numerator);
  const root = b.denominator === 2n ? rootOf(a) : undefined;
  return root && toThe(root, b.numerator);
}

/** The whole number that the digits write in a base; undefined when one of them is too large. */
export function inBase(digits: string, base: number): Rational | undefined {
  let value = 0n;
  for (const digit of digits) {
    const number = Number.parseInt(digit, 36);
    if (Number.isNaN(number) || number >= base) return undefined;
    value = value * BigInt(base) + BigInt(number);
  }
  return rational(value);
}

function called({ name, args }: Call): Rational | undefined {
  const values: Rational[] = [];
  for (const arg of args) {
    const value = exactValue(arg);
    if (!value) return undefined;
    values.push(value);
  }
  const [a = ZERO, b = ZERO] = values;
  switch (name) {
    case "percent":
      return over(a, { numerator: 100n, denominator: 1n });
    case "root":
      return b.numerator === 2n && b.denominator === 1n ? rootOf(a) : undefined;
    case "abs":
      return magnitude(a);
    case "floor":
      return rational(floorOf(a));
    case "ceil":
      return rational(-floorOf(negated(a)));
    case "factorial":
      return factorial(a);
    case "binomial":
      return binomial(a, b);
    case "mod":
      return modulo(a, b);
    case "max":
      return values.reduce((most, value) => order(value, most) > 0 ? value : most, a);
    case "min":
      return values.reduce((least, value) => order(value, least) < 0 ? value : least, a);
    case "gcd":
    case "lcm":
      return divisors(name, values);
  }
  return undefined;
}

function factorial(a: Rational): Rational | undefined {
  const last = wholeOf(a);
  if (last === undefined || last < 0n || last > MAX_FACTORIAL) return undefined;
  let product = 1n;
  for (let factor = 2n; factor <= last; factor++) product *= factor;
  return rational(product);
}

function binomial(a: Rational, b: Rational): Rational | undefined {
  const [n, given] = [wholeOf(a), wholeOf(b)];
  if (n === undefined || given === undefined || n < 0n || given < 0n) return undefined;
  if (given > n) return ZERO;
  const k = n - given < given ? n - given : given;
  if (k > MAX_FACTORIAL) return undefined;
  let value = 1n;
  for (let i = 1n; i <= k; i++) value = value * (n - k + i) / i;
  return rational(value);
}

function modulo(a: Rational, b: Rational): Rational | undefined {
  const quotient = over(a, b);
  const multiple = quotient && times(b, { numerator: floorOf(quotient), denominator: 1n });
  return multiple && plus(a, negated(multiple));
}

function divisors(name: "gcd" | "lcm", values: readonly Rational[]): Rational | undefined {
  const wholes = values.map((value) => wholeOf(magnitude(value)));
  if (wholes.some((value) => value === undefined || value === 0n)) return undefined;
  const divisor = (a: bigint, b: bigint): bigint => b === 0n ? a : divisor(b, a % b);
  return rational(
    (wholes as bigint[]).reduce((a, b) => name === "gcd" ? divisor(a, b) : a / divisor(a, b) * b),
  );
}
