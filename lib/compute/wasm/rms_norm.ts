import { fma, sum } from "./math";

/** y = x * scale * gain and scale = 1 / sqrt(mean(x^2) + epsilon), row by row. */
export function rmsNorm(
  x: usize,
  gain: usize,
  y: usize,
  scale: usize,
  rows: i32,
  width: i32,
  epsilon: f32,
): void {
  const bytes: usize = <usize> width << 2, whole = bytes & ~15;
  for (let row = 0; row < rows; row++) {
    let squares = f32x4.splat(0);
    let rest: f32 = 0;
    for (let i: usize = 0; i < whole; i += 16) {
      const v = v128.load(x + i);
      squares = fma(v, v, squares);
    }
    for (let i = whole; i < bytes; i += 4) rest += load<f32>(x + i) * load<f32>(x + i);
    const s: f32 = <f32> 1 / Mathf.sqrt((sum(squares) + rest) / <f32> width + epsilon);
    store<f32>(scale, s);
    const each = f32x4.splat(s);
    for (let i: usize = 0; i < whole; i += 16) {
      v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), each), v128.load(gain + i)));
    }
    for (let i = whole; i < bytes; i += 4) {
      store<f32>(y + i, load<f32>(x + i) * s * load<f32>(gain + i));
    }
    x += bytes;
    y += bytes;
    scale += 4;
  }
}

/** dx = scale * (dy * gain - u * mean(dy * gain * u)) with u = x * scale; dGain is the sum of dy * u. */
export function rmsNormGrad(
  dy: usize,
  x: usize,
  gain: usize,
  scale: usize,
  dx: usize,
  dGain: usize,
  rows: i32,
  width: i32,
): void {
  const bytes: usize = <usize> width << 2, whole = bytes & ~15;
  memory.fill(dGain, 0, bytes);
  for (let row = 0; row < rows; row++) {
    const s = load<f32>(scale);
    let along = f32x4.splat(0);
    let rest: f32 = 0;
    for (let i: usize = 0; i < whole; i += 16) {
      along = fma(f32x4.mul(v128.load(dy + i), v128.load(gain + i)), v128.load(x + i), along);
    }
    for (let i = whole; i < bytes; i += 4) {
      rest += load<f32>(dy + i) * load<f32>(gain + i) * load<f32>(x + i);
    }
    const pull: f32 = (sum(along) + rest) / <f32> width * s * s; // times x: u * mean(dy gain u)
    const each = f32x4.splat(s), back = f32x4.splat(-pull);
    for (let i: usize = 0; i < whole; i += 16) {
      const v = v128.load(x + i), d = v128.load(dy + i);
      v128.store(
        dx + i,
        f32x4.mul(each, fma(v, back, f32x4.mul(d, v128.load(gain + i)))),
      );
      v128.store(dGain + i, fma(d, f32x4.mul(v, each), v128.load(dGain + i)));
    }
    for (let i = whole; i < bytes; i += 4) {
      const v = load<f32>(x + i), d = load<f32>(dy + i);
      store<f32>(dx + i, s * (d * load<f32>(gain + i) - v * pull));
      store<f32>(dGain + i, load<f32>(dGain + i) + d * v * s);
    }
    dy += bytes;
    x += bytes;
    dx += bytes;
    scale += 4;
  }
}
