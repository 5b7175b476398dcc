import { fma } from "./math";

/** Both halves of four floats squared and added to two sums each, in double precision. */
// @ts-ignore: decorator
@inline
function addSquares(v: v128, sums: v128): v128 {
  const low = f64x2.promote_low_f32x4(v);
  const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3));
  return f64x2.relaxed_madd(high, high, f64x2.relaxed_madd(low, low, sums));
}

/** Sums of squares of `size` numbers, one for each `block` of them, in double precision. */
export function sumsOfSquares(x: usize, size: i32, block: i32, sums: usize): void {
  const end = x + (<usize> size << 2);
  for (; x < end; sums += 8) {
    const next = min(end, x + (<usize> block << 2));
    const whole = x + ((next - x) & ~63);
    // Four chains of additions, so that none waits for the one before.
    let a = f64x2.splat(0), b = a, c = a, d = a;
    for (; x < whole; x += 64) {
      a = addSquares(v128.load(x), a);
      b = addSquares(v128.load(x, 16), b);
      c = addSquares(v128.load(x, 32), c);
      d = addSquares(v128.load(x, 48), d);
    }
    const all = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
    let sum = f64x2.extract_lane(all, 0) + f64x2.extract_lane(all, 1);
    for (; x < next; x += 4) sum += <f64> load<f32>(x) * <f64> load<f32>(x);
    store<f64>(sums, sum);
  }
}

/**
 * One AdamW step of `size` weights, in place:
 * m = beta1 m + (1 - beta1) g', v = beta2 v + (1 - beta2) g'^2 with g' = clip g, and
 * weight = keep weight - stepSize m / (sqrt(v) scale + epsilon).
 */
export function adamw(
  weight: usize,
  gradient: usize,
  m: usize,
  v: usize,
  size: i32,
  clip: f32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  keep: f32,
  stepSize: f32,
  scale: f32,
  epsilon: f32,
): void {
  const bytes: usize = <usize> size << 2, whole = bytes & ~15;
  const clips = f32x4.splat(clip), keeps = f32x4.splat(keep), back = f32x4.splat(-stepSize);
  const betas1 = f32x4.splat(beta1), rests1 = f32x4.splat(rest1);
  const betas2 = f32x4.splat(beta2), rests2 = f32x4.splat(rest2);
  const scales = f32x4.splat(scale), epsilons = f32x4.splat(epsilon);
  for (let i: usize = 0; i < whole; i += 16) {
    const g = f32x4.mul(v128.load(gradient + i), clips);
    const mean = fma(v128.load(m + i), betas1, f32x4.mul(g, rests1));
    const square = fma(v128.load(v + i), betas2, f32x4.mul(f32x4.mul(g, g), rests2));
    const direction = f32x4.div(mean, fma(f32x4.sqrt(square), scales, epsilons));
    v128.store(m + i, mean);
    v128.store(v + i, square);
    v128.store(weight + i, fma(direction, back, f32x4.mul(v128.load(weight + i), keeps)));
  }
  for (let i = whole; i < bytes; i += 4) {
    const g = load<f32>(gradient + i) * clip;
    const mean = load<f32>(m + i) * beta1 + g * rest1;
    const square = load<f32>(v + i) * beta2 + g * g * rest2;
    const direction: f32 = mean / (Mathf.sqrt(square) * scale + epsilon);
    store<f32>(m + i, mean);
    store<f32>(v + i, square);
    store<f32>(weight + i, load<f32>(weight + i) * keep - direction * stepSize);
  }
}
