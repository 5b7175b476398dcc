import { exp, fma } from "./math";

/** Four numbers, or one where a row ends before the fourth. */
// @ts-ignore: decorator
@inline
function take(at: usize, four: bool): v128 {
  return four ? v128.load(at) : v128.load32_zero(at);
}

// @ts-ignore: decorator
@inline
function put(at: usize, v: v128, four: bool): void {
  if (four) v128.store(at, v);
  else v128.store32_lane(at, v, 0);
}

/** y = gate * sigmoid(linear z + cubic z^3) * up, z being gate kept within +-limit. */
export function gatedLinearUnit(
  gateUp: usize,
  y: usize,
  rows: i32,
  inner: i32,
  linear: f32,
  cubic: f32,
  limit: f32,
): void {
  const bytes: usize = <usize> inner << 2, whole = bytes & ~15;
  const one = f32x4.splat(1), most = f32x4.splat(limit), least = f32x4.splat(-limit);
  const first = f32x4.splat(-linear), third = f32x4.splat(-cubic);
  for (let row = 0; row < rows; row++) {
    let step: usize = 16;
    for (let i: usize = 0; i < bytes; i += step) {
      const four = i < whole;
      if (!four) step = 4;
      const gate = take(gateUp + i, four), z = f32x4.pmin(f32x4.pmax(gate, least), most);
      const shut = exp(f32x4.mul(z, fma(f32x4.mul(z, z), third, first)));
      const activated = f32x4.div(gate, f32x4.add(one, shut));
      put(y + i, f32x4.mul(activated, take(gateUp + bytes + i, four)), four);
    }
    gateUp += 2 * bytes;
    y += bytes;
  }
}

/** dGate = dy * up * slope of the activation, then dUp = dy * activation, as gateUp has them. */
export function gatedLinearUnitGrad(
  dy: usize,
  gateUp: usize,
  dGateUp: usize,
  rows: i32,
  inner: i32,
  linear: f32,
  cubic: f32,
  limit: f32,
): void {
  const bytes: usize = <usize> inner << 2, whole = bytes & ~15;
  const one = f32x4.splat(1), most = f32x4.splat(limit), least = f32x4.splat(-limit);
  const first = f32x4.splat(linear), third = f32x4.splat(cubic), thrice = f32x4.splat(3 * cubic);
  for (let row = 0; row < rows; row++) {
    let step: usize = 16;
    for (let i: usize = 0; i < bytes; i += step) {
      const four = i < whole;
      if (!four) step = 4;
      const gate = take(gateUp + i, four), z = f32x4.pmin(f32x4.pmax(gate, least), most);
      const square = f32x4.mul(z, z);
      const shut = exp(f32x4.neg(f32x4.mul(z, fma(square, third, first))));
      const open = f32x4.div(one, f32x4.add(one, shut)); // and 1 - open = open * shut
      const steepness = f32x4.mul(z, fma(square, thrice, first));
      const slope = f32x4.mul(open, fma(steepness, f32x4.mul(open, shut), one));
      const d = take(dy + i, four);
      put(dGateUp + i, f32x4.mul(f32x4.mul(d, take(gateUp + bytes + i, four)), slope), four);
      put(dGateUp + bytes + i, f32x4.mul(d, f32x4.mul(gate, open)), four);
    }
    dy += bytes;
    gateUp += 2 * bytes;
    dGateUp += 2 * bytes;
  }
}
