import type { Program } from "../gpu.ts";

/** Adds up `value` over the 64 invocations of a workgroup. */
const SUM = `
var<workgroup> parts: array<f32, 64>;
fn sumOfAll(value: f32, index: u32) -> f32 {
  parts[index] = value;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (index < half) { parts[index] += parts[index + half]; }
    workgroupBarrier();
  }
  let total = parts[0];
  workgroupBarrier();
  return total;
}`;

/** One workgroup a row. */
export const RMS_NORM: Program = {
  name: "RmsNorm",
  inputs: { x: "f32", gain: "f32" },
  outputs: { y: "f32", scale: "f32" },
  params: { rows: "u32", width: "u32", epsilon: "f32" },
  workgroup: [64, 1, 1],
  declarations: SUM,
  code: `
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; }
  let start = row * params.width;
  var squares = 0.0;
  for (var i = index; i < params.width; i += 64u) { squares += x[start + i] * x[start + i]; }
  let s = 1.0 / sqrt(sumOfAll(squares, index) / f32(params.width) + params.epsilon);
  if (index == 0u) { scale[row] = s; }
  for (var i = index; i < params.width; i += 64u) { y[start + i] = x[start + i] * s * gain[i]; }`,
};

/** Rows whose part of the gain's gradient one workgroup adds up. */
export const ROWS_PER_GROUP = 16;

/** One workgroup for {@linkcode ROWS_PER_GROUP} rows; `parts` of dGain are summed afterwards. */
export const RMS_NORM_GRAD: Program = {
  name: "RmsNormGrad",
  inputs: { dy: "f32", x: "f32", gain: "f32", scale: "f32" },
  outputs: { dx: "f32", dGain: "f32" },
  params: { rows: "u32", width: "u32" },
  workgroup: [64, 1, 1],
  declarations: SUM,
  code: `
  let block = group.y * groups.x + group.x;
  let first = block * ${ROWS_PER_GROUP}u;
  if (first >= params.rows) { return; }
  let last = min(first + ${ROWS_PER_GROUP}u, params.rows);
  let part = block * params.width; // each invocation has its own columns there
  for (var i = index; i < params.width; i += 64u) { dGain[part + i] = 0.0; }
  for (var row = first; row < last; row++) {
    let start = row * params.width;
    let s = scale[row];
    var along = 0.0;
    for (var i = index; i < params.width; i += 64u) {
      along += dy[start + i] * gain[i] * x[start + i];
    }
    let pull = sumOfAll(along, index) / f32(params.width) * s * s;
    for (var i = index; i < params.width; i += 64u) {
      let d = dy[start + i];
      let v = x[start + i];
      dx[start + i] = s * (d * gain[i] - v * pull);
      dGain[part + i] += d * v * s;
    }
  }`,
};

/** Sums of columns of `x` `[rows, width]`: one invocation a column. */
export const COLUMN_SUMS: Program = {
  name: "ColumnSums",
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  params: { rows: "u32", width: "u32" },
  workgroup: [64, 1, 1],
  code: `
  let column = group.x * 64u + index;
  if (column >= params.width) { return; }
  var total = 0.0;
  for (var row = 0u; row < params.rows; row++) { total += x[row * params.width + column]; }
  y[column] = total;`,
};
