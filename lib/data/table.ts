/**
 * What every file format is read as: rows with names for their fields, and where each row is.
 *
 * @module
 */

/** A row before it is checked. */
export interface Row {
  /** The line it begins on, or in a Parquet file its place; from 1. */
  readonly number: number;
  /** Its fields by name, if it is a row at all. */
  readonly fields: unknown;
}

/** A file that is open for reading. */
export interface Table {
  readonly path: string;
  /** What a row's number counts. */
  readonly unit: "line" | "row";
  /** The names of all columns, where the format has them in one place, and where that is. */
  readonly header?: { readonly place: string; readonly columns: readonly string[] };
  /** Reads the rows, from the first each time. */
  rows(): AsyncGenerator<Row>;
}

/** Where a row is, as an error begins: `questions.csv:3`, `questions.parquet:row 3`. */
export function placeOf({ path, unit }: Table, number: number): string {
  return unit === "line" ? `${path}:${number}` : `${path}:row ${number}`;
}

/** The beginning of a text in one line, as an error shows it. */
export function excerpt(text: string): string {
  const line = text.slice(0, 61).replaceAll(/[\r\n]+/g, " ");
  return text.length > 60 ? `${line.slice(0, 60)}…` : line;
}

/** The error of a file that cannot be opened or read on. */
export function unreadable(path: string, cause: unknown): RangeError {
  const name = cause instanceof Error ? cause.name : String(cause);
  return new RangeError(
    `Cannot read ${path} as it must be a readable file: current value is ${name}`,
    { cause },
  );
}
