// Functions of four numbers at once that WebAssembly lacks.

/** a * b + c, rounded once or twice as the processor likes. */
// @ts-ignore: decorator
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  return f32x4.relaxed_madd(a, b, c);
}

/** The sum of the four. */
// @ts-ignore: decorator
@inline
export function sum(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.add(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

/** The largest of the four. */
// @ts-ignore: decorator
@inline
export function largest(v: v128): f32 {
  const pairs = f32x4.max(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.max(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

/** Four numbers of which only `count` are there; the others are -Infinity. */
// @ts-ignore: decorator
@inline
export function some(x: usize, count: usize): v128 {
  let v = f32x4.splat(-Infinity);
  v = f32x4.replace_lane(v, 0, load<f32>(x));
  if (count > 1) v = f32x4.replace_lane(v, 1, load<f32>(x, 4));
  if (count > 2) v = f32x4.replace_lane(v, 2, load<f32>(x, 8));
  return v;
}

/** The largest of `count` numbers, but for NaN; -Infinity if there are none. */
export function maximum(x: usize, count: usize): f32 {
  let best = f32x4.splat(-Infinity);
  const end = x + (count << 2), whole = end - 12;
  for (; x < whole; x += 16) best = f32x4.pmax(best, v128.load(x));
  if (x < end) best = f32x4.pmax(best, some(x, end - x >> 2));
  return largest(best);
}

/** Four numbers, or one where a row ends before the fourth. */
// @ts-ignore: decorator
@inline
export function take(at: usize, four: bool): v128 {
  return four ? v128.load(at) : v128.load32_zero(at);
}

// @ts-ignore: decorator
@inline
export function put(at: usize, v: v128, four: bool): void {
  if (four) v128.store(at, v);
  else v128.store32_lane(at, v, 0);
}

// V8 makes a constant of four numbers anew at every use, in 4 steps. Loops keep those of `power` in
// registers instead, of which there are 15.

/** A zero that the compiler does not see to be one: the sign of a count. */
// @ts-ignore: decorator
@inline
export function zeroOf(count: usize): v128 {
  return i32x4.splat(<i32> count >> 31);
}

/** A constant that stays in its register, with `zero` of {@linkcode zeroOf}. */
// @ts-ignore: decorator
@inline
export function held(x: f32, zero: v128): v128 {
  return v128.or(f32x4.splat(x), zero);
}

export const LOG2E: f32 = 1.4426950408889634, LN2: f32 = 0.6931471805599453;

/** Constants of {@linkcode power}: of polynomials of this degree that are 1 at 0, the best. */
export const LEAST: f32 = -127, ROUND: f32 = 12582912;
export const K1: f32 = 6.931470037e-1, K2: f32 = 2.402224690e-1;
export const K3: f32 = 5.550710857e-2, K4: f32 = 9.671291336e-3;
export const K5: f32 = 1.326952130e-3;

/**
 * 2^x for LEAST <= x <= 127 within 2 units of the last place, but 0 for LEAST: the whole part of x
 * is added to the exponent, and a polynomial gives the rest.
 */
// @ts-ignore: decorator
@inline
export function power(
  x: v128,
  round: v128,
  k5: v128,
  k4: v128,
  k3: v128,
  k2: v128,
  k1: v128,
  one: v128,
): v128 {
  const n = f32x4.add(x, round); // the whole part, in the lowest bits
  const r = f32x4.sub(x, f32x4.sub(n, round));
  const p = fma(fma(fma(fma(fma(k5, r, k4), r, k3), r, k2), r, k1), r, one);
  return i32x4.add(p, i32x4.shl(n, 23));
}

/** e^x for x <= 88, where few are wanted. Its relative error grows with |x|, by 2^-24 each. */
export function exp(x: f32): f32 {
  const e = power(
    f32x4.pmax(f32x4.splat(x * LOG2E), f32x4.splat(LEAST)), // in this order NaN stays
    f32x4.splat(ROUND),
    f32x4.splat(K5),
    f32x4.splat(K4),
    f32x4.splat(K3),
    f32x4.splat(K2),
    f32x4.splat(K1),
    f32x4.splat(1),
  );
  return f32x4.extract_lane(e, 0);
}

/** Natural logarithm of normal positive numbers (Cephes logf). */
// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  // x = m 2^e with m in [sqrt(1/2), sqrt(2))
  const bits = i32x4.sub(x, i32x4.splat(0x3f3504f3));
  const e = f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23));
  const mantissa = i32x4.add(v128.and(bits, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3));
  const r = f32x4.sub(mantissa, f32x4.splat(1));
  const z = f32x4.mul(r, r);
  let p = f32x4.splat(7.0376836292e-2);
  p = fma(p, r, f32x4.splat(-1.1514610310e-1));
  p = fma(p, r, f32x4.splat(1.1676998740e-1));
  p = fma(p, r, f32x4.splat(-1.2420140846e-1));
  p = fma(p, r, f32x4.splat(1.4249322787e-1));
  p = fma(p, r, f32x4.splat(-1.6668057665e-1));
  p = fma(p, r, f32x4.splat(2.0000714765e-1));
  p = fma(p, r, f32x4.splat(-2.4999993993e-1));
  p = fma(p, r, f32x4.splat(3.3333331174e-1));
  p = f32x4.mul(f32x4.mul(p, r), z);
  p = fma(e, f32x4.splat(-2.12194440e-4), p);
  p = fma(z, f32x4.splat(-0.5), p);
  return fma(e, f32x4.splat(0.693359375), f32x4.add(r, p));
}

/** The logarithm of one number, or NaN; Mathf.log has a table, written over the heap's start. */
export function logOf(x: f32): f32 {
  return x == x ? f32x4.extract_lane(log(f32x4.splat(x)), 0) : x;
}
