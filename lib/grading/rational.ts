/**
 * Exact fractions: what answers with digits are compared by, since `0.1 + 0.2` is `0.3` only here.
 *
 * @module
 */

/** A fraction in lowest terms; `denominator > 0`. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Bits that a numerator or denominator may have: about 20,000 digits, some microseconds to multiply. */
const MAX_BITS = 1 << 16;

/** Largest exponent of ten that a decimal may be written with. */
const MAX_EXPONENT = 10_000;

/** Bits of a whole number, to within four. */
export function bitsOf(whole: bigint): number {
  return 4 * (whole < 0n ? -whole : whole).toString(16).length;
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y) [x, y] = [y, x % y];
  return x;
}

/** The fraction in lowest terms; undefined by zero, or when it is too large to work with. */
export function rational(numerator: bigint, denominator = 1n): Rational | undefined {
  if (denominator === 0n) return undefined;
  if (denominator === 1n) {
    return fits(numerator) ? { numerator, denominator } : undefined;
  }
  if (!fits(numerator) || !fits(denominator)) return undefined;
  const divisor = greatestDivisor(numerator, denominator) * (denominator < 0n ? -1n : 1n);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/** `2 ** 64` fits whatever its bits; larger ones are counted. */
function fits(whole: bigint): boolean {
  return BigInt.asIntN(64, whole) === whole || bitsOf(whole) <= MAX_BITS;
}

/** Zero, one. */
export const ZERO: Rational = { numerator: 0n, denominator: 1n };
export const ONE: Rational = { numerator: 1n, denominator: 1n };

/** Sum; undefined when it is too large. */
export function plus(a: Rational, b: Rational): Rational | undefined {
  return rational(
    a.numerator * b.denominator + b.numerator * a.denominator,
    a.denominator * b.denominator,
  );
}

/** Product; undefined when it is too large. */
export function times(a: Rational, b: Rational): Rational | undefined {
  return rational(a.numerator * b.numerator, a.denominator * b.denominator);
}

/** Quotient; undefined by zero, and when it is too large. */
export function over(a: Rational, b: Rational): Rational | undefined {
  return rational(a.numerator * b.denominator, a.denominator * b.numerator);
}

/** `-a`. */
export function negated({ numerator, denominator }: Rational): Rational {
  return { numerator: -numerator, denominator };
}

/** Whole power; undefined for a negative power of zero, and when it is too large. */
export function toThe(a: Rational, exponent: bigint): Rational | undefined {
  if (exponent < 0n) {
    const inverse = over(ONE, a);
    return inverse && toThe(inverse, -exponent);
  }
  const bits = Math.max(bitsOf(a.numerator), bitsOf(a.denominator));
  const trivial = a.denominator === 1n && a.numerator >= -1n && a.numerator <= 1n;
  if (!trivial && exponent * BigInt(bits) > 4n * BigInt(MAX_BITS)) return undefined;
  const small = trivial ? exponent % 2n + (exponent > 1n ? 2n : 0n) : exponent;
  return rational(a.numerator ** small, a.denominator ** small);
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function order(a: Rational, b: Rational): number {
  const [left, right] = [a.numerator * b.denominator, b.numerator * a.denominator];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether two fractions are the same number. */
export function isSame(a: Rational, b: Rational): boolean {
  return a.numerator === b.numerator && a.denominator === b.denominator;
}

/** `|a|`. */
export function magnitude(a: Rational): Rational {
  return a.numerator < 0n ? negated(a) : a;
}

/** Greatest whole number that is at most `a`. */
export function floorOf({ numerator, denominator }: Rational): bigint {
  const quotient = numerator / denominator;
  return numerator % denominator < 0n ? quotient - 1n : quotient;
}

/** The whole number that a fraction is, if it is one. */
export function wholeOf({ numerator, denominator }: Rational): bigint | undefined {
  return denominator === 1n ? numerator : undefined;
}

/** Nearest double; `Infinity` beyond its range. */
export function toNumber({ numerator, denominator }: Rational): number {
  const excess = Math.max(bitsOf(numerator), bitsOf(denominator)) - 1000;
  if (excess <= 0) return Number(numerator) / Number(denominator);
  const shift = BigInt(excess);
  const [top, bottom] = [numerator >> shift, denominator >> shift];
  if (bottom === 0n) return numerator < 0n ? -Infinity : Infinity;
  return Number(top) / Number(bottom);
}

/** Square root, when it is a fraction. */
export function rootOf(a: Rational): Rational | undefined {
  if (a.numerator < 0n) return undefined;
  const [top, bottom] = [wholeRoot(a.numerator), wholeRoot(a.denominator)];
  if (top === undefined || bottom === undefined) return undefined;
  return { numerator: top, denominator: bottom };
}

function wholeRoot(square: bigint): bigint | undefined {
  if (square < 2n) return square;
  if (bitsOf(square) > 4096) return undefined;
  let root = 1n << BigInt(Math.ceil(bitsOf(square) / 2)); // Newton, from above
  for (let next = (root + square / root) / 2n; next < root; next = (root + square / root) / 2n) {
    root = next;
  }
  return root * root === square ? root : undefined;
}

/**
 * The number that digits write: `12`, `.5`, `1.50`, `2.4e-16`.
 *
 * @returns undefined when the exponent is too large.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decimal } from "./rational.ts";
 *
 * assertEquals(decimal("-1.50"), { numerator: -3n, denominator: 2n });
 * assertEquals(decimal("1e999999999"), undefined);
 * ```
 */
export function decimal(text: string): Rational | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match || !(match[2] || match[3])) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  if (whole.length + fraction.length > MAX_EXPONENT || exponent.length > 6) return undefined;
  const shift = Number(exponent) - fraction.length;
  if (Math.abs(shift) > MAX_EXPONENT) return undefined;
  const digits = BigInt(sign + (whole + fraction || "0"));
  return shift >= 0
    ? rational(digits * 10n ** BigInt(shift))
    : rational(digits, 10n ** BigInt(-shift));
}
