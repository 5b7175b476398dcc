/**
 * Expressions worked out in a finite field: two polynomials or fractions of polynomials that differ
 * anywhere differ at a random point of a field of 2⁶⁴ elements, but for a chance of about
 * degree / 2⁶⁴ (Schwartz and Zippel). No rounding, and no number grows: `9^{9^9}` is one element.
 *
 * Unknowns, π and e are random elements, and so is each function of given arguments, so that two
 * expressions with functions in them can be found equal here, but never found different.
 *
 * @module
 */
import type { Expression } from "./expression.ts";
import { exactValue, inBase } from "./exact.ts";
import { type Rational, wholeOf } from "./rational.ts";

/** 2⁶⁴ - 2³² + 1, a prime in which 2⁴⁸ is a square root of -1. */
const PRIME = 0xffffffff00000001n;
const I = 1n << 48n;

/** What an expression is at a point of the field. */
export interface Element {
  readonly value: bigint;
  /** Holds no function: what differs here differs. */
  readonly decisive: boolean;
}

const modulo = (value: bigint) => ((value % PRIME) + PRIME) % PRIME;

/** A random element for a text, by FNV-1a in 64 bits. */
function elementOf(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return modulo(hash * 0x9e3779b97f4a7c15n);
}

function toThe(base: bigint, exponent: bigint): bigint {
  let [result, square, left] = [1n, base, exponent];
  for (; left > 0n; left >>= 1n) {
    if (left & 1n) result = result * square % PRIME;
    square = square * square % PRIME;
  }
  return result;
}

/** `1 / value`; undefined of 0. */
const inverse = (value: bigint) => value === 0n ? undefined : toThe(value, PRIME - 2n);

function ofRational({ numerator, denominator }: Rational): bigint | undefined {
  const bottom = inverse(modulo(denominator));
  return bottom === undefined ? undefined : modulo(numerator) * bottom % PRIME;
}

/**
 * The expression at a point of the field.
 *
 * @param seed Chooses the point.
 * @returns undefined where it is not defined, and for what is no number.
 */
export function elementAt(expression: Expression, seed: string): Element | undefined {
  let decisive = true;
  const at = (expression: Expression): bigint | undefined => {
    switch (expression.kind) {
      case "number":
        return ofRational(expression.value);
      case "based": {
        const value = inBase(expression.digits, expression.base);
        return value && ofRational(value);
      }
      case "symbol":
        return expression.name === "i" ? I : elementOf(`${seed} ${expression.name}`);
      case "sum":
        return folded(expression.items, 0n, (a, b) => (a + b) % PRIME);
      case "product":
        return folded(expression.items, 1n, (a, b) => a * b % PRIME);
      case "quotient": {
        const [top, bottom] = [at(expression.top), at(expression.bottom)];
        const over = bottom === undefined ? undefined : inverse(bottom);
        return top === undefined || over === undefined ? undefined : top * over % PRIME;
      }
      case "power":
        return power(expression.base, expression.exponent);
      case "call":
        if (expression.name === "percent") return at(percentage(expression.args[0]!));
        return atom(expression.name, expression.args);
      case "quantity":
        return atom(expression.unit, [expression.value]);
      case "opaque":
        decisive = false;
        return elementOf(`${seed} ${expression.text}`);
      default:
        return undefined;
    }
  };
  const folded = (
    items: readonly Expression[],
    start: bigint,
    operation: (a: bigint, b: bigint) => bigint,
  ): bigint | undefined => {
    let result = start;
    for (const item of items) {
      const value = at(item);
      if (value === undefined) return undefined;
      result = operation(result, value);
    }
    return result;
  };
  const power = (base: Expression, exponent: Expression): bigint | undefined => {
    const exact = exactValue(exponent);
    const whole = exact && wholeOf(exact);
    const below = at(base);
    if (below === undefined) return undefined;
    if (whole === undefined) return atom("power", [base, exponent]);
    if (whole >= 0n) return toThe(below, whole);
    const over = inverse(below);
    return over === undefined ? undefined : toThe(over, -whole);
  };
  const atom = (name: string, args: readonly Expression[]): bigint | undefined => {
    decisive = false;
    const values = args.map(at);
    return values.includes(undefined)
      ? undefined
      : elementOf(`${seed} ${name} ${values.join(" ")}`);
  };
  const value = at(expression);
  return value === undefined ? undefined : { value, decisive };
}

const percentage = (top: Expression): Expression => ({
  kind: "quotient",
  top,
  bottom: { kind: "number", value: { numerator: 100n, denominator: 1n } },
});
