/**
 * Programs for `C = op(A) op(B) + biases + residual`, written for the form at hand.
 *
 * B or C may consist of several matrices, one below the other, so that one launch serves several
 * weights: B's of a projection, C's of its gradient.
 *
 * @module
 */
import type { Program, StorageType } from "../gpu.ts";
import { HALF_FUNCTIONS } from "./half.ts";

/** What the code of a product depends on. */
export interface Form {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Whether the rows of A, B and C have a multiple of 4 numbers: four are moved at once. */
  readonly wideA: boolean;
  readonly wideB: boolean;
  readonly wideC: boolean;
  /** Matrices that B consists of. */
  readonly countB: number;
  /** Matrices that C consists of. */
  readonly countC: number;
  /** Whether each matrix of op(B) = Bᵀ has a bias for the columns of C that it makes. */
  readonly biases: boolean;
  readonly residual: boolean;
  /** Whether B is kept as 16-bit floats, two in 32 bits. */
  readonly halfB: boolean;
}

/** How a workgroup makes its part of C, in steps of the inner dimension. */
export interface Tile {
  /** Rows and columns of C that the workgroup makes. */
  readonly size: readonly [number, number];
  /** Rows and columns that each of its invocations keeps in registers. */
  readonly each: readonly [number, number];
  /** Inner steps that workgroup memory holds: 16 or 32. */
  readonly depth: number;
}

/** Columns of C that a workgroup of {@linkcode fewRows} makes. */
export const FEW_ROWS_COLUMNS = 8;

const count = (length: number): number[] => Array.from({ length }, (_, i) => i);
const lines = (length: number, line: (i: number) => string): string =>
  count(length).map(line).join("\n");
const buffers = (name: string, length: number, type: StorageType): Record<string, StorageType> =>
  Object.fromEntries(count(length).map((i) => [`${name}${i}`, type]));
const floats = (wide: boolean): StorageType => wide ? "vec4f" : "f32";

const programs = new Map<string, Program>();

/** The program of this name, written when it is asked for first. */
function once(name: string, write: () => Omit<Program, "name">): Program {
  const program = programs.get(name) ?? { name, ...write() };
  programs.set(name, program);
  return program;
}

/** What several programs have in common. */
type Shared = Pick<Program, "inputs" | "outputs" | "params"> & { readonly declarations: string };

/** Code for the one of several matrices that holds `row`; its first number is number `start`. */
function chosen(
  length: number,
  columns: string,
  code: (i: number, start: string) => string,
): string {
  return lines(length, (i) => {
    const choice = code(i, i === 0 ? "0u" : `params.end${i - 1} * (${columns})`);
    return i < length - 1 ? `if (row < params.end${i}) { ${choice} }` : choice;
  });
}

/** Whether numbers that lie side by side are inner steps, and not rows of op(A), columns of op(B). */
const innerIsContiguous = {
  A: (form: Form) => !form.transposeA,
  B: (form: Form) => form.transposeB,
};

/**
 * Functions that read an operand. How its numbers are stored is known to `read` alone.
 *
 * - `fetch(base, row, column)`: four numbers of a row in memory, zeros beyond its ends.
 * - `block(base, outer, inner)`: four inner steps, which are its columns, of four rows of op(A) or
 *   four columns of op(B).
 */
function operand(name: "A" | "B", form: Form): string {
  const [outer, wide, matrices] = name === "A"
    ? ["params.m", form.wideA, 1] as const
    : ["params.n", form.wideB, form.countB] as const;
  const along = innerIsContiguous[name](form);
  const [rows, columns] = along ? [outer, "params.k"] : ["params.k", outer];
  const [type, length] = wide ? ["vec4f", `${columns} / 4u`] : ["f32", columns];
  const buffer = name.toLowerCase();
  const four = count(4).map((i) =>
    `select(0.0, read${name}(origin, at + ${i}u), inside && column + ${i}u < ${columns})`
  );
  const fetches = count(4).map((i) =>
    `fetch${name}(base, ${along ? `outer + ${i}u, inner` : `inner + ${i}u, outer`})`
  );
  const block = `mat4x4f(${fetches.join(", ")})`;
  const number = (i: number, at: string): string => {
    if (name === "A" || !form.halfB) return `${buffer}${i}[${at}]`;
    if (wide) return `fromHalves4(${buffer}${i}[${at}])`;
    return `fromHalves2(${buffer}${i}[(${at}) / 2u])[(${at}) % 2u]`;
  };
  return `
fn read${name}(row: u32, at: u32) -> ${type} {
  ${chosen(matrices, length, (i, start) => `return ${number(i, `at - ${start}`)};`)}
}
fn fetch${name}(base: u32, row: u32, column: u32) -> vec4f {
  let inside = row < ${rows} && column < ${columns};
  let at = select(0u, base + row * ${columns} + column, inside);
  let origin = select(0u, row, inside);
  return ${wide ? `select(vec4f(), read${name}(origin, at / 4u), inside)` : `vec4f(${four})`};
}
fn block${name}(base: u32, outer: u32, inner: u32) -> mat4x4f {
  return ${along ? `transpose(${block})` : block};
}`;
}

/**
 * The result's bindings, and the functions that finish it.
 *
 * - `biasAt(column)`: what is added to four columns.
 * - `store(base, row, column, value)`: writes four numbers of a row, less those beyond its end.
 */
function result({ wideC, countB, countC, biases, residual }: Form): Shared {
  const [type, length] = wideC ? ["vec4f", "params.n / 4u"] : ["f32", "params.n"];
  const bias = chosen(countB, "1u", (i, start) => `return bias${i}[row - ${start}];`);
  const added = (at: string) => residual ? ` + residual[${at}]` : "";
  const one = (i: number) =>
    `if (column + ${i}u < params.n) {
    write(row, at + ${i}u, value[${i}]${added(`at + ${i}u`)});
  }`;
  const ends = count(Math.max(countB, countC) - 1).map((i) => [`end${i}`, "u32" as const]);
  return {
    inputs: {
      ...(biases ? buffers("bias", countB, "f32") : {}),
      ...(residual ? { residual: floats(wideC) } : {}),
    },
    outputs: buffers("c", countC, floats(wideC)),
    params: { m: "u32", n: "u32", ...Object.fromEntries(ends) },
    declarations: `
fn biasOf(row: u32) -> f32 {
  ${biases ? bias : "return 0.0;"}
}
fn biasAt(column: u32) -> vec4f {
  var four = vec4f();
  ${lines(4, (i) => `if (column + ${i}u < params.n) { four[${i}] = biasOf(column + ${i}u); }`)}
  return four;
}
fn write(row: u32, at: u32, value: ${type}) {
  ${chosen(countC, length, (i, start) => `c${i}[at - ${start}] = value; return;`)}
}
fn store(base: u32, row: u32, column: u32, value: vec4f) {
  if (row >= params.m || column >= params.n) { return; }
  let at = base + row * params.n + column;
  ${wideC ? `write(row, at / 4u, value${added("at / 4u")});` : lines(4, one)}
}`,
  };
}

/** What the programs that multiply share. */
function product(form: Form): Shared {
  const { inputs, outputs, params, declarations } = result(form);
  const { wideA, wideB, countB, halfB } = form;
  const typeB = halfB ? wideB ? "vec2u" : "u32" : floats(wideB);
  return {
    inputs: { ...buffers("a", 1, floats(wideA)), ...buffers("b", countB, typeB), ...inputs },
    outputs,
    params: {
      ...params,
      k: "u32",
      tilesM: "u32",
      tilesN: "u32",
      tiles: "u32", // of all parts: matrices of a batch, or stretches of the inner dimension
      strideA: "u32", // numbers of A from one part to the next
      strideB: "u32",
      strideK: "u32", // inner steps from one part to the next
      lengthK: "u32", // inner steps of one part
    },
    declarations: [
      halfB ? HALF_FUNCTIONS : "",
      operand("A", form),
      operand("B", form),
      declarations,
    ].join("\n"),
  };
}

/** The first lines of a program whose workgroups make `rows × columns` numbers of C. */
const start = ([rows, columns]: readonly [number, number]): string => `
  let tile = group.y * groups.x + group.x;
  if (tile >= params.tiles) { return; }
  let top = tile / params.tilesN % params.tilesM * ${rows}u;
  let left = tile % params.tilesN * ${columns}u;
  let part = tile / (params.tilesN * params.tilesM);
  let begin = part * params.strideK;
  let end = min(begin + params.lengthK, params.k);
  let baseA = part * params.strideA;
  let baseB = part * params.strideB;
  let baseC = part * params.m * params.n;`;

/**
 * A product whose workgroups keep a tile of C in registers, and in workgroup memory what `depth`
 * inner steps need of A and B.
 *
 * That memory is `[inner][outer / 4]`: an invocation reads four rows or columns at once. A block's
 * place in its row depends on its inner step, so that those written together lie in different
 * banks. Four inner steps are written out, as wgpu counts the turns of every loop, which keeps
 * drivers from unrolling it.
 */
export function tiled(form: Form, { size, each, depth }: Tile): Program {
  return once(`MatMul ${[...size, ...each, depth, ...Object.values(form)]}`, () => {
    const [height, width] = [size[0] / each[0], size[1] / each[1]]; // in invocations
    const [rows, columns] = [each[0], each[1] / 4]; // of an invocation, in vectors of four columns
    const { declarations, ...bindings } = product(form);

    /** Copies blocks to workgroup memory; where one for each is too many, B's by the last ones. */
    const load = (name: "A" | "B", first: string, side: number): string => {
      const [outers, inners, all] = [side / 4, depth / 4, width * height];
      const blocks = outers * inners;
      const idle = name === "B" ? Math.max(0, all - blocks) : 0;
      const along = innerIsContiguous[name](form);
      return lines(Math.ceil(blocks / all), (i) => `
    if (index - ${idle}u < ${blocks}u) {
      let at = index - ${idle}u + ${i * all}u;
      let outer = ${along ? `at / ${inners}u` : `at % ${outers}u`};
      let inner = ${along ? `at % ${inners}u` : `at / ${outers}u`};
      let four = block${name}(base${name}, ${first} + outer * 4u, step + inner * 4u);
      let place = outer ^ (inner * ${32 / depth}u);
      ${lines(4, (i) => `shared${name}[inner * 4u + ${i}u][place] = four[${i}];`)}
    }`);
    };
    const sums = (code: (row: number, column: number, sum: string) => string): string =>
      lines(
        rows,
        (row) => lines(columns, (column) => code(row, column, `sum[${row * columns + column}]`)),
      );
    const innerStep = (i: number): string =>
      `{
        let rowA = &sharedA[inner * 4u + ${i}u];
        let rowB = &sharedB[inner * 4u + ${i}u];
        ${lines(rows / 4, (r) => `let a${r} = rowA[(local.y + ${r * height}u) ^ turn];`)}
        ${lines(columns, (c) => `let b${c} = rowB[(local.x + ${c * width}u) ^ turn];`)}
        ${
        sums((row, column, sum) =>
          `${sum} = fma(vec4f(a${row >> 2}[${row % 4}]), b${column}, ${sum});`
        )
      }
      }`;

    return {
      ...bindings,
      workgroup: [width, height, 1],
      declarations: `${declarations}
var<workgroup> sharedA: array<array<vec4f, ${size[0] / 4}>, ${depth}>;
var<workgroup> sharedB: array<array<vec4f, ${size[1] / 4}>, ${depth}>;`,
      code: `${start(size)}
  var sum: array<vec4f, ${rows * columns}>;
  for (var step = begin; step < end; step += ${depth}u) {
    ${load("A", "top", size[0])}
    ${load("B", "left", size[1])}
    workgroupBarrier();
    for (var inner = 0u; inner < ${depth / 4}u; inner++) {
      let turn = inner * ${32 / depth}u;
      ${lines(4, innerStep)}
    }
    workgroupBarrier();
  }
  let row = top + local.y * 4u;
  ${
        lines(columns, (c) => `
  let column${c} = left + local.x * 4u + ${c * width * 4}u;
  let bias${c} = biasAt(column${c});`)
      }
  ${
        sums((r, c, sum) =>
          `store(baseC, row + ${(r >> 2) * height * 4 + r % 4}u, column${c}, ${sum} + bias${c});`
        )
      }`,
    };
  });
}

/**
 * A product of at most `rows` rows, such as those of the next tokens: its time goes into reading B,
 * so 32 invocations read the inner steps of four columns side by side, and add up at the end.
 */
export function fewRows(form: Form, rows: number): Program {
  return once(`MatMulFewRows ${[rows, ...Object.values(form)]}`, () => {
    const { declarations, ...bindings } = product(form);
    const across = FEW_ROWS_COLUMNS / 4;
    return {
      ...bindings,
      workgroup: [32, across, 1],
      declarations: `${declarations}
var<workgroup> sums: array<array<vec4f, ${32 * across}>, ${rows}>;`,
      code: `${start([rows, FEW_ROWS_COLUMNS])}
  var sum: array<mat4x4f, ${rows / 4}>; // its columns are rows of C
  for (var inner = begin + local.x * 4u; inner < end; inner += 128u) {
    let b = blockB(baseB, left + local.y * 4u, inner);
    ${lines(rows / 4, (i) => `sum[${i}] += b * transpose(blockA(baseA, top + ${4 * i}u, inner));`)}
  }
  ${lines(rows, (row) => `sums[${row}][index] = sum[${row >> 2}][${row % 4}];`)}
  workgroupBarrier();
  for (var at = index; at < ${rows * across}u; at += ${32 * across}u) {
    var total = vec4f();
    for (var i = at; i < at + 32u; i++) { // from different banks
      total += sums[at / ${across}u][at % ${across}u * 32u + i % 32u];
    }
    let column = left + at % ${across}u * 4u;
    store(baseC, top + at / ${across}u, column, total + biasAt(column));
  }`,
    };
  });
}

/** Adds up the parts of a product whose inner dimension was divided, always in the same order. */
export function sumOfParts(form: Form): Program {
  return once(`MatMulSum ${Object.values(form)}`, () => {
    const { inputs, outputs, params, declarations } = result(form);
    const one = (i: number) =>
      `if (column + ${i}u < params.n) { total[${i}] += parts[at + ${i}u]; }`;
    return {
      inputs: { parts: floats(form.wideC), ...inputs },
      outputs,
      params: { ...params, count: "u32" },
      workgroup: [64, 1, 1],
      declarations,
      code: `
  let across = (params.n + 3u) / 4u;
  let item = (group.y * groups.x + group.x) * 64u + index;
  if (item >= params.m * across) { return; }
  let row = item / across;
  let column = item % across * 4u;
  var total = vec4f();
  for (var part = 0u; part < params.count; part++) {
    let at = (part * params.m + row) * params.n + column;
    ${form.wideC ? "total += parts[at / 4u];" : lines(4, one)}
  }
  store(0u, row, column, total + biasAt(column));`,
    };
  });
}
