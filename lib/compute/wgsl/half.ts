/**
 * Numbers kept as 16-bit floats, two in 32 bits. Core WGSL converts them, so that no adapter is
 * left out for want of `shader-f16`, and no arithmetic is done in them.
 *
 * @module
 */

/** Functions that convert two and four numbers; those beyond ±65504 become the nearest that fits. */
export const HALF_FUNCTIONS = `
fn toHalves2(x: vec2f) -> u32 {
  return pack2x16float(clamp(x, vec2f(-65504.0), vec2f(65504.0)));
}
fn toHalves4(x: vec4f) -> vec2u { return vec2u(toHalves2(x.xy), toHalves2(x.zw)); }
fn fromHalves2(x: u32) -> vec2f { return unpack2x16float(x); }
fn fromHalves4(x: vec2u) -> vec4f { return vec4f(unpack2x16float(x.x), unpack2x16float(x.y)); }`;

/** Numbers that {@linkcode TO_HALVES} converts with one workgroup. */
export const CONVERTED_PER_GROUP = 256;

/** A program that converts all numbers of a tensor. */
export const TO_HALVES = {
  name: "ToHalves",
  inputs: { x: "f32" },
  outputs: { y: "u32" },
  params: { size: "u32" },
  workgroup: [CONVERTED_PER_GROUP / 2, 1, 1],
  declarations: HALF_FUNCTIONS,
  code: `
  let i = (group.y * groups.x + group.x) * ${CONVERTED_PER_GROUP / 2}u + index;
  if (2u * i >= params.size) { return; }
  y[i] = toHalves2(vec2f(x[2u * i], x[min(2u * i + 1u, params.size - 1u)]));`,
} as const;
