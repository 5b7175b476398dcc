/**
 * Sums and products of matrices, worked out to one matrix.
 *
 * @module
 */
import { type Expression, withParts } from "./expression.ts";

type Matrix = Expression & { readonly kind: "matrix" };

/** Rows and columns that are worked out. */
const MAX_SIDE = 8;

/** The expression with its sums and products of matrices worked out, as far as they can be. */
export function withMatrices(expression: Expression): Expression {
  const worked = withParts(expression, withMatrices);
  if (worked.kind === "product" && worked.items.some(isMatrix)) return worked.items.reduce(times);
  if (worked.kind === "power" && isTransposition(worked.exponent)) {
    return isMatrix(worked.base)
      ? transposed(worked.base)
      : worked.base.kind === "bracket"
      ? worked.base
      : worked;
  }
  if (worked.kind === "quotient" && isMatrix(worked.top)) {
    return scaled(worked.top, (cell) => ({ kind: "quotient", top: cell, bottom: worked.bottom }));
  }
  if (worked.kind === "sum" && worked.items.every(isMatrix)) {
    return worked.items.reduce((a, b) => plus(a as Matrix, b as Matrix));
  }
  return worked;
}

/** Rows of different lengths are left alone. */
const isMatrix = (expression: Expression): expression is Matrix =>
  expression.kind === "matrix" &&
  expression.rows.every(({ length }) => length === expression.rows[0]!.length);

const isTransposition = (exponent: Expression) =>
  exponent.kind === "symbol" && exponent.name === "T";

const transposed = ({ rows }: Matrix): Matrix => ({
  kind: "matrix",
  rows: (rows[0] ?? []).map((_, column) => rows.map((row) => row[column]!)),
});

const scaled = (matrix: Matrix, scale: (cell: Expression) => Expression): Matrix => ({
  kind: "matrix",
  rows: matrix.rows.map((row) => row.map(scale)),
});

const multiplied = (a: Expression, b: Expression): Expression => ({
  kind: "product",
  items: [...(a.kind === "product" ? a.items : [a]), b],
});

function times(a: Expression, b: Expression): Expression {
  if (!isMatrix(a)) {
    return isMatrix(b) ? scaled(b, (cell) => multiplied(a, cell)) : multiplied(a, b);
  }
  if (!isMatrix(b)) return scaled(a, (cell) => multiplied(cell, b));
  const inner = b.rows.length;
  const fits = a.rows.every((row) => row.length === inner) && inner > 0 &&
    Math.max(inner, a.rows.length, b.rows[0]!.length) <= MAX_SIDE;
  if (!fits) return multiplied(a, b);
  return {
    kind: "matrix",
    rows: a.rows.map((row) =>
      b.rows[0]!.map((_, column): Expression => ({
        kind: "sum",
        items: row.map((cell, i) => multiplied(cell, b.rows[i]![column]!)),
      }))
    ),
  };
}

function plus(a: Matrix, b: Matrix): Matrix {
  const cells = (i: number) => b.rows[i] ?? [];
  return {
    kind: "matrix",
    rows: a.rows.map((row, i) =>
      row.map((cell, j): Expression => ({
        kind: "sum",
        items: [cell, cells(i)[j] ?? { kind: "text", text: "missing" }],
      }))
    ),
  };
}
