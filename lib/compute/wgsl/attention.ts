import type { Program, StorageType } from "../gpu.ts";

// Attention in tiles (arXiv:2205.14135, arXiv:2307.08691): 8 x 8 invocations make a tile of 32 x 32
// scores, whose rows stay while its columns move on. Invocation (g, c) has rows g, g + 8, ... and
// columns c, c + 8, ... Heads pass through the workgroup's memory 8 vectors of four at a time, so
// that it needs less than 16 KiB at any size. Loops over registers are written out: drivers do not
// unroll them once they are checked for ending. Scores are logarithms to base 2, for hardware has
// exp2 and log2.

/** Rows and columns of a tile: of queries and keys. */
export const TILE = 32;

/** Vectors from row to row of a tile in memory: odd, so that rows start in different banks. */
const STRIDE = 9;

/** Code for each of the four rows, or columns, of an invocation. */
const four = (code: (i: number) => string): string => [0, 1, 2, 3].map(code).join("\n");

/** Code for each of its 16 scores. */
const scores = (code: (i: number, j: number) => string): string =>
  four((i) => four((j) => code(i, j)));

/** Code for each chunk of 8 vectors of a head. */
const chunks = (headDim: number, code: (n: number) => string): string =>
  Array.from({ length: Math.ceil(headDim / 32) }, (_, n) => code(n)).join("\n");

/** How heads are bound: by vectors unless they end within one. */
const heads = (headDim: number): StorageType => headDim % 4 === 0 ? "vec4f" : "f32";

const PARAMS = { tokens: "u32", heads: "u32", keyValueHeads: "u32" } as const;

/**
 * Memory, and `read_x(at, d)`, the d-th vector of the head that starts at x[at], with zeros beyond
 * its end; `write_x(at, d, value)` likewise.
 */
function declarations(headDim: number, reads: readonly string[], writes: string): string {
  const whole = headDim % 4 === 0;
  const inside = `4u * d < ${headDim}u`, short = `4u * d + 2u == ${headDim}u`;
  const read = (x: string) =>
    `fn read_${x}(at: u32, d: u32) -> vec4f {
  if (!(${inside})) { return vec4f(); }
  ${
      whole ? `return ${x}[at / 4u + d];` : `let i = at + 4u * d;
  if (${short}) { return vec4f(${x}[i], ${x}[i + 1u], 0.0, 0.0); }
  return vec4f(${x}[i], ${x}[i + 1u], ${x}[i + 2u], ${x}[i + 3u]);`
    }
}`;
  const write = (x: string) =>
    `fn write_${x}(at: u32, d: u32, value: vec4f) {
  if (!(${inside})) { return; }
  ${
      whole ? `${x}[at / 4u + d] = value;` : `let i = at + 4u * d;
  ${x}[i] = value.x;
  ${x}[i + 1u] = value.y;
  if (${short}) { return; }
  ${x}[i + 2u] = value.z;
  ${x}[i + 3u] = value.w;`
    }
}`;
  return `
const HEAD_DIM = ${headDim}u;
const CHUNKS = ${Math.ceil(headDim / 32)}u;
const SCALE = ${1 / Math.sqrt(headDim)};
const SCALE_2 = ${Math.LOG2E / Math.sqrt(headDim)}; // of scores to base 2
const LOWEST = -3e38;
var<workgroup> rows: array<vec4f, ${TILE * STRIDE}>;
var<workgroup> columns: array<vec4f, ${TILE * STRIDE}>;
var<workgroup> weights: array<vec4f, ${TILE * STRIDE}>;
var<workgroup> parts: array<f32, ${TILE * 8}>;
${reads.map(read).join("\n")}
${write(writes)}`;
}

/** This invocation's place, and the tokens that its rows stand for. */
const PLACE = `
  let g = index / 8u;
  let c = index % 8u;
  let width = (params.heads + 2u * params.keyValueHeads) * HEAD_DIM;
  let share = params.heads / params.keyValueHeads;
  let first = group.x * ${TILE}u;
  let last = min(first + ${TILE}u, params.tokens);
  ${four((i) => `let row${i} = first + g + ${8 * i}u;`)}`;

/** Where the heads of a workgroup's queries, keys and values begin, within a row of qkv. */
const QUERY_HEAD = `
  let q = group.y * HEAD_DIM;
  let k = (params.heads + group.y / share) * HEAD_DIM;
  let v = k + params.keyValueHeads * HEAD_DIM;`;

/** Loads a chunk of tokens from `from` to `end`; `value` gives vector `d` of `token`. */
const load = (tile: "rows" | "columns", from: string, end: string, value: string): string =>
  four((i) =>
    `{
    let token = ${from} + g + ${8 * i}u;
    var x = vec4f();
    if (token < ${end}) { x = ${value}; }
    ${tile}[(g + ${8 * i}u) * ${STRIDE}u + c] = x;
  }`
  );

/** Adds the products of the chunks in memory to `name<i>_<j>`. */
const multiply = (name: string): string =>
  `for (var e = 0u; e < 8u; e++) {
    ${four((i) => `let a${i} = rows[(g + ${8 * i}u) * ${STRIDE}u + e];`)}
    ${four((j) => `let b${j} = columns[(c + ${8 * j}u) * ${STRIDE}u + e];`)}
    ${
    scores((i, j) => {
      const sum = ["x", "y", "z", "w"].reduce(
        (sum, x) => `fma(a${i}.${x}, b${j}.${x}, ${sum})`,
        `${name}${i}_${j}`,
      );
      return `${name}${i}_${j} = ${sum};`;
    })
  }
  }`;

/** `name<i>_<j>`: products of whole heads; `rowValue` and `columnValue` as for {@linkcode load}. */
const products = (name: string, rowValue: string, columnValue: string, end: string): string =>
  `${scores((i, j) => `var ${name}${i}_${j} = 0.0;`)}
  for (var n = 0u; n < CHUNKS; n++) {
    let d = 8u * n + c;
    ${load("rows", "first", "last", rowValue)}
    ${load("columns", "block", end, columnValue)}
    workgroupBarrier();
    ${multiply(name)}
    workgroupBarrier();
  }`;

/** Gives the tile's weights to the workgroup. */
const setWeights = (value: (i: number, j: number) => string): string =>
  four((i) =>
    `weights[(g + ${8 * i}u) * ${STRIDE}u + c] = vec4f(${
      [0, 1, 2, 3].map((j) => value(i, j)).join(", ")
    });`
  );

/** Adds the chunk of columns in memory, weighted, to the n-th vector of each row, `name<i>_<n>`. */
const addWeighted = (name: string, n: number): string =>
  `for (var e = 0u; e < 8u; e++) {
    ${four((j) => `let x${j} = columns[(e + ${8 * j}u) * ${STRIDE}u + c];`)}
    ${
    four((i) =>
      `let w${i} = weights[(g + ${8 * i}u) * ${STRIDE}u + e];
    ${
        ["x", "y", "z", "w"].map((lane, j) =>
          `${name}${i}_${n} = fma(vec4f(w${i}.${lane}), x${j}, ${name}${i}_${n});`
        ).join("\n")
      }`
    )
  }
  }`;

/** Gives a number of each row to the eight invocations that share it. */
const setParts = (value: (i: number) => string): string =>
  four((i) => `parts[(g + ${8 * i}u) * 8u + c] = ${value(i)};`);

/** Combines the eight numbers of a row. */
const partsOf = (i: number, combine: (a: string, b: string) => string): string =>
  Array.from({ length: 8 }, (_, e) => `parts[(g + ${8 * i}u) * 8u + ${e}u]`).reduce(combine);

/** Code for each row that is a token, and for each of its vectors, the d-th of a head. */
const finish = (
  headDim: number,
  row: (i: number) => string,
  vector: (i: number, n: number) => string,
): string =>
  four((i) =>
    `if (row${i} < last) {
    ${row(i)}
    ${chunks(headDim, (n) => `{ let d = ${8 * n}u + c; ${vector(i, n)} }`)}
  }`
  );

/** One workgroup for a tile of queries of a head, over keys from its first sequence's first. */
function attentionProgram(headDim: number): Program {
  return {
    name: `Attention ${headDim}`,
    inputs: { qkv: heads(headDim), starts: "i32" },
    outputs: { out: heads(headDim), lse: "f32" },
    params: PARAMS,
    workgroup: [64, 1, 1],
    declarations: declarations(headDim, ["qkv"], "out"),
    code: `${PLACE}${QUERY_HEAD}
  ${
      four((i) =>
        `let start${i} = u32(starts[min(row${i}, last - 1u)]);
  var top${i} = LOWEST;
  var total${i} = 0.0;
  ${chunks(headDim, (n) => `var o${i}_${n} = vec4f();`)}`
      )
    }
  for (var block = u32(starts[first]); block < last; block += ${TILE}u) {
    ${
      products(
        "s",
        "read_qkv(token * width + q, d) * SCALE_2",
        "read_qkv(token * width + k, d)",
        "last",
      )
    }
    ${
      scores((i, j) =>
        `let reads${i}_${j} = block + c + ${8 * j}u >= start${i} && block + c + ${
          8 * j
        }u <= row${i};
    s${i}_${j} = select(LOWEST, s${i}_${j}, reads${i}_${j});`
      )
    }
    ${setParts((i) => `max(max(s${i}_0, s${i}_1), max(s${i}_2, s${i}_3))`)}
    workgroupBarrier();
    ${
      four((i) =>
        `let before${i} = top${i};
    top${i} = max(top${i}, ${partsOf(i, (a, b) => `max(${a}, ${b})`)});
    let shrink${i} = exp2(before${i} - top${i});
    total${i} *= shrink${i};
    ${chunks(headDim, (n) => `o${i}_${n} *= shrink${i};`)}
    ${
          four((j) =>
            `let p${i}_${j} = select(0.0, exp2(s${i}_${j} - top${i}), reads${i}_${j});
    total${i} += p${i}_${j};`
          )
        }`
      )
    }
    ${setWeights((i, j) => `p${i}_${j}`)}
    ${
      chunks(headDim, (n) =>
        `{
      let d = ${8 * n}u + c;
      ${load("columns", "block", "last", "read_qkv(token * width + v, d)")}
    }
    workgroupBarrier();
    ${addWeighted("o", n)}
    workgroupBarrier();`)
    }
  }
  ${setParts((i) => `total${i}`)}
  workgroupBarrier();
  ${four((i) => `let all${i} = ${partsOf(i, (a, b) => `${a} + ${b}`)};`)}
  ${
      finish(
        headDim,
        (i) => `if (c == 0u) { lse[row${i} * params.heads + group.y] = top${i} + log2(all${i}); }`,
        (i, n) =>
          `write_out((row${i} * params.heads + group.y) * HEAD_DIM, d, o${i}_${n} / all${i});`,
      )
    }`,
  };
}

/** The gradient of the queries, tile by tile as forward, and D of arXiv:2307.08691, `delta`. */
function queryGradProgram(headDim: number): Program {
  return {
    name: `AttentionQueryGrad ${headDim}`,
    inputs: {
      dOut: heads(headDim),
      qkv: heads(headDim),
      out: heads(headDim),
      lse: "f32",
      starts: "i32",
    },
    outputs: { dqkv: heads(headDim), delta: "f32" },
    params: PARAMS,
    workgroup: [64, 1, 1],
    declarations: declarations(headDim, ["dOut", "qkv", "out"], "dqkv"),
    code: `${PLACE}${QUERY_HEAD}
  ${
      four((i) =>
        `let token${i} = min(row${i}, last - 1u);
  let start${i} = u32(starts[token${i}]);
  let lse${i} = lse[token${i} * params.heads + group.y];
  var along${i} = 0.0;
  for (var n = 0u; n < CHUNKS; n++) {
    let at = (token${i} * params.heads + group.y) * HEAD_DIM;
    along${i} += dot(read_dOut(at, 8u * n + c), read_out(at, 8u * n + c));
  }
  ${chunks(headDim, (n) => `var dq${i}_${n} = vec4f();`)}`
      )
    }
  ${setParts((i) => `along${i}`)}
  workgroupBarrier();
  ${four((i) => `let delta${i} = ${partsOf(i, (a, b) => `${a} + ${b}`)};`)}
  for (var block = u32(starts[first]); block < last; block += ${TILE}u) {
    ${
      products(
        "dp",
        "read_dOut((token * params.heads + group.y) * HEAD_DIM, d)",
        "read_qkv(token * width + v, d)",
        "last",
      )
    }
    ${
      products(
        "s",
        "read_qkv(token * width + q, d) * SCALE_2",
        "read_qkv(token * width + k, d)",
        "last",
      )
    }
    ${
      scores((i, j) =>
        `let reads${i}_${j} = block + c + ${8 * j}u >= start${i} && block + c + ${
          8 * j
        }u <= row${i};
    let p${i}_${j} = select(0.0, exp2(s${i}_${j} - lse${i}), reads${i}_${j});`
      )
    }
    ${setWeights((i, j) => `p${i}_${j} * (dp${i}_${j} - delta${i})`)}
    ${
      chunks(headDim, (n) =>
        `{
      let d = ${8 * n}u + c;
      ${load("columns", "block", "last", "read_qkv(token * width + k, d)")}
    }
    workgroupBarrier();
    ${addWeighted("dq", n)}
    workgroupBarrier();`)
    }
  }
  ${
      finish(
        headDim,
        (i) => `if (c == 0u) { delta[row${i} * params.heads + group.y] = delta${i}; }`,
        (i, n) => `write_dqkv(row${i} * width + q, d, dq${i}_${n} * SCALE);`,
      )
    }`,
  };
}

/** One workgroup for a tile of keys of one head, over the queries of all heads that read them. */
function keyGradProgram(headDim: number): Program {
  return {
    name: `AttentionKeyGrad ${headDim}`,
    inputs: { dOut: heads(headDim), qkv: heads(headDim), lse: "f32", delta: "f32", ends: "i32" },
    outputs: { dqkv: heads(headDim) },
    params: PARAMS,
    workgroup: [64, 1, 1],
    declarations: declarations(headDim, ["dOut", "qkv"], "dqkv"),
    code: `${PLACE}
  let k = (params.heads + group.y) * HEAD_DIM;
  let v = k + params.keyValueHeads * HEAD_DIM;
  ${
      four((i) =>
        `let end${i} = u32(ends[min(row${i}, last - 1u)]);
  ${chunks(headDim, (n) => `var dk${i}_${n} = vec4f(); var dv${i}_${n} = vec4f();`)}`
      )
    }
  let end = u32(ends[last - 1u]);
  for (var head = group.y * share; head < (group.y + 1u) * share; head++) {
    for (var block = first; block < end; block += ${TILE}u) {
      ${
      products(
        "s",
        "read_qkv(token * width + k, d) * SCALE_2",
        "read_qkv(token * width + head * HEAD_DIM, d)",
        "end",
      )
    }
      ${
      four((j) =>
        `let query${j} = block + c + ${8 * j}u;
      let at${j} = min(query${j}, end - 1u) * params.heads + head;
      let lse${j} = lse[at${j}];
      let delta${j} = delta[at${j}];`
      )
    }
      ${
      scores((i, j) =>
        `let reads${i}_${j} = query${j} >= row${i} && query${j} < end${i};
      let p${i}_${j} = select(0.0, exp2(s${i}_${j} - lse${j}), reads${i}_${j});
      var dp${i}_${j} = 0.0;`
      )
    }
      ${setWeights((i, j) => `p${i}_${j}`)}
      ${
      chunks(headDim, (n) =>
        `{
        let d = ${8 * n}u + c;
        ${load("rows", "first", "last", "read_qkv(token * width + v, d)")}
        ${load("columns", "block", "end", "read_dOut((token * params.heads + head) * HEAD_DIM, d)")}
      }
      workgroupBarrier();
      ${addWeighted("dv", n)}
      ${multiply("dp")}
      workgroupBarrier();`)
    }
      ${setWeights((i, j) => `p${i}_${j} * (dp${i}_${j} - delta${j})`)}
      ${
      chunks(headDim, (n) =>
        `{
        let d = ${8 * n}u + c;
        ${load("columns", "block", "end", "read_qkv(token * width + head * HEAD_DIM, d)")}
      }
      workgroupBarrier();
      ${addWeighted("dk", n)}
      workgroupBarrier();`)
    }
    }
  }
  ${
      finish(headDim, () => "", (i, n) =>
        `write_dqkv(row${i} * width + k, d, dk${i}_${n} * SCALE);
    write_dqkv(row${i} * width + v, d, dv${i}_${n});`)
    }`,
  };
}

/** The programs for heads of one size. */
export interface AttentionPrograms {
  readonly forward: Program;
  readonly queryGrad: Program;
  readonly keyGrad: Program;
}

const made = new Map<number, AttentionPrograms>();

/** @param headDim Even. */
export function attentionPrograms(headDim: number): AttentionPrograms {
  const programs = made.get(headDim) ?? {
    forward: attentionProgram(headDim),
    queryGrad: queryGradProgram(headDim),
    keyGrad: keyGradProgram(headDim),
  };
  made.set(headDim, programs);
  return programs;
}
