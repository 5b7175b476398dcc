import type { Program } from "../gpu.ts";

/** Invocations of a workgroup of each program. */
export const INVOCATIONS = 256;

/** Adds up `value` over the invocations of a workgroup; the first has the sum. */
const SUM = `
var<workgroup> parts: array<f32, ${INVOCATIONS}>;
fn sumOfAll(value: f32, index: u32) -> f32 {
  parts[index] = value;
  workgroupBarrier();
  for (var half = ${INVOCATIONS / 2}u; half > 0u; half /= 2u) {
    if (index < half) { parts[index] += parts[index + half]; }
    workgroupBarrier();
  }
  return parts[0];
}`;

/** `count` of something, by their numbers. */
const numbered = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Bindings `name0`, `name1`, … for each of several names. */
const bindings = (count: number, ...names: string[]) =>
  Object.fromEntries(
    numbered(count).flatMap((i) => names.map((name) => [`${name}${i}`, "f32" as const])),
  );

/**
 * Sums of squares of `count` gradients together: one part from each workgroup, which takes its
 * share of every gradient.
 */
export function sumOfSquares(count: number): Program {
  return {
    name: `SumOfSquares${count}`,
    inputs: bindings(count, "gradient"),
    outputs: { sums: "f32" },
    params: { first: "u32" },
    workgroup: [INVOCATIONS, 1, 1],
    declarations: SUM,
    code: `
  let start = group.x * ${INVOCATIONS}u + index;
  let step = groups.x * ${INVOCATIONS}u;
  var squares = 0.0;
  ${
      numbered(count).map((i) => `
  for (var i = start; i < arrayLength(&gradient${i}); i += step) {
    squares += gradient${i}[i] * gradient${i}[i];
  }`).join("")
    }
  let total = sumOfAll(squares, index);
  if (index == 0u) { sums[params.first + group.x] = total; }`,
  };
}

/** The root of the sum of the first `count` sums, by one workgroup. */
export const GLOBAL_NORM: Program = {
  name: "GlobalNorm",
  inputs: { sums: "f32" },
  outputs: { norm: "f32" },
  params: { count: "u32" },
  workgroup: [INVOCATIONS, 1, 1],
  declarations: SUM,
  code: `
  var part = 0.0;
  for (var i = index; i < params.count; i += ${INVOCATIONS}u) { part += sums[i]; }
  let total = sumOfAll(part, index);
  if (index == 0u) { norm[0] = sqrt(total); }`,
};

/** One AdamW step of `count` weights; each workgroup takes its share of every weight. */
export function adamw(count: number): Program {
  return {
    name: `Adamw${count}`,
    inputs: { norm: "f32", ...bindings(count, "gradient") },
    outputs: bindings(count, "weight", "m", "v"),
    params: {
      beta1: "f32",
      rest1: "f32",
      beta2: "f32",
      rest2: "f32",
      keep: "f32",
      stepSize: "f32",
      scale: "f32",
      epsilon: "f32",
      maxGradNorm: "f32",
    },
    workgroup: [INVOCATIONS, 1, 1],
    code: `
  // By its bits: a compiler may take for granted that no number is infinite or NaN.
  if ((bitcast<u32>(norm[0]) & 0x7f800000u) == 0x7f800000u) { return; }
  let clip = min(1.0, params.maxGradNorm / (norm[0] + 1e-6));
  let start = group.x * ${INVOCATIONS}u + index;
  let step = groups.x * ${INVOCATIONS}u;
  ${
      numbered(count).map((i) => `
  for (var i = start; i < arrayLength(&weight${i}); i += step) {
    let g = gradient${i}[i] * clip;
    let mean = m${i}[i] * params.beta1 + g * params.rest1;
    let square = v${i}[i] * params.beta2 + g * g * params.rest2;
    m${i}[i] = mean;
    v${i}[i] = square;
    weight${i}[i] = weight${i}[i] * params.keep -
      params.stepSize * mean / (sqrt(square) * params.scale + params.epsilon);
  }`).join("")
    }`,
  };
}
