import type { Program, StorageType } from "../gpu.ts";

// Attention in tiles (arXiv:2205.14135, arXiv:2307.08691): 8 x 8 invocations make a tile of scores.
// What its rows stand for stays with the workgroup; what its columns stand for is streamed through
// the workgroup's memory. Invocation (g, c) has the rows g, g + 8, ... and neighbouring columns.
// Loops over registers are written out: drivers do not unroll them once they are checked for ending.
// Scores are logarithms to base 2, as hardware has exp2 and log2.

const join = (count: number, code: (i: number) => string, separator = "\n"): string =>
  Array.from({ length: count }, (_, i) => code(i)).join(separator);

/** Vectors that a workgroup may keep: 16 KiB, which every device has. */
const ROOM = 1024;

/** How a program for heads of some size is cut, and the code that depends on it. */
class Tiling {
  /** Rows and columns of the tile that an invocation has. */
  readonly rows: number;
  readonly columns: number;
  /** Vectors of four in a head, the last with zeros where the head ends within it. */
  readonly depth: number;
  /** Vectors from row to row: an odd number, so that rows start in different banks of memory. */
  readonly stride: number;
  /** Vectors of an output row that an invocation has: c, c + 8, ... */
  readonly chunks: number;
  /** How heads are bound. */
  readonly buffer: StorageType;

  /** @param operands Their rows stay with the workgroup; as many as fit, by the largest tile. */
  constructor(readonly headDim: number, readonly operands: readonly string[]) {
    this.depth = Math.ceil(headDim / 4);
    this.stride = this.depth | 1;
    this.chunks = Math.ceil(this.depth / 8);
    this.buffer = headDim % 4 === 0 ? "vec4f" : "f32";
    const sizes = [[4, 4], [4, 2], [2, 2], [2, 1], [1, 1]] as const;
    [this.rows, this.columns] = sizes.find(([rows, columns]) => {
      const vectors = 8 * (operands.length * rows + columns) * this.stride;
      return vectors + 18 * rows * columns + 16 * rows <= ROOM; // those, weights, and parts of sums
    })!;
  }

  /** Rows of the tile. */
  get side(): number {
    return 8 * this.rows;
  }

  /** Code for each row of an invocation. */
  eachRow(code: (i: number) => string): string {
    return join(this.rows, code);
  }

  /** Code for each row and column of an invocation. */
  each(code: (i: number, j: number) => string): string {
    return this.eachRow((i) => join(this.columns, (j) => code(i, j)));
  }

  /** Code for each row and output vector of an invocation. */
  eachOutput(code: (i: number, n: number) => string): string {
    return this.eachRow((i) => join(this.chunks, (n) => code(i, n)));
  }

  /** Declarations: memory, `read_x(at, d)`, the d-th vector of a head from x[at], `write_x`. */
  declarations(reads: readonly string[], writes: string): string {
    const { headDim, side, stride, columns } = this;
    const weight = columns === 1 ? "f32" : `vec${columns}f`;
    const whole = headDim % 4 === 0;
    const short = `if (4u * d + 2u == ${headDim}u)`; // the head ends within the vector
    const read = (x: string) =>
      whole ? `return ${x}[at / 4u + d];` : `let i = at + 4u * d;
  ${short} { return vec4f(${x}[i], ${x}[i + 1u], 0.0, 0.0); }
  return vec4f(${x}[i], ${x}[i + 1u], ${x}[i + 2u], ${x}[i + 3u]);`;
    const write = (x: string) =>
      whole ? `${x}[at / 4u + d] = value;` : `let i = at + 4u * d;
  ${x}[i] = value.x;
  ${x}[i + 1u] = value.y;
  ${short} { return; }
  ${x}[i + 2u] = value.z;
  ${x}[i + 3u] = value.w;`;
    return `
const HEAD_DIM = ${headDim}u;
const SCALE = ${1 / Math.sqrt(headDim)};
const SCALE_2 = ${Math.LOG2E / Math.sqrt(headDim)}; // of scores to base 2
const LOWEST = -3e38;
alias Weight = ${weight};
${this.operands.map((x) => `var<workgroup> ${x}: array<vec4f, ${side * stride}>;`).join("\n")}
var<workgroup> streamed: array<vec4f, ${8 * columns * stride}>;
var<workgroup> weights: array<Weight, ${side * 9}>;
var<workgroup> parts: array<f32, ${side * 8}>;
${reads.map((x) => `fn read_${x}(at: u32, d: u32) -> vec4f { ${read(x)} }`).join("\n")}
fn write_${writes}(at: u32, d: u32, value: vec4f) { ${write(writes)} }`;
  }

  /** The first lines: this invocation's place, and the number of each of its rows. */
  get place(): string {
    return `let g = index / 8u;
  let c = index % 8u;
  let width = (params.heads + 2u * params.keyValueHeads) * HEAD_DIM;
  let share = params.heads / params.keyValueHeads;
  let first = group.x * ${this.side}u;
  let last = min(first + ${this.side}u, params.tokens);
  ${this.eachRow((i) => `let row${i} = first + g + ${8 * i}u;`)}`;
  }

  /** Loads an operand's rows from `first`; `value` gives vector `d` of `row`. */
  load(operand: string, value: string): string {
    return this.loop(this.side, "first", "last", `${operand}[r * ${this.stride}u + d] = x;`, value);
  }

  /** Loads the streamed rows `from` to `end`, those of an invocation eight apart. */
  stream(from: string, end: string, value: string): string {
    const slot = `(r % ${this.columns}u * 8u + r / ${this.columns}u)`;
    const store = `streamed[${slot} * ${this.stride}u + d] = x;`;
    return this.loop(8 * this.columns, from, end, store, value);
  }

  private loop(count: number, from: string, end: string, store: string, value: string): string {
    return `for (var i = index; i < ${count * this.depth}u; i += 64u) {
    let r = i / ${this.depth}u;
    let d = i % ${this.depth}u;
    let row = ${from} + r;
    var x = vec4f();
    if (row < ${end}) { x = ${value}; }
    ${store}
  }`;
  }

  /** `name<i>_<j>`: products of an operand's rows with the streamed rows. */
  products(name: string, operand: string): string {
    const { rows, columns, depth, stride } = this;
    return `${this.each((i, j) => `var ${name}${i}_${j}v = vec4f();`)}
  for (var d = 0u; d < ${depth}u; d++) {
    ${join(rows, (i) => `let a${i} = ${operand}[(g + ${8 * i}u) * ${stride}u + d];`)}
    ${join(columns, (j) => `let b${j} = streamed[(c + ${8 * j}u) * ${stride}u + d];`)}
    ${this.each((i, j) => `${name}${i}_${j}v = fma(a${i}, b${j}, ${name}${i}_${j}v);`)}
  }
  ${this.each((i, j) => `let ${name}${i}_${j} = dot(${name}${i}_${j}v, vec4f(1.0));`)}`;
  }

  /** Gives the tile's weights to the workgroup. */
  setWeights(value: (i: number, j: number) => string): string {
    return this.eachRow((i) => {
      const values = join(this.columns, (j) => value(i, j), ", ");
      return `weights[(g + ${8 * i}u) * 9u + c] = Weight(${values});`;
    });
  }

  /** Adds the streamed rows, weighted, to `name<i>_<n>`. */
  addWeighted(name: string): string {
    const { columns, chunks, stride } = this;
    const weight = (i: number, j: number) => columns === 1 ? `w${i}` : `w${i}[${j}]`;
    return `for (var e = 0u; e < 8u; e++) {
    ${this.eachRow((i) => `let w${i} = weights[(g + ${8 * i}u) * 9u + e];`)}
    ${
      join(columns, (j) =>
        join(chunks, (n) =>
          `let x${j}_${n} = streamed[(e + ${8 * j}u) * ${stride}u + c + ${8 * n}u];
    ${
            this.eachRow((i) =>
              `${name}${i}_${n} = fma(vec4f(${weight(i, j)}), x${j}_${n}, ${name}${i}_${n});`
            )
          }`))
    }
  }`;
  }

  /** `name<i>`: sums over the eight invocations of a row. */
  sum(name: string, value: (i: number) => string): string {
    return `${this.eachRow((i) => `parts[(g + ${8 * i}u) * 8u + c] = ${value(i)};`)}
  workgroupBarrier();
  ${
      this.eachRow((i) =>
        `let ${name}${i} = ${join(8, (e) => `parts[(g + ${8 * i}u) * 8u + ${e}u]`, " + ")};`
      )
    }`;
  }

  /** Code for each row that exists; `code` is run for each of its output vectors, the n-th of it. */
  write(code: (i: number, n: number) => string, onceForRow: (i: number) => string): string {
    return this.eachRow((i) =>
      `if (row${i} < last) {
    ${onceForRow(i)}
    ${join(this.chunks, (n) => `if (c + ${8 * n}u < ${this.depth}u) { ${code(i, n)} }`)}
  }`
    );
  }
}

const PARAMS = { tokens: "u32", heads: "u32", keyValueHeads: "u32" } as const;

/** One workgroup for a tile of queries of one head, over the keys from its first sequence's first. */
function forward(tiling: Tiling): Program {
  const t = tiling;
  return {
    name: `Attention ${t.headDim}`,
    inputs: { qkv: t.buffer, starts: "i32" },
    outputs: { out: t.buffer, lse: "f32" },
    params: PARAMS,
    workgroup: [64, 1, 1],
    declarations: t.declarations(["qkv"], "out"),
    code: `
  ${t.place}
  let q = group.y * HEAD_DIM;
  let k = (params.heads + group.y / share) * HEAD_DIM;
  let v = k + params.keyValueHeads * HEAD_DIM;
  ${t.load("queries", "read_qkv(row * width + q, d) * SCALE_2")}
  ${t.eachRow((i) => `let start${i} = u32(starts[min(row${i}, last - 1u)]);`)}
  ${t.eachRow((i) => `var top${i} = LOWEST; var total${i} = 0.0;`)}
  ${t.eachOutput((i, n) => `var o${i}_${n} = vec4f();`)}
  for (var block = u32(starts[first]); block < last; block += ${8 * t.columns}u) {
    ${t.stream("block", "last", "read_qkv(row * width + k, d)")}
    workgroupBarrier();
    ${t.products("s", "queries")}
    let key = block + c * ${t.columns}u;
    ${t.each((i, j) => `let reads${i}_${j} = key + ${j}u >= start${i} && key + ${j}u <= row${i};`)}
    ${
      t.eachRow((i) => {
        const tops = Array.from({ length: t.columns }, (_, j) =>
          `select(LOWEST, s${i}_${j}, reads${i}_${j})`);
        return `parts[(g + ${8 * i}u) * 8u + c] = ${
          tops.reduce((a, b) => `max(${a}, ${b})`)
        };`;
      })
    }
    workgroupBarrier();
    ${t.stream("block", "last", "read_qkv(row * width + v, d)")}
    ${
      t.eachRow((i) =>
        `let before${i} = top${i};
    ${join(8, (e) => `top${i} = max(top${i}, parts[(g + ${8 * i}u) * 8u + ${e}u]);`)}
    let shrink${i} = exp2(before${i} - top${i});
    total${i} *= shrink${i};`
      )
    }
    ${t.eachOutput((i, n) => `o${i}_${n} *= shrink${i};`)}
    ${
      t.each((i, j) =>
        `let p${i}_${j} = select(0.0, exp2(s${i}_${j} - top${i}), reads${i}_${j});
    total${i} += p${i}_${j};`
      )
    }
    ${t.setWeights((i, j) => `p${i}_${j}`)}
    workgroupBarrier();
    ${t.addWeighted("o")}
    workgroupBarrier();
  }
  ${t.sum("all", (i) => `total${i}`)}
  ${
      t.write(
        (i, n) =>
          `write_out((row${i} * params.heads + group.y) * HEAD_DIM, c + ${
            8 * n
          }u, o${i}_${n} / all${i});`,
        (i) => `if (c == 0u) { lse[row${i} * params.heads + group.y] = top${i} + log2(all${i}); }`,
      )
    }`,
  };
}

/** The queries' part of the gradient, in the tiles of the forward program; D as well. */
function queryGrad(tiling: Tiling): Program {
  const t = tiling;
  return {
    name: `AttentionQueryGrad ${t.headDim}`,
    inputs: { dOut: t.buffer, qkv: t.buffer, out: t.buffer, lse: "f32", starts: "i32" },
    outputs: { dqkv: t.buffer, delta: "f32" },
    params: PARAMS,
    workgroup: [64, 1, 1],
    declarations: t.declarations(["dOut", "qkv", "out"], "dqkv"),
    code: `
  ${t.place}
  let q = group.y * HEAD_DIM;
  let k = (params.heads + group.y / share) * HEAD_DIM;
  let v = k + params.keyValueHeads * HEAD_DIM;
  ${t.load("queries", "read_qkv(row * width + q, d) * SCALE_2")}
  ${t.load("dOuts", "read_dOut((row * params.heads + group.y) * HEAD_DIM, d)")}
  ${
      t.eachRow((i) =>
        `let seen${i} = min(row${i}, last - 1u);
  let start${i} = u32(starts[seen${i}]);
  let lse${i} = lse[seen${i} * params.heads + group.y];
  var along${i} = 0.0;
  for (var d = c; d < ${t.depth}u; d += 8u) {
    let at = (seen${i} * params.heads + group.y) * HEAD_DIM;
    along${i} += dot(read_dOut(at, d), read_out(at, d));
  }`
      )
    }
  ${t.sum("delta", (i) => `along${i}`)}
  ${t.eachOutput((i, n) => `var dq${i}_${n} = vec4f();`)}
  for (var block = u32(starts[first]); block < last; block += ${8 * t.columns}u) {
    ${t.stream("block", "last", "read_qkv(row * width + v, d)")}
    workgroupBarrier();
    ${t.products("dp", "dOuts")}
    workgroupBarrier();
    ${t.stream("block", "last", "read_qkv(row * width + k, d)")}
    workgroupBarrier();
    ${t.products("s", "queries")}
    let key = block + c * ${t.columns}u;
    ${
      t.each((i, j) =>
        `let reads${i}_${j} = key + ${j}u >= start${i} && key + ${j}u <= row${i};
    let p${i}_${j} = select(0.0, exp2(s${i}_${j} - lse${i}), reads${i}_${j});`
      )
    }
    ${t.setWeights((i, j) => `p${i}_${j} * (dp${i}_${j} - delta${i})`)}
    workgroupBarrier();
    ${t.addWeighted("dq")}
    workgroupBarrier();
  }
  ${
      t.write(
        (i, n) => `write_dqkv(row${i} * width + q, c + ${8 * n}u, dq${i}_${n} * SCALE);`,
        (i) => `if (c == 0u) { delta[row${i} * params.heads + group.y] = delta${i}; }`,
      )
    }`,
  };
}

/** One workgroup for a tile of keys of one head, over the queries of all heads that read them. */
function keyGrad(tiling: Tiling): Program {
  const t = tiling;
  const query = (j: number) => `(query + ${j}u)`;
  return {
    name: `AttentionKeyGrad ${t.headDim}`,
    inputs: { dOut: t.buffer, qkv: t.buffer, lse: "f32", delta: "f32", ends: "i32" },
    outputs: { dqkv: t.buffer },
    params: PARAMS,
    workgroup: [64, 1, 1],
    declarations: t.declarations(["dOut", "qkv"], "dqkv"),
    code: `
  ${t.place}
  let k = (params.heads + group.y) * HEAD_DIM;
  let v = k + params.keyValueHeads * HEAD_DIM;
  ${t.load("keys", "read_qkv(row * width + k, d) * SCALE_2")}
  ${t.load("values", "read_qkv(row * width + v, d)")}
  ${t.eachRow((i) => `let end${i} = u32(ends[min(row${i}, last - 1u)]);`)}
  ${t.eachOutput((i, n) => `var dk${i}_${n} = vec4f(); var dv${i}_${n} = vec4f();`)}
  let end = u32(ends[last - 1u]);
  for (var head = group.y * share; head < (group.y + 1u) * share; head++) {
    for (var block = first; block < end; block += ${8 * t.columns}u) {
      ${t.stream("block", "end", "read_qkv(row * width + head * HEAD_DIM, d)")}
      workgroupBarrier();
      ${t.products("s", "keys")}
      let query = block + c * ${t.columns}u;
      ${
      join(t.columns, (j) =>
        `let at${j} = min(${query(j)}, end - 1u) * params.heads + head;
      let lse${j} = lse[at${j}];
      let delta${j} = delta[at${j}];`)
    }
      ${
      t.each((i, j) =>
        `let reads${i}_${j} = ${query(j)} >= row${i} && ${query(j)} < end${i};
      let p${i}_${j} = select(0.0, exp2(s${i}_${j} - lse${j}), reads${i}_${j});`
      )
    }
      ${t.setWeights((i, j) => `p${i}_${j}`)}
      workgroupBarrier();
      ${t.stream("block", "end", "read_dOut((row * params.heads + head) * HEAD_DIM, d)")}
      workgroupBarrier();
      ${t.addWeighted("dv")}
      ${t.products("dp", "values")}
      workgroupBarrier();
      ${t.setWeights((i, j) => `p${i}_${j} * (dp${i}_${j} - delta${j})`)}
      ${t.stream("block", "end", "read_qkv(row * width + head * HEAD_DIM, d)")}
      workgroupBarrier();
      ${t.addWeighted("dk")}
      workgroupBarrier();
    }
  }
  ${
      t.write((i, n) =>
        `write_dqkv(row${i} * width + k, c + ${8 * n}u, dk${i}_${n} * SCALE);
    write_dqkv(row${i} * width + v, c + ${8 * n}u, dv${i}_${n});`, () => "")
    }`,
  };
}

/** The programs for heads of one size. */
export interface AttentionPrograms {
  readonly forward: Program;
  readonly queryGrad: Program;
  readonly keyGrad: Program;
  /** Rows of a workgroup of the forward program, and of those of the gradient. */
  readonly side: number;
  readonly gradSide: number;
}

const made = new Map<number, AttentionPrograms>();

/** @param headDim Even and at most 128, for more do not fit a workgroup's memory. */
export function attentionPrograms(headDim: number): AttentionPrograms {
  let programs = made.get(headDim);
  if (!programs) {
    const queries = new Tiling(headDim, ["queries"]);
    const grad = new Tiling(headDim, ["queries", "dOuts"]);
    programs = {
      forward: forward(queries),
      queryGrad: queryGrad(grad),
      keyGrad: keyGrad(new Tiling(headDim, ["keys", "values"])),
      side: queries.side,
      gradSide: grad.side,
    };
    made.set(headDim, programs);
  }
  return programs;
}
