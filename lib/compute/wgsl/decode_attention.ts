import type { Program } from "../gpu.ts";
import type { HeadShape } from "../ops/attention.ts";
import { HALF_FUNCTIONS } from "./half.ts";

/** Invocations of a workgroup, and positions whose scores they compute side by side. */
const INVOCATIONS = 128;

/**
 * Copies keys and values, the last `width` columns of each row, to positions: one a number.
 *
 * @param half Whether they are kept as 16-bit floats: then two numbers of a row are one column.
 */
export const cachePrompts = (half: boolean): Program => ({
  name: half ? "CachePrompts half" : "CachePrompts",
  inputs: { qkv: half ? "vec2f" : "f32", positions: "i32" },
  outputs: { prompts: half ? "u32" : "f32" },
  params: { rows: "u32", columns: "u32", width: "u32" },
  workgroup: [INVOCATIONS, 1, 1],
  declarations: half ? HALF_FUNCTIONS : "",
  code: `
  let i = (group.y * groups.x + group.x) * ${INVOCATIONS}u + index;
  let row = i / params.width;
  if (row >= params.rows) { return; }
  let at = u32(positions[row]) * params.width + i % params.width;
  let number = (row + 1u) * params.columns - params.width + i % params.width;
  prompts[at] = ${half ? "toHalves2(qkv[number])" : "qkv[number]"};`,
});

/** Columns that {@linkcode cachePrompts} copies with one workgroup. */
export const COPIED_PER_GROUP = INVOCATIONS;

/** Invocations that first join numbers of them all, for each query. */
const LANES = 8;

/**
 * One workgroup for each row and each head of keys and values, with the queries that share it.
 *
 * Invocations score a position each, then split the positions between them to add up the values:
 * softmax as it goes, {@linkcode INVOCATIONS} positions at a time (arXiv:2205.14135, alg. 1).
 *
 * @param half Whether the cache holds 16-bit floats, two in 32 bits.
 */
export function decodeAttention(
  { heads, keyValueHeads, headDim }: HeadShape,
  half: boolean,
): Program {
  const lanes = headDim % 4 === 0 ? 4 : half ? 2 : 1; // numbers that are read at once
  const type = ({ 4: "vec4f", 2: "vec2f", 1: "f32" } as const)[lanes];
  const kept = half ? lanes === 4 ? "vec2u" : "u32" : type;
  const load = (from: string) => half ? `fromHalves${lanes}(${from})` : from;
  const store = (from: string) => half ? `toHalves${lanes}(${from})` : from;
  const columns = headDim / lanes; // of a head
  const queries = Array.from({ length: heads / keyValueHeads }, (_, query) => query);
  const each = (line: (query: number) => string) => queries.map(line).join("\n");
  /** Joins the numbers of `scratch` to {@linkcode LANES} for each query. */
  const joinScratch = (join: string) => `
  workgroupBarrier();
  for (var i = index; i < ${queries.length * LANES}u; i += ${INVOCATIONS}u) {
    var all = scratch[i / ${LANES}u][i % ${LANES}u];
    for (var j = i % ${LANES}u + ${LANES}u; j < ${INVOCATIONS}u; j += ${LANES}u) {
      all = ${join}(all, scratch[i / ${LANES}u][j]);
    }
    joined[i / ${LANES}u][i % ${LANES}u] = all;
  }
  workgroupBarrier();`;
  const joined = (join: string, query: number) =>
    Array.from({ length: LANES }, (_, lane) => `joined[${query}][${lane}]`)
      .reduce((all, each) => `${join}(${all}, ${each})`);
  return {
    name: `DecodeAttention ${heads} ${keyValueHeads} ${headDim}${half ? " half" : ""}`,
    inputs: { qkv: type, prompts: kept, rows: "i32" },
    outputs: { completions: kept, y: type },
    params: { rows: "u32", step: "u32", promptCapacity: "u32", completionCapacity: "u32" },
    workgroup: [INVOCATIONS, 1, 1],
    get declarations(): string { // only when it is compiled, as the code
      return `${half ? HALF_FUNCTIONS : ""}
alias Part = ${lanes > 1 ? `vec${lanes}<f32>` : "f32"};
const COLUMNS = ${columns}u;
const QUERIES = ${queries.length}u;
const VALUES = ${keyValueHeads * columns}u; // from a key to its value
const POSITION = 2u * VALUES;
const SPLITS = ${INVOCATIONS}u / COLUMNS; // ways that positions are split to add up values
var<workgroup> q: array<Part, ${queries.length * columns}>;
var<workgroup> scratch: array<array<f32, ${INVOCATIONS}>, QUERIES>; // scores, then weights
var<workgroup> joined: array<array<f32, ${LANES}>, QUERIES>;
var<workgroup> parts: array<Part, ${INVOCATIONS}>;

struct Row { read: u32, written: u32, prompt: u32, completion: u32, fresh: u32 }

/** A column of a position's key; the newest is taken from where it came from. */
fn at(row: Row, position: u32, column: u32) -> Part {
  if (position < row.read) { return ${load("prompts[row.prompt + position * POSITION + column]")}; }
  let own = position - row.read;
  if (own < row.written) {
    return ${load("completions[row.completion + own * POSITION + column]")};
  }
  return qkv[row.fresh + column];
}

fn product(a: Part, b: Part) -> f32 { return ${lanes > 1 ? "dot(a, b)" : "a * b"}; }
fn add(a: f32, b: f32) -> f32 { return a + b; }`;
    },
    get code(): string {
      return `
  let number = (group.y * groups.x + group.x) / ${keyValueHeads}u;
  let head = (group.y * groups.x + group.x) % ${keyValueHeads}u;
  if (number >= params.rows) { return; }
  let first = number * (${heads}u * COLUMNS + POSITION); // of the row's queries
  let earlier = u32(rows[3u * params.rows + number]);
  let row = Row(
    u32(rows[2u * params.rows + number]),
    min(earlier + params.step, params.completionCapacity - 1u),
    u32(rows[params.rows + number]) * params.promptCapacity * POSITION + head * COLUMNS,
    u32(rows[number]) * params.completionCapacity * POSITION + head * COLUMNS,
    first + ${heads}u * COLUMNS + head * COLUMNS,
  );
  for (var i = index; i < COLUMNS; i += ${INVOCATIONS}u) {
    let to = row.completion + row.written * POSITION + i;
    completions[to] = ${store("qkv[row.fresh + i]")};
    completions[to + VALUES] = ${store("qkv[row.fresh + VALUES + i]")};
  }
  for (var i = index; i < QUERIES * COLUMNS; i += ${INVOCATIONS}u) {
    q[i] = qkv[first + head * QUERIES * COLUMNS + i] * ${1 / Math.sqrt(headDim)};
  }
  workgroupBarrier();

  let split = index / COLUMNS;
  let column = index % COLUMNS;
  let positions = row.read + row.written + 1u;
  ${each((i) => `var highest${i} = -1e38; var total${i} = 0.0; var mixed${i} = Part();`)}
  for (var start = 0u; start < positions; start += ${INVOCATIONS}u) {
    let visible = start + index < positions;
    ${each((i) => `var score${i} = -1e38;`)}
    if (visible) {
      ${each((i) => `score${i} = 0.0;`)}
      for (var i = 0u; i < COLUMNS; i++) {
        let key = at(row, start + index, i);
        ${each((i) => `score${i} += product(q[${i * columns}u + i], key);`)}
      }
    }
    ${each((i) => `scratch[${i}][index] = score${i};`)}
    ${joinScratch("max")}
    ${
        each((i) => `
    let next${i} = max(highest${i}, ${joined("max", i)});
    let weight${i} = select(0.0, exp(score${i} - next${i}), visible);
    let shrink${i} = exp(highest${i} - next${i});
    highest${i} = next${i};
    total${i} = total${i} * shrink${i} + weight${i};
    mixed${i} *= shrink${i};
    scratch[${i}][index] = weight${i};`)
      }
    workgroupBarrier();
    let end = min(positions - start, ${INVOCATIONS}u);
    for (var i = split; i < end && split < SPLITS; i += SPLITS) {
      let value = at(row, start + i, VALUES + column);
      ${each((i) => `mixed${i} += scratch[${i}][i] * value;`)}
    }
    workgroupBarrier();
  }
  ${each((i) => `scratch[${i}][index] = total${i};`)}
  ${joinScratch("add")}
  ${
        each((i) => `
  parts[index] = mixed${i};
  workgroupBarrier();
  if (split == 0u) {
    var sum = parts[column];
    for (var i = 1u; i < SPLITS; i++) { sum += parts[i * COLUMNS + column]; }
    y[((number * ${keyValueHeads}u + head) * QUERIES + ${i}u) * COLUMNS + column] =
      sum / (${joined("add", i)});
  }
  workgroupBarrier();`)
      }`;
    },
  };
}
