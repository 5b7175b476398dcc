import {
  fma, held, K1, K2, K3, K4, K5, LN2, LOG2E, power, put, ROUND, take, zeroOf,
} from "./math";

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
  const zero = zeroOf(inner);
  const round = held(ROUND, zero), one = held(1, zero);
  const k1 = held(K1, zero), k2 = held(K2, zero), k3 = held(K3, zero);
  const k4 = held(K4, zero), k5 = held(K5, zero);
  const most = f32x4.splat(limit), least = f32x4.splat(-limit);
  const first = f32x4.splat(-linear * LOG2E), third = f32x4.splat(-cubic * LOG2E);
  for (let row = 0; row < rows; row++) {
    let step: usize = 16;
    for (let i: usize = 0; i < bytes; i += step) {
      const four = i < whole;
      if (!four) step = 4;
      const gate = take(gateUp + i, four), z = f32x4.pmin(f32x4.pmax(gate, least), most);
      const x = f32x4.mul(z, fma(f32x4.mul(z, z), third, first));
      const shut = power(x, round, k5, k4, k3, k2, k1, one);
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
  const zero = zeroOf(inner);
  const round = held(ROUND, zero), one = held(1, zero);
  const k1 = held(K1, zero), k2 = held(K2, zero), k3 = held(K3, zero);
  const k4 = held(K4, zero), k5 = held(K5, zero);
  const most = f32x4.splat(limit), least = f32x4.splat(-limit);
  const first = f32x4.splat(-linear * LOG2E), third = f32x4.splat(-cubic * LOG2E);
  const back = held(-LN2, zero);
  for (let row = 0; row < rows; row++) {
    let step: usize = 16;
    for (let i: usize = 0; i < bytes; i += step) {
      const four = i < whole;
      if (!four) step = 4;
      const gate = take(gateUp + i, four), z = f32x4.pmin(f32x4.pmax(gate, least), most);
      const bend = f32x4.mul(f32x4.mul(z, z), third), x = f32x4.mul(z, f32x4.add(bend, first));
      const steepness = f32x4.mul(fma(f32x4.add(bend, bend), z, x), back);
      const shut = power(x, round, k5, k4, k3, k2, k1, one);
      const open = f32x4.div(one, f32x4.add(one, shut)); // and 1 - open = open * shut
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
