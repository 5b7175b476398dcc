import type { Program } from "../gpu.ts";

/** The largest of, or the sum of, what the invocations of a workgroup have. */
const reduce = (invocations: number) => `
var<workgroup> parts: array<vec2f, ${invocations}>;
fn largestOfAll(value: f32, index: u32) -> f32 {
  parts[index].x = value;
  workgroupBarrier();
  for (var half = ${invocations / 2}u; half > 0u; half /= 2u) {
    if (index < half) { parts[index].x = max(parts[index].x, parts[index + half].x); }
    workgroupBarrier();
  }
  let largest = parts[0].x;
  workgroupBarrier();
  return largest;
}
fn sumOfAll(value: vec2f, index: u32) -> vec2f {
  parts[index] = value;
  workgroupBarrier();
  for (var half = ${invocations / 2}u; half > 0u; half /= 2u) {
    if (index < half) { parts[index] += parts[index + half]; }
    workgroupBarrier();
  }
  return parts[0];
}`;

/**
 * Takes the logits `[rows, columns]` of the tokens from `start` on into what is known of each row.
 * Until the last columns `scale` `[2, rows]` is the largest logit and the sum of e^(z - largest),
 * `entropy` the sum of e^(z - largest) (z - largest) and `logProbs` the target's logit.
 * One workgroup of `invocations`, a power of 2, for each row.
 */
export const tokenLogProbs = (invocations: number): Program => ({
  name: `TokenLogProbs${invocations}`,
  inputs: { logits: "f32", targets: "i32" },
  outputs: { logProbs: "f32", entropy: "f32", scale: "f32" },
  params: { rows: "u32", columns: "u32", start: "u32", last: "u32" },
  workgroup: [invocations, 1, 1],
  declarations: reduce(invocations),
  code: `
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; }
  let at = row * params.columns;
  let first = params.start == 0u;
  let before = scale[row];
  var largest = logits[at];
  for (var i = index; i < params.columns; i += ${invocations}u) {
    largest = max(largest, logits[at + i]);
  }
  largest = largestOfAll(largest, index);
  if (!first) { largest = max(largest, before); }
  var part = vec2f();
  for (var i = index; i < params.columns; i += ${invocations}u) {
    let below = logits[at + i] - largest;
    let e = exp(below);
    part += vec2f(e, e * below);
  }
  var sums = sumOfAll(part, index);
  if (index > 0u) { return; }
  if (!first) { // e^(z - before) becomes e^(z - largest), and so on
    let below = before - largest;
    let sum = scale[params.rows + row];
    sums += exp(below) * vec2f(sum, entropy[row] + sum * below);
  }
  let chosen = u32(targets[row]) - params.start; // beyond the columns where it wraps
  var logit = 0.0;
  if (!first) { logit = logProbs[row]; }
  if (chosen < params.columns) { logit = logits[at + chosen]; }
  scale[row] = largest;
  if (params.last == 0u) {
    logProbs[row] = logit;
    entropy[row] = sums.y;
    scale[params.rows + row] = sums.x;
  } else {
    let logSum = log(sums.x);
    logProbs[row] = logit - largest - logSum;
    entropy[row] = logSum - sums.y / sums.x;
    scale[params.rows + row] = logSum;
  }`,
});

/** Invocations of a workgroup of the programs below, each for one number. */
export const INVOCATIONS = 128;

/**
 * Logits z become their gradients: dLogProb ([target] - p) - dEntropy p (log p + entropy), where
 * log p = z - largest - logSum. One invocation a logit.
 */
export const TOKEN_LOG_PROBS_GRAD: Program = {
  name: "TokenLogProbsGrad",
  inputs: {
    targets: "i32",
    dLogProbs: "f32",
    dEntropy: "f32",
    entropy: "f32",
    scale: "f32",
  },
  outputs: { logits: "f32" },
  params: { rows: "u32", columns: "u32", start: "u32" },
  workgroup: [INVOCATIONS, 1, 1],
  code: `
  let i = (group.y * groups.x + group.x) * ${INVOCATIONS}u + index;
  let row = i / params.columns;
  if (row >= params.rows) { return; }
  let logP = logits[i] - scale[row] - scale[params.rows + row];
  var slope = -exp(logP) * (dLogProbs[row] + dEntropy[row] * (logP + entropy[row]));
  let chosen = u32(targets[row]) - params.start;
  if (chosen == i - row * params.columns) { slope += dLogProbs[row]; }
  logits[i] = slope;`,
};

/** Adds a chunk's part of the gradient of hidden states to what the chunks before it gave. */
export const ADD_PART: Program = {
  name: "TokenLogProbsAdd",
  inputs: { part: "f32" },
  outputs: { total: "f32" },
  params: { size: "u32", first: "u32" },
  workgroup: [INVOCATIONS, 1, 1],
  code: `
  let i = (group.y * groups.x + group.x) * ${INVOCATIONS}u + index;
  if (i < params.size) {
    var sum = part[i];
    if (params.first == 0u) { sum += total[i]; }
    total[i] = sum;
  }`,
};

/** Puts a chunk's gradient of the output matrix in its rows. */
export const PUT_PART: Program = {
  name: "TokenLogProbsPut",
  inputs: { part: "f32" },
  outputs: { total: "f32" },
  params: { size: "u32", offset: "u32" },
  workgroup: [INVOCATIONS, 1, 1],
  code: `
  let i = (group.y * groups.x + group.x) * ${INVOCATIONS}u + index;
  if (i < params.size) { total[params.offset + i] = part[i]; }`,
};
