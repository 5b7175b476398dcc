/**
 * CSV read into rows or records, with the interface of `@std/csv/parse`.
 *
 * Differences from `@std/csv` 1.x:
 * 1. Errors name the line of the text; there, a record of many lines counts as one.
 * 2. With `trimLeadingSpace`, a line of white space alone is blank, and a separator is never trimmed.
 * 3. A row that does not fit its header is a SyntaxError like any other; there, a bare Error.
 *
 * @module
 */
import { CsvError, parse as parseCsv } from "csv-parse/sync";

/** Options of {@linkcode parse}. */
export interface ParseOptions {
  /** What separates cells: a comma unless told. */
  separator?: string;
  /** A line that begins with this character is left out; none unless told. */
  comment?: string;
  /** Drops the white space before each cell. */
  trimLeadingSpace?: boolean;
  /** Takes quotes where they do not belong as text. */
  lazyQuotes?: boolean;
  /** The cells each row must have; 0 for as many as the first. Any number when absent or negative. */
  fieldsPerRecord?: number;
  /** Makes records of the rows, named by the first row unless `columns` are given. */
  skipFirstRow?: boolean;
  /** Makes records of the rows, with these names. */
  columns?: readonly string[];
}

/** What {@linkcode parse} returns under options `T`. */
export type ParseResult<ParseOptions, T> = T extends
  ParseOptions & { columns: readonly (infer C extends string)[] } ? RecordWithColumn<C>[]
  : T extends ParseOptions & { skipFirstRow: true } ? Record<string, string>[]
  : T extends ParseOptions & { columns?: undefined; skipFirstRow?: false | undefined } ? string[][]
  : Record<string, string>[] | string[][];

/** A record whose names are known when they are literal. */
export type RecordWithColumn<C extends string> = string extends C ? Record<string, string>
  : Record<C, string>;

interface Row {
  readonly line: number;
  readonly cells: string[];
}

/**
 * Reads CSV (RFC 4180) into rows of cells, or into records when it has `columns` or `skipFirstRow`.
 *
 * Lines end with LF or CRLF, and inside a cell become LF. Blank lines and a byte order mark are
 * left out; white space is kept.
 *
 * @throws {SyntaxError} When a quote is where it must not be, by line and column in characters, or
 * a row has more or fewer cells than it must.
 * @throws {TypeError} When the first row is to name the columns and there is none.
 *
 * @example Usage
 * ```ts
 * import { assertEquals, assertThrows } from "../std_assert/mod.ts";
 * import { parse } from "./parse.ts";
 *
 * assertEquals(parse('a,b\n1,"2, 3"\n'), [["a", "b"], ["1", "2, 3"]]);
 * assertEquals(parse("a,b\n1,2", { skipFirstRow: true }), [{ a: "1", b: "2" }]);
 * assertEquals(parse("1;2", { columns: ["a", "b"], separator: ";" }), [{ a: "1", b: "2" }]);
 * assertThrows(() => parse('a\n6" nail'), SyntaxError, "line 2, column 2");
 * ```
 */
export function parse(input: string): string[][];
export function parse<const T extends ParseOptions>(
  input: string,
  options: T,
): ParseResult<ParseOptions, T>;
export function parse(
  input: string,
  options: ParseOptions = {},
): string[][] | Record<string, string>[] {
  const rows = readRows(input, options);
  checkFieldCount(rows, options.fieldsPerRecord ?? -1);
  if (!options.skipFirstRow && !options.columns) {
    return rows.map(({ cells }) => cells);
  }
  const first = options.skipFirstRow ? rows.shift()?.cells : undefined;
  if (options.skipFirstRow && !first) {
    throw new TypeError("Headers must be defined");
  }
  const header = options.columns ?? first!;
  return rows.map(({ line, cells }) => {
    if (cells.length !== header.length) {
      throw new SyntaxError(
        `Syntax error on line ${line}: The record has ${cells.length} fields, but the header has ${header.length} fields`,
      );
    }
    return Object.fromEntries(header.map((name, i) => [name, cells[i]!]));
  });
}

function checkFieldCount(rows: readonly Row[], fieldsPerRecord: number): void {
  const expected = fieldsPerRecord || rows[0]?.cells.length;
  for (const { line, cells } of rows) {
    if (fieldsPerRecord >= 0 && cells.length !== expected) {
      throw new SyntaxError(
        `Syntax error on line ${line}: expected ${expected} fields but got ${cells.length}`,
      );
    }
  }
}

function readRows(input: string, options: ParseOptions): Row[] {
  const { separator = ",", comment, lazyQuotes } = options;
  for (const character of [separator, comment]) {
    if (character !== undefined && ["", "\r", "\n", '"'].includes(character)) {
      throw new Error("Invalid Delimiter");
    }
  }
  if (separator === comment) throw new Error("Invalid Delimiter");
  const text = input.replace(/^\ufeff/, "").replace(/\r$/, "").replaceAll(
    "\r\n",
    "\n",
  );
  const plain = lazyQuotes ? quoteAll(text, options) : blankComments(text, comment);
  return parseRows(plain, options);
}

function parseRows(text: string, options: ParseOptions): Row[] {
  try {
    const rows: { record: string[]; info: { lines: number } }[] = parseCsv(
      text,
      {
        delimiter: options.separator ?? ",",
        record_delimiter: "\n",
        ltrim: options.trimLeadingSpace ?? false,
        relax_column_count: true,
        skip_empty_lines: true,
        info: true,
      },
    );
    return rows.map(({ record, info }) => ({
      line: info.lines - countLineBreaks(record.join("")), // from the line it ends on
      cells: record,
    }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw quoteError(text, options, error);
  }
}

/** Says where in a text a quote is wrong: `csv-parse` tells only where the last good cell ended. */
function quoteError(
  text: string,
  options: ParseOptions,
  cause: CsvError,
): SyntaxError {
  const { separator = "," } = options;
  const good = text.slice(0, lengthInUtf16(text, Number(cause.bytes)));
  let start = good.length; // of the cell
  let recordLine: number;
  if (Number(cause.index) > 0) { // the record has good cells already
    start += separator.length;
    recordLine = parseRows(`${good}${separator}`, options).at(-1)!.line;
  } else {
    const blank = options.trimLeadingSpace ? /\s*/y : /\n*/y;
    blank.lastIndex = start;
    start += blank.exec(text)![0].length;
    recordLine = countLineBreaks(text.slice(0, start)) + 1;
  }
  const quote = text.indexOf('"', start);
  const closed = text.slice(quote).match(/^"[^"]*(?:""[^"]*)*"/)?.[0];
  const bare = cause.code === "INVALID_OPENING_QUOTE";
  const before = cause.code === "CSV_QUOTE_NOT_CLOSED"
    ? text.replace(/\n?$/, "\n") // missing on the line after the last
    : text.slice(0, bare ? quote : quote + closed!.length - 1);
  const column = [...before.slice(before.lastIndexOf("\n") + 1)].length + 1;
  return new SyntaxError(
    `Syntax error on line ${recordLine}; parse error on line ${
      countLineBreaks(before) + 1
    }, column ${column}: ${
      bare ? 'bare " in non-quoted-field' : 'extraneous or missing " in quoted-field'
    }`,
    { cause },
  );
}

function lengthInUtf16(text: string, bytes: number): number {
  const start = new TextEncoder().encode(text).subarray(0, bytes);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(start).length;
}

/** Empties the lines of comments: `csv-parse` would look for some after white space or a quote. */
function blankComments(text: string, comment: string | undefined): string {
  if (!comment) return text;
  const pattern = `"[^"]*"|(?<=^|\n)${RegExp.escape(comment)}[^\n]*`;
  return text.replace(new RegExp(pattern, "g"), (part) => part.startsWith('"') ? part : "");
}

/**
 * Quotes every cell that has a quote, doubles the quotes that are text, as RFC 4180 asks, and
 * empties the lines of comments.
 */
function quoteAll(text: string, options: ParseOptions): string {
  const { separator = ",", comment, trimLeadingSpace } = options;
  const separated = RegExp.escape(separator);
  const end = `(?<end>${separated}|\n|$)`; // matched, so that the next match starts a cell
  const cell = new RegExp(
    (comment ? `(?<=^|\n)(?<comment>${RegExp.escape(comment)}[^\n]*)|` : "") +
      (trimLeadingSpace ? `(?:(?!${separated})[^\\S\n])*` : "") +
      `(?:"(?<quoted>(?:""|"(?!${separated}|\n|$)|[^"])*)(?:"|$)|(?<bare>(?:(?!${separated})[^\n])*))` +
      end,
    "g",
  );
  return text.replace(cell, (whole, ...rest) => {
    const { comment, quoted, bare, end }: Record<string, string | undefined> = rest.at(-1);
    if (comment !== undefined) return "";
    if (quoted !== undefined) return `"${quoted.replaceAll(/""?/g, '""')}"${end}`;
    return bare?.includes('"') ? `"${bare.replaceAll('"', '""')}"${end}` : whole;
  });
}

function countLineBreaks(text: string): number {
  return text.split("\n").length - 1;
}
