/**
 * Tables in CSV (RFC 4180) with a header.
 *
 * @module
 */
import { parse } from "@std/csv";
import type { Row, Table } from "./table.ts";
import { textLines } from "./text_lines.ts";

/**
 * Opens a CSV file. Blank lines are no rows; every cell is text.
 *
 * @throws {RangeError} When it cannot be read.
 * @throws {SyntaxError} When its header, or later a row, is not CSV, two columns share a name, or a
 * row is longer or shorter than the header.
 */
export async function openCsv(path: string): Promise<Table> {
  for await (const { line, record } of records(path)) {
    const columns = cellsOf(path, line, record).map((cell) => cell.trim());
    const repeated = columns.find((column, i) => columns.indexOf(column) < i);
    if (repeated !== undefined) {
      throw new SyntaxError(
        `Cannot read ${path}:${line}:${repeated} as columns must differ: current value is two of that name`,
      );
    }
    const header = { place: `${path}:${line}`, columns };
    return { path, unit: "line", header, rows: () => rows(path, columns) };
  }
  return { path, unit: "line", rows: () => rows(path, []) }; // nothing but blank lines
}

async function* rows(path: string, columns: readonly string[]): AsyncGenerator<Row> {
  let isHeader = true;
  for await (const { line, record } of records(path)) {
    if (isHeader) {
      isHeader = false;
      continue;
    }
    const cells = cellsOf(path, line, record, columns);
    if (cells.length !== columns.length) {
      const column = columns[cells.length] ?? columns.at(-1); // the first without a cell, or the last
      throw new SyntaxError(
        `Cannot read ${path}:${line}:${column} as the row must have ${columns.length} cells like the header: current value is ${cells.length}`,
      );
    }
    yield { number: line, fields: Object.fromEntries(columns.map((name, i) => [name, cells[i]])) };
  }
}

/**
 * The records of a CSV file and the line each begins on, less blank lines. They are cut here and
 * parsed one by one, as the parser does not tell where in the text a record was.
 */
async function* records(path: string): AsyncGenerator<{ line: number; record: string }> {
  let parts: string[] = [], line = 1, quotes = 0;
  for await (const { number, text } of textLines(path)) {
    if (parts.length === 0) line = number;
    parts.push(text);
    quotes += text.split('"').length - 1;
    if (quotes % 2 === 1) continue; // this line break is inside a quoted cell
    const record = parts.join("\n");
    [parts, quotes] = [[], 0];
    if (record.trim() !== "") yield { line, record };
  }
  if (parts.length > 0) yield { line, record: parts.join("\n") };
}

/** The cells of a record that begins on `line`; `columns` is absent for the header itself. */
function cellsOf(
  path: string,
  line: number,
  record: string,
  columns?: readonly string[],
): string[] {
  const [cells, error] = tryParse(record);
  if (cells) return cells;
  const [closed] = tryParse(`${record}"`);
  if (closed) { // so all it lacks is a quote at the end: its last cell was never closed
    const start = line + countLineBreaks(closed.slice(0, -1).join(""));
    const column = columns?.[closed.length - 1] ?? closed.length;
    throw new SyntaxError(
      `Cannot read ${path}:${start}:${column} as a quoted cell must be closed: current value is open until the end of the file`,
      { cause: error },
    );
  }
  const place = /on line (\d+), column (\d+)/.exec(error.message);
  throw new SyntaxError(
    `Cannot read ${path}:${line - 1 + Number(place?.[1] ?? 1)}:${
      place?.[2] ?? 1
    } as a quote must open or close a cell, or be doubled in a quoted one: current value is a quote elsewhere, in the row of line ${line}`,
    { cause: error },
  );
}

function tryParse(record: string): [string[], undefined] | [undefined, SyntaxError] {
  try {
    return [parse(record)[0] ?? [], undefined];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [undefined, error];
  }
}

function countLineBreaks(text: string): number {
  return text.split("\n").length - 1;
}
