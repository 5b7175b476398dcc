/**
 * Expressions worked out in complex doubles, at numbers given for the unknowns.
 *
 * @module
 */
import {
  add,
  apply,
  type Complex,
  cosine,
  divide,
  IMAGINARY,
  isKnown,
  isReal,
  logarithm,
  multiply,
  raise,
  real,
  rootOfDegree,
  sine,
  sizeOf,
  UNDEFINED,
} from "./complex.ts";
import { exactValue, inBase } from "./exact.ts";
import type { Call, Expression } from "./expression.ts";
import { toNumber } from "./rational.ts";

/** Numbers for the unknowns, and for functions that nobody defined, by name. */
export type Point = (name: string) => Complex;

const DEGREE = Math.PI / 180;

/** What units of angle are worth in radians; other units count as 1. */
const ANGLES: Readonly<Record<string, number>> = {
  degree: DEGREE,
  degrees: DEGREE,
  deg: DEGREE,
  arcmin: DEGREE / 60,
  arcsec: DEGREE / 3600,
};

/** The value of an expression at a point; {@linkcode UNDEFINED} where it has none. */
export function evaluate(expression: Expression, at: Point): Complex {
  switch (expression.kind) {
    case "number":
      return real(toNumber(expression.value));
    case "based": {
      const value = inBase(expression.digits, expression.base);
      return value ? real(toNumber(value)) : UNDEFINED;
    }
    case "symbol":
      return symbol(expression.name, at);
    case "sum":
      return expression.items.map((item) => evaluate(item, at)).reduce(add);
    case "product":
      return expression.items.map((item) => evaluate(item, at)).reduce(multiply);
    case "quotient":
      return divide(evaluate(expression.top, at), evaluate(expression.bottom, at));
    case "power":
      return power(expression.base, expression.exponent, at);
    case "quantity": {
      const value = evaluate(expression.value, at);
      const angle = ANGLES[expression.unit];
      return angle ? multiply(value, real(angle)) : value;
    }
    case "call":
      return called(expression, at);
    case "opaque":
      return at(expression.text);
    default:
      return UNDEFINED;
  }
}

function symbol(name: string, at: Point): Complex {
  if (name === "pi") return real(Math.PI);
  if (name === "e") return real(Math.E);
  if (name === "i") return IMAGINARY;
  return name === "infinity" ? UNDEFINED : at(name);
}

/** Powers by a fraction with an odd denominator are real for negative bases, as roots are. */
function power(base: Expression, exponent: Expression, at: Point): Complex {
  const below = evaluate(base, at);
  const exact = exactValue(exponent);
  const { numerator = 0n, denominator = 1n } = exact ?? {};
  if (denominator > 1n && denominator < 1000n) {
    return raise(rootOfDegree(below, Number(denominator)), real(Number(numerator), 0));
  }
  return raise(below, exact ? { re: toNumber(exact), im: 0, error: 0 } : evaluate(exponent, at));
}

type OfOne = (a: Complex) => Complex;

const reciprocal = (of: OfOne): OfOne => (a) => divide(real(1), of(a));
const tangent: OfOne = (a) => divide(sine(a), cosine(a));

/** Functions of one number. */
const FUNCTIONS: Readonly<Record<string, OfOne>> = {
  sin: sine,
  cos: cosine,
  tan: tangent,
  cot: (a) => divide(cosine(a), sine(a)),
  sec: reciprocal(cosine),
  csc: reciprocal(sine),
  cis: (a) => add(cosine(a), multiply(IMAGINARY, sine(a))),
  sinh: (a) => apply(a, Math.sinh, Math.cosh),
  cosh: (a) => apply(a, Math.cosh, Math.sinh),
  tanh: (a) => apply(a, Math.tanh, (x) => 1 - Math.tanh(x) ** 2),
  coth: (a) => divide(real(1), apply(a, Math.tanh, (x) => 1 - Math.tanh(x) ** 2)),
  arcsin: (a) => apply(a, Math.asin, (x) => 1 / Math.sqrt(1 - x * x)),
  arccos: (a) => apply(a, Math.acos, (x) => 1 / Math.sqrt(1 - x * x)),
  arctan: (a) => apply(a, Math.atan, (x) => 1 / (1 + x * x)),
  arccot: (a) => apply(a, (x) => Math.PI / 2 - Math.atan(x), (x) => 1 / (1 + x * x)),
  ln: logarithm,
  percent: (a) => divide(a, real(100)),
  abs: (a) => ({ re: sizeOf(a), im: 0, error: a.error }),
  floor: (a) => stepped(a, Math.floor),
  ceil: (a) => stepped(a, Math.ceil),
  factorial: (a) => {
    const n = wholeNumber(a);
    return n === undefined || n < 0 || n > 170 ? UNDEFINED : real(factorial(n));
  },
};

/** Floor or ceiling; undefined next to a step that rounding may have crossed. */
function stepped(a: Complex, step: (x: number) => number): Complex {
  if (!isReal(a)) return UNDEFINED;
  const nearest = Math.round(a.re);
  const value = Math.abs(a.re - nearest) <= 8 * a.error ? nearest : step(a.re);
  return { re: value, im: 0, error: 0 };
}

/** The whole number that a value is, as far as is known. */
function wholeNumber(a: Complex): number | undefined {
  const nearest = Math.round(a.re);
  const isWhole = isReal(a) && Math.abs(a.re - nearest) <= 8 * a.error;
  return isWhole ? nearest : undefined;
}

function factorial(n: number): number {
  let product = 1;
  for (let factor = 2; factor <= n; factor++) product *= factor;
  return product;
}

function called(call: Call, at: Point): Complex {
  const { name, args } = call;
  if (name === "det") return determinant(args[0]!, at);
  const values = args.map((arg) => evaluate(arg, at));
  const [a = UNDEFINED, b = UNDEFINED] = values;
  if (Object.hasOwn(FUNCTIONS, name)) return values.length === 1 ? FUNCTIONS[name]!(a) : UNDEFINED;
  switch (name) {
    case "log":
      return divide(logarithm(a), logarithm(b));
    case "root": {
      const degree = wholeNumber(b);
      if (degree === undefined || degree < 1) return raise(a, divide(real(1), b));
      return rootOfDegree(a, degree);
    }
    case "binomial":
      return binomial(a, b);
    case "mod": {
      const [m, n] = [wholeNumber(a), wholeNumber(b)];
      return m === undefined || !n ? UNDEFINED : real(m - n * Math.floor(m / n));
    }
    case "max":
    case "min":
      return extreme(name, values);
    case "gcd":
    case "lcm": {
      const exact = exactValue(call);
      return exact ? real(toNumber(exact)) : UNDEFINED;
    }
  }
  return undefinedFunction(name, values, at);
}

function binomial(a: Complex, b: Complex): Complex {
  const [n, k] = [wholeNumber(a), wholeNumber(b)];
  if (n === undefined || k === undefined || n < 0 || k < 0 || n > 1000) return UNDEFINED;
  let value = k > n ? 0 : 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) value = value * (n - Math.min(k, n - k) + i) / i;
  return real(value, value * n * 2 ** -52);
}

function extreme(name: "max" | "min", values: readonly Complex[]): Complex {
  if (!values.every(isReal)) return UNDEFINED;
  const sign = name === "max" ? 1 : -1;
  return values.reduce((best, value) => sign * (value.re - best.re) > 0 ? value : best);
}

/** By its first row; for matrices that answers have. */
function determinant(matrix: Expression, at: Point): Complex {
  if (matrix.kind !== "matrix" || matrix.rows.length > 5) return UNDEFINED;
  const rows = matrix.rows.map((row) => row.map((cell) => evaluate(cell, at)));
  if (rows.some((row) => row.length !== rows.length)) return UNDEFINED;
  const expand = (rows: readonly (readonly Complex[])[]): Complex => {
    if (rows.length === 1) return rows[0]![0]!;
    return rows[0]!.map((cell, column) => {
      const minor = rows.slice(1).map((row) => row.filter((_, i) => i !== column));
      return multiply(multiply(real(column % 2 === 0 ? 1 : -1), cell), expand(minor));
    }).reduce(add);
  };
  return expand(rows);
}

/** `f(x)` is one random number for each `x`: equal arguments, as far as is known, give the same. */
function undefinedFunction(name: string, values: readonly Complex[], at: Point): Complex {
  if (!values.every(isKnown)) return UNDEFINED;
  const round = (x: number) => x === 0 ? 0 : Number(x.toPrecision(9));
  return at(`${name} ${values.map(({ re, im }) => `${round(re)},${round(im)}`).join(" ")}`);
}
