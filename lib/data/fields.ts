/**
 * The fields of a row, checked as they are taken.
 *
 * @module
 */
import { excerpt } from "./table.ts";

/** What a row holds beside what was taken of it, as text. */
export type Metadata = Readonly<Record<string, string>>;

/** The fields of a row. A mistake in one throws an error that begins with where it is. */
export interface Fields {
  /** Whether a field is there and not null. */
  has(field: string): boolean;
  /** A text that is not blank. */
  text(field: string): string;
  /** A text that is not blank, or a number as text. */
  textOrNumber(field: string): string;
  /** A text; undefined when it is missing, null or empty. */
  optionalText(field: string): string | undefined;
  /** A list of texts that are not blank, or numbers as text; at least one. */
  texts(field: string): string[];
  /** A struct. */
  object(field: string): Fields;
  /** A list of structs; empty when the field is missing or null. */
  objects(field: string): Fields[];
  /** Passes over a field, so that {@linkcode Fields.rest} leaves it out. */
  skip(field: string): void;
  /** The fields that were not taken, less the empty: a text as it is, anything else as JSON. */
  rest(): Metadata;
  /** The error that a field is not what the schema needs. */
  wrong(field: string, need: string): RangeError;
}

/**
 * Reads a row.
 *
 * @param place Where the row is, such as `questions.csv:3`.
 * @param value Its fields by name.
 * @throws {TypeError} When it has no fields. What is taken later throws a TypeError when it is
 * missing or of another type, and a RangeError when it is blank.
 *
 * @example Usage
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { fieldsOf } from "./fields.ts";
 *
 * const row = fieldsOf("a.jsonl:3", { question: "2+2=", answer: 4, level: 1, tags: ["x"] });
 * assertEquals([row.text("question"), row.textOrNumber("answer")], ["2+2=", "4"]);
 * assertEquals(row.rest(), { level: "1", tags: '["x"]' });
 * assertThrows(() => row.text("level"), TypeError, "Cannot read a.jsonl:3:level as it must be text");
 * ```
 */
export function fieldsOf(place: string, value: unknown): Fields {
  return fieldsIn({ place, value }, ":");
}

/** The fields of a struct; `separator` stands between its place and theirs. */
function fieldsIn({ place, value }: Cell, separator: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(
      `Cannot read ${place} as it must be an object with named fields: current value is ${
        excerpt(JSON.stringify(value) ?? "missing")
      }`,
    );
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const taken = new Set<string>();
  const take = (field: string): Cell => {
    taken.add(field);
    return { place: `${place}${separator}${field}`, value: fields[field] };
  };
  return {
    has: (field) => fields[field] !== undefined && fields[field] !== null,
    text: (field) => textIn(take(field)),
    textOrNumber: (field) => textIn(withNumberAsText(take(field))),
    optionalText(field): string | undefined {
      const cell = take(field);
      if (cell.value === undefined || cell.value === null || cell.value === "") return;
      if (typeof cell.value !== "string") throw wrongType(cell, "it must be text");
      return cell.value;
    },
    texts: (field) => listIn(take(field), "of texts").map((cell) => textIn(withNumberAsText(cell))),
    object(field): Fields {
      const cell = take(field);
      there(cell);
      return fieldsIn(cell, ".");
    },
    objects(field): Fields[] {
      const cell = take(field);
      if (cell.value === undefined || cell.value === null) return [];
      return cellsIn(cell, "of objects").map((each) => fieldsIn(each, "."));
    },
    skip: (field) => void taken.add(field),
    rest(): Metadata {
      const others = Object.entries(fields).filter(([name, each]) =>
        !taken.has(name) && each !== null && each !== undefined && each !== ""
      );
      return Object.fromEntries(
        others.map((
          [name, each],
        ) => [name, typeof each === "string" ? each : JSON.stringify(each)]),
      );
    },
    wrong: (field, need) => wrongValue(take(field), need),
  };
}

/** A value and where it is. */
interface Cell {
  readonly place: string;
  readonly value: unknown;
}

function shown(value: unknown): string {
  return value === undefined ? "missing" : excerpt(JSON.stringify(value));
}

function wrongType({ place, value }: Cell, need: string): TypeError {
  return new TypeError(`Cannot read ${place} as ${need}: current value is ${shown(value)}`);
}

function wrongValue({ place, value }: Cell, need: string): RangeError {
  return new RangeError(`Cannot read ${place} as ${need}: current value is ${shown(value)}`);
}

function there(cell: Cell): unknown {
  if (cell.value === undefined) throw wrongType(cell, "the field must be there");
  return cell.value;
}

function textIn(cell: Cell): string {
  const value = there(cell);
  if (typeof value !== "string") throw wrongType(cell, "it must be text");
  if (value.trim() === "") throw wrongValue(cell, "it must not be blank");
  return value;
}

/** Beyond 2^53 a number is no longer the one in the file, so it must be written as text. */
function withNumberAsText(cell: Cell): Cell {
  const { place, value } = cell;
  const isExact = typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return isExact ? { place, value: String(value) } : cell;
}

function cellsIn(cell: Cell, of: string): Cell[] {
  const value = there(cell);
  if (!Array.isArray(value)) throw wrongType(cell, `it must be a list ${of}`);
  return value.map((each, i) => ({ place: `${cell.place}.${i}`, value: each }));
}

function listIn(cell: Cell, of: string): Cell[] {
  const cells = cellsIn(cell, of);
  if (cells.length === 0) throw wrongValue(cell, "it must not be empty");
  return cells;
}
