/**
 * Rows or records written as CSV, with the interface of `@std/csv/stringify`.
 *
 * @module
 */
import { stringify as stringifyCsv } from "csv-stringify/sync";

/** The key of a value in a record, or its place in an array. */
export type PropertyAccessor = number | string;

/** A column, its header and the way to its value. */
export interface ColumnDetails {
  /** The last step of `prop` unless told. */
  header?: string;
  prop: PropertyAccessor | PropertyAccessor[];
}

/** A column: a key, a way of several keys, or both with a header. */
export type Column =
  | ColumnDetails
  | PropertyAccessor
  | PropertyAccessor[];

/** What becomes a row. */
export type DataItem = Record<string, unknown> | unknown[];

/** Options of {@linkcode stringify}. */
export interface StringifyOptions {
  /** Begins with a row of the columns' headers, if there are `columns`; so it is unless false. */
  headers?: boolean;
  /** What separates cells: a comma unless told. */
  separator?: string;
  /** What each row shows; arrays need none. */
  columns?: readonly Column[];
  /** Begins with a byte order mark, by which spreadsheets know UTF-8. */
  bom?: boolean;
}

/**
 * Writes CSV (RFC 4180): lines end with CRLF, and cells with a separator, quote or LF are quoted.
 *
 * A null or undefined value is an empty cell, an object is its JSON.
 *
 * @throws {TypeError} When the separator holds a quote or CRLF, a record comes without columns, or
 * a column asks an array for a key.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "../std_assert/mod.ts";
 * import { stringify } from "./stringify.ts";
 *
 * assertEquals(stringify([[1, 'a "b"'], [2]]), '1,"a ""b"""\r\n2\r\n');
 * const rows = [{ step: 1, loss: { sft: 0.5 } }];
 * assertEquals(stringify(rows, { columns: ["step", ["loss", "sft"]] }), "step,sft\r\n1,0.5\r\n");
 * ```
 */
export function stringify(
  data: readonly DataItem[],
  { headers = true, separator = ",", columns = [], bom = false }: StringifyOptions = {},
): string {
  if (/"|\r\n/.test(separator)) {
    throw new TypeError(
      `Cannot stringify as the separator must hold no quote and no CRLF: current value is ${
        JSON.stringify(separator)
      }`,
    );
  }
  const paths = columns.map(pathOf);
  const rows = data.map((item) => cellsOf(item, paths).map(textOf));
  if (headers && columns.length > 0) {
    rows.unshift(
      columns.map((column, i) => headerOf(column) ?? String(paths[i]!.at(-1))),
    );
  }
  return stringifyCsv(rows, {
    bom,
    delimiter: separator,
    record_delimiter: "\r\n",
    quoted_match: /\n/, // the record delimiter has one, but a cell may have it alone
  });
}

function pathOf(column: Column): PropertyAccessor[] {
  const prop = typeof column === "object" && "prop" in column ? column.prop : column;
  return typeof prop === "object" ? prop : [prop];
}

function headerOf(column: Column): string | undefined {
  return typeof column === "object" && "header" in column ? column.header : undefined;
}

function cellsOf(
  item: DataItem,
  paths: readonly PropertyAccessor[][],
): unknown[] {
  if (paths.length > 0) {
    return paths.map((path) => path.reduce<unknown>(valueAt, item));
  }
  if (Array.isArray(item)) return item;
  throw new TypeError("No property accessor function was provided for object");
}

/** A value that holds none stands for all that would be inside. */
function valueAt(value: unknown, key: PropertyAccessor): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value) && typeof key !== "number") {
    throw new TypeError('Property accessor is not of type "number"');
  }
  return (value as Record<PropertyAccessor, unknown>)[key];
}

function textOf(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "");
}
