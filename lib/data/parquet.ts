/**
 * Tables in Parquet.
 *
 * @module
 */
// The Parquet library of the JavaScript world: no native code, reads what pyarrow and the Hub write.
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaElement,
} from "hyparquet";
import { compressors } from "hyparquet-compressors"; // zstd, gzip, brotli and lz4 beside snappy
import { parquetWriteBuffer } from "hyparquet-writer"; // by the same authors
import { writeWhole } from "../files.ts";
import { excerpt, type Row, type Table, unreadable } from "./table.ts";

/**
 * Opens a Parquet file. Rows are read one row group at a time, and have no line: a row's number is
 * its place. Whole numbers become numbers, or text beyond 2^53.
 *
 * @throws {RangeError} When it cannot be read.
 * @throws {SyntaxError} When it is not Parquet; reading the rows throws one, too, when a row group
 * is damaged or packed in a way that is not known.
 */
export async function openParquet(path: string): Promise<Table> {
  using file = await openFile(path);
  const metadata = await reading(path, () => parquetMetadataAsync(bufferOf(file)));
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
  return { path, unit: "row", header: { place: path, columns }, rows: () => rows(path, metadata) };
}

async function* rows(path: string, metadata: FileMetaData): AsyncGenerator<Row> {
  using file = await openFile(path);
  const buffer = bufferOf(file);
  let number = 1;
  for (const { num_rows } of metadata.row_groups) {
    const [rowStart, rowEnd] = [number - 1, number - 1 + Number(num_rows)];
    const group = await reading(
      `${path}:row ${number}`,
      () => parquetReadObjects({ file: buffer, metadata, rowStart, rowEnd, compressors }),
    );
    for (const row of group) yield { number: number++, fields: withNumbers(row) };
  }
}

async function openFile(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** A file as the library reads it: any range of its bytes. */
function bufferOf(file: Deno.FsFile): AsyncBuffer {
  const byteLength = file.statSync().size;
  return {
    byteLength,
    slice(start, end = byteLength): ArrayBuffer {
      const bytes = new Uint8Array(end - start);
      file.seekSync(start, Deno.SeekMode.Start); // at once with the reading: others seek, too
      for (let at = 0; at < bytes.length;) {
        const count = file.readSync(bytes.subarray(at));
        if (count === null) throw new Error("the file ends too early");
        at += count;
      }
      return bytes.buffer;
    },
  };
}

async function reading<T>(place: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read ${place} as it must be Parquet: current value is ${
        excerpt((cause as Error).message)
      }`,
      { cause },
    );
  }
}

/** A value of a cell with numbers for 64-bit whole numbers, as JSON has them. */
function withNumbers(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (Array.isArray(value)) return value.map(withNumbers);
  if (value === null || typeof value !== "object" || value instanceof Date) return value ?? null;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, withNumbers(field)]),
  );
}

/** What a column holds. Every value, at any depth, may be null. */
export type ColumnType =
  | "text"
  | "whole"
  | "number"
  | "boolean"
  | { readonly list: ColumnType }
  | { readonly fields: Readonly<Record<string, ColumnType>> };

/** A column to write. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** `[rows]`. */
  readonly values: readonly unknown[];
}

/**
 * Writes a Parquet file whole, compressed by snappy. Lists and structs are laid out as pyarrow lays
 * them out.
 *
 * @param columns All of one length.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { openParquet, writeParquet } from "./parquet.ts";
 *
 * const folder = await Deno.makeTempDir();
 * await writeParquet(`${folder}/a.parquet`, [
 *   { name: "step", type: "whole", values: [1, 2] },
 *   { name: "tags", type: { list: "text" }, values: [["x", "y"], null] },
 * ]);
 * const table = await openParquet(`${folder}/a.parquet`);
 * assertEquals(table.header?.columns, ["step", "tags"]);
 * assertEquals(await Array.fromAsync(table.rows()), [
 *   { number: 1, fields: { step: 1, tags: ["x", "y"] } },
 *   { number: 2, fields: { step: 2, tags: null } },
 * ]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function writeParquet(path: string, columns: readonly ParquetColumn[]): Promise<void> {
  const schema: SchemaElement[] = [
    { name: "schema", repetition_type: "REQUIRED", num_children: columns.length },
    ...columns.flatMap(({ name, type }) => elements(name, type)),
  ];
  const columnData = columns.map(({ name, type, values }) => ({
    name,
    data: values.map((value) => stored(type, value)),
  }));
  await writeWhole(path, new Uint8Array(parquetWriteBuffer({ schema, columnData })));
}

/** A column's type as Parquet spells it: the element and those inside it, depth first. */
function elements(name: string, type: ColumnType): SchemaElement[] {
  const optional = { name, repetition_type: "OPTIONAL" } as const;
  if (type === "text") {
    const text = { converted_type: "UTF8", logical_type: { type: "STRING" } } as const;
    return [{ ...optional, type: "BYTE_ARRAY", ...text }];
  }
  if (type === "whole") return [{ ...optional, type: "INT64" }];
  if (type === "number") return [{ ...optional, type: "DOUBLE" }];
  if (type === "boolean") return [{ ...optional, type: "BOOLEAN" }];
  if ("list" in type) {
    const list = { converted_type: "LIST", logical_type: { type: "LIST" } } as const;
    return [
      { ...optional, num_children: 1, ...list },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      ...elements("element", type.list),
    ];
  }
  const children = Object.entries(type.fields);
  return [
    { ...optional, num_children: children.length },
    ...children.flatMap(([child, childType]) => elements(child, childType)),
  ];
}

/** A value as the library takes it. */
function stored(type: ColumnType, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (type === "whole") return BigInt(value as number);
  if (typeof type === "string") return value;
  if ("list" in type) return (value as unknown[]).map((each) => stored(type.list, each));
  return Object.fromEntries(
    Object.entries(type.fields).map(([name, field]) => [
      name,
      stored(field, (value as Record<string, unknown>)[name]),
    ]),
  );
}
