import type { Program } from "../gpu.ts";

const PARAMS = { size: "u32", inner: "u32", linear: "f32", cubic: "f32", limit: "f32" } as const;

/** One invocation for each number of y, which are vectors of four where `lanes` is 4. */
export function gatedLinearUnitProgram(lanes: 1 | 4): Program {
  const type = lanes === 4 ? "vec4f" : "f32";
  return {
    name: `GatedLinearUnit ${type}`,
    inputs: { gateUp: type },
    outputs: { y: type },
    params: PARAMS,
    workgroup: [64, 1, 1],
    code: `
  let i = (group.y * groups.x + group.x) * 64u + index;
  if (i >= params.size) { return; }
  let gate = i + i / params.inner * params.inner;
  let z = clamp(gateUp[gate], ${type}(-params.limit), ${type}(params.limit));
  let shut = exp(-z * (params.linear + params.cubic * z * z));
  y[i] = gateUp[gate] / (1.0 + shut) * gateUp[gate + params.inner];`,
  };
}

/** One invocation for each number of dy. */
export function gatedLinearUnitGradProgram(lanes: 1 | 4): Program {
  const type = lanes === 4 ? "vec4f" : "f32";
  return {
    name: `GatedLinearUnitGrad ${type}`,
    inputs: { dy: type, gateUp: type },
    outputs: { dGateUp: type },
    params: PARAMS,
    workgroup: [64, 1, 1],
    code: `
  let i = (group.y * groups.x + group.x) * 64u + index;
  if (i >= params.size) { return; }
  let gate = i + i / params.inner * params.inner;
  let up = gate + params.inner;
  let z = clamp(gateUp[gate], ${type}(-params.limit), ${type}(params.limit));
  let shut = exp(-z * (params.linear + params.cubic * z * z));
  let open = 1.0 / (1.0 + shut); // and 1 - open = open * shut
  let steepness = z * (params.linear + 3.0 * params.cubic * z * z);
  dGateUp[gate] = dy[i] * gateUp[up] * open * (1.0 + steepness * open * shut);
  dGateUp[up] = dy[i] * gateUp[gate] * open;`,
  };
}
