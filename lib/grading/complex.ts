/**
 * Complex doubles that know how wrong they may be: every operation adds its rounding, and what its
 * operands' errors become, to a bound that is right to first order. Two values differ when they
 * differ by more than their bounds.
 *
 * @module
 */

/** A complex number and a bound of its error. */
export interface Complex {
  readonly re: number;
  readonly im: number;
  readonly error: number;
}

const EPSILON = 2 ** -52;

/** Size of a complex number. */
export const sizeOf = ({ re, im }: Complex): number =>
  im === 0 ? Math.abs(re) : re === 0 ? Math.abs(im) : Math.hypot(re, im);

/** A value with the rounding of having been worked out. */
function rounded(re: number, im: number, error: number): Complex {
  return { re, im, error: error + EPSILON * (Math.abs(re) + Math.abs(im)) };
}

/** A real number, right to a rounding. */
export const real = (re: number, error = 0): Complex => rounded(re, 0, error);

/** Not a number: where an expression is not defined. */
export const UNDEFINED: Complex = { re: NaN, im: 0, error: Infinity };

/** The imaginary unit. */
export const IMAGINARY: Complex = { re: 0, im: 1, error: 0 };

/** Whether the imaginary part is nothing but error. */
export const isReal = ({ im, error }: Complex): boolean => Math.abs(im) <= 4 * error;

/** Sum. */
export const add = (a: Complex, b: Complex): Complex =>
  rounded(a.re + b.re, a.im + b.im, a.error + b.error);

/** Product. */
export function multiply(a: Complex, b: Complex): Complex {
  const error = sizeOf(a) * b.error + sizeOf(b) * a.error + a.error * b.error;
  return rounded(
    a.re * b.re - a.im * b.im,
    a.re * b.im + a.im * b.re,
    error + EPSILON * sizeOf(a) * sizeOf(b),
  );
}

/** Quotient; undefined by what may be zero. */
export function divide(a: Complex, b: Complex): Complex {
  const size = sizeOf(b);
  if (size <= 2 * b.error || size === 0) return UNDEFINED;
  if (a.im === 0 && b.im === 0) {
    const quotient = a.re / b.re;
    return rounded(quotient, 0, (a.error + Math.abs(quotient) * b.error) / size);
  }
  const square = size * size;
  const [re, im] = [
    (a.re * b.re + a.im * b.im) / square,
    (a.im * b.re - a.re * b.im) / square,
  ];
  const error = (a.error + Math.hypot(re, im) * b.error) / size;
  return rounded(re, im, error + 4 * EPSILON * Math.hypot(re, im));
}

/** `e` to the power. */
export function exponential(a: Complex): Complex {
  const scale = Math.exp(a.re);
  const error = scale * (a.error + EPSILON * Math.abs(a.re));
  if (a.im === 0) return rounded(scale, 0, error);
  return rounded(scale * Math.cos(a.im), scale * Math.sin(a.im), error + EPSILON * scale);
}

/** Natural logarithm, principal; undefined of what may be zero. */
export function logarithm(a: Complex): Complex {
  const size = sizeOf(a);
  if (size <= 2 * a.error) return UNDEFINED;
  const nearCut = a.re < 0 && a.im !== 0 && isReal(a); // which side of the cut is not known
  if (nearCut) return rounded(Math.log(size), Math.PI, a.error / size + EPSILON);
  const angle = a.im === 0 ? (a.re < 0 ? Math.PI : 0) : Math.atan2(a.im, a.re);
  return rounded(Math.log(size), angle, a.error / size + EPSILON);
}

/** Principal power. */
export function raise(base: Complex, exponent: Complex): Complex {
  if (
    exponent.im === 0 && Number.isInteger(exponent.re) &&
    exponent.error <= EPSILON * Math.abs(exponent.re)
  ) {
    return toInteger(base, exponent.re);
  }
  if (sizeOf(base) === 0) return exponent.re > 0 && base.error === 0 ? real(0) : UNDEFINED;
  if (base.im === 0 && base.re > 0 && exponent.im === 0) {
    const value = base.re ** exponent.re;
    const relative = Math.abs(exponent.re) * base.error / base.re +
      Math.abs(Math.log(base.re)) * exponent.error;
    return rounded(value, 0, Math.abs(value) * (relative + EPSILON));
  }
  return exponential(multiply(exponent, logarithm(base)));
}

function toInteger(base: Complex, exponent: number): Complex {
  if (base.im === 0) {
    const value = base.re ** exponent;
    if (base.re === 0 && exponent <= 0) return UNDEFINED;
    const relative = base.re === 0 ? 0 : Math.abs(exponent) * base.error / Math.abs(base.re);
    return rounded(value, 0, Math.abs(value) * (relative + EPSILON));
  }
  if (Math.abs(exponent) > 64) return exponential(multiply(real(exponent), logarithm(base)));
  let power = real(1);
  for (let i = 0; i < Math.abs(exponent); i++) power = multiply(power, base);
  return exponent < 0 ? divide(real(1), power) : power;
}

/** Root of a whole degree: real of a negative number when the degree is odd. */
export function rootOfDegree(a: Complex, degree: number): Complex {
  if (a.im === 0 && a.re < 0 && degree % 2 === 1) {
    const { re, error } = rootOfDegree({ ...a, re: -a.re }, degree);
    return { re: -re, im: 0, error };
  }
  if (sizeOf(a) === 0) return a.error === 0 ? real(0) : UNDEFINED;
  if (a.im === 0 && a.re > 0) {
    const value = degree === 2
      ? Math.sqrt(a.re)
      : degree === 3
      ? Math.cbrt(a.re)
      : a.re ** (1 / degree);
    return rounded(value, 0, value * (a.error / (degree * a.re) + EPSILON));
  }
  if (a.im === 0 && degree === 2) {
    const value = Math.sqrt(-a.re);
    return rounded(0, value, value * (a.error / (2 * -a.re) + EPSILON));
  }
  return raise(a, real(1 / degree));
}

/** A function of the reals, by its value and its slope. */
export function apply(
  a: Complex,
  value: (x: number) => number,
  slope: (x: number) => number,
): Complex {
  if (!isReal(a)) return UNDEFINED;
  const result = value(a.re);
  return rounded(result, 0, Math.abs(slope(a.re)) * (a.error + EPSILON * Math.abs(a.re)));
}

/** Sine of a complex number: (e^{ia} - e^{-ia}) / 2i. */
export function sine(a: Complex): Complex {
  if (a.im === 0) return apply(a, Math.sin, Math.cos);
  const [up, down] = turns(a);
  const { re, im, error } = add(up, { ...down, re: -down.re, im: -down.im });
  return { re: im / 2, im: -re / 2, error: error / 2 };
}

/** Cosine of a complex number: (e^{ia} + e^{-ia}) / 2. */
export function cosine(a: Complex): Complex {
  if (a.im === 0) return apply(a, Math.cos, Math.sin);
  const [up, down] = turns(a);
  const { re, im, error } = add(up, down);
  return { re: re / 2, im: im / 2, error: error / 2 };
}

function turns({ re, im, error }: Complex): readonly [Complex, Complex] {
  return [exponential({ re: -im, im: re, error }), exponential({ re: im, im: -re, error })];
}

/** Whether two values may be the same number. */
export function agree(a: Complex, b: Complex): boolean {
  return Math.hypot(a.re - b.re, a.im - b.im) <= 8 * (a.error + b.error);
}

/** Whether a value is known well enough to compare by: to about nine digits. */
export function isKnown(a: Complex): boolean {
  return Number.isFinite(a.re) && Number.isFinite(a.im) &&
    a.error <= 1e-9 * Math.max(sizeOf(a), 1e-3);
}
