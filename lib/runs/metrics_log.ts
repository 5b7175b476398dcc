/**
 * The metrics of a run on disk: `metrics.jsonl`, one record per step, which a resumed run reads
 * back, and `metrics.csv`, the same as a table for spreadsheets and notebooks.
 *
 * Both are written whole at each step, so a run that is killed or fills the disk never leaves half
 * a line. That costs the square of the number of steps: a thousand steps of 1 kB write 1 GB in all,
 * a few milliseconds each, little beside the training between them.
 *
 * @module
 */
import { stringify } from "@std/csv";
import { writeWhole } from "../files.ts";

/** The metrics of one step: flat, and whole number `step` >= 0 among them. */
export type MetricsRecord = Readonly<Record<string, number | string | null>>;

/** The metrics of a run, in memory and on disk alike. */
export interface MetricsLog {
  /** Every record, steps increasing. */
  readonly records: readonly MetricsRecord[];
  /** A last line cut short, which was dropped when the folder was opened. */
  readonly tornLine?: string;
  /**
   * Adds the record of a step and writes both files; await one before the next.
   *
   * Numbers that JSON has no word for (NaN, ±Infinity) and undefined become null.
   *
   * @throws {RangeError} When `step` is missing or not past the last record's, or a value is
   * neither a number, a text nor null.
   */
  append(record: Readonly<Record<string, number | string | null | undefined>>): Promise<void>;
  /**
   * Drops the records after a step and writes both files: a run that resumes from a checkpoint of
   * that step will make them again.
   *
   * @returns How many were dropped.
   */
  truncateTo(step: number): Promise<number>;
}

/**
 * Opens the metrics of a run folder, which must exist; a folder without any starts empty.
 *
 * A last line cut short (files copied while a run was writing them) is dropped and reported as
 * `tornLine`. The table is never read: it is made again from the records.
 *
 * @throws {SyntaxError} When any other line is not a record; names the file and the line.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { openMetricsLog } from "./metrics_log.ts";
 *
 * const folder = await Deno.makeTempDir();
 * const log = await openMetricsLog(folder);
 * await log.append({ step: 0, accuracy: 0.25, sftLoss: undefined });
 * await log.append({ step: 1, accuracy: 0.5, sftLoss: 1.5 });
 *
 * const resumed = await openMetricsLog(folder);
 * assertEquals(await resumed.truncateTo(0), 1);
 * assertEquals(resumed.records, [{ step: 0, accuracy: 0.25, sftLoss: null }]);
 * assertEquals(
 *   await Deno.readTextFile(`${folder}/metrics.csv`),
 *   "step,accuracy,sftLoss\r\n0,0.25,\r\n",
 * );
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function openMetricsLog(folder: string): Promise<MetricsLog> {
  const path = `${folder}/metrics.jsonl`;
  const opened = parseLines(await readIfThere(path), path);
  let written = opened.records.reduce(extended, NOTHING);

  async function replace(next: Contents): Promise<void> {
    await writeWhole(path, next.lines);
    await writeWhole(`${folder}/metrics.csv`, next.header + next.rows);
    written = next; // only now: a write that failed can be tried again
  }

  return {
    get records(): readonly MetricsRecord[] {
      return written.records;
    },
    tornLine: opened.tornLine,
    async append(record): Promise<void> {
      const stored: MetricsRecord = Object.fromEntries(
        Object.entries(record).map(([name, value]) => [name, storable(value)]),
      );
      const fault = faultOf(stored, written.records.at(-1));
      if (fault !== undefined) throw new RangeError(`Cannot append metrics as ${fault}`);
      await replace(extended(written, stored));
    },
    async truncateTo(step: number): Promise<number> {
      const { records } = written;
      const kept = records.filter((record) => stepOf(record) <= step);
      await replace(kept.reduce(extended, NOTHING));
      return records.length - kept.length;
    },
  };
}

/** A value as it will be read back. */
function storable(value: number | string | null | undefined): number | string | null {
  return value === undefined || (typeof value === "number" && !Number.isFinite(value))
    ? null
    : value;
}

function stepOf(record: MetricsRecord): number {
  return record["step"] as number; // checked when it came in
}

/** What keeps a value from being the record after `previous`; undefined when nothing does. */
function faultOf(value: unknown, previous: MetricsRecord | undefined): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `a record must be an object: current value is ${JSON.stringify(value)}`;
  }
  for (const [name, field] of Object.entries(value)) {
    if (field !== null && typeof field !== "number" && typeof field !== "string") {
      return `${name} must be a number, a text or null: current value is ${JSON.stringify(field)}`;
    }
  }
  const step: unknown = (value as MetricsRecord)["step"];
  if (typeof step !== "number" || !Number.isSafeInteger(step) || step < 0) {
    return `step must be a whole number >= 0: current value is ${step}`;
  }
  if (previous !== undefined && step <= stepOf(previous)) {
    return `step must be past the last, ${stepOf(previous)}: current value is ${step}`;
  }
  return undefined;
}

/** JSON that reads back as the very same numbers: `JSON.stringify` alone turns -0 into 0. */
function jsonOf(record: MetricsRecord): string {
  const fields = Object.entries(record).map(([name, value]) =>
    `${JSON.stringify(name)}:${Object.is(value, -0) ? "-0" : JSON.stringify(value)}`
  );
  return `{${fields.join(",")}}`;
}

/** The records and both files as texts, which grow by a line instead of being made again. */
interface Contents {
  readonly records: readonly MetricsRecord[];
  readonly lines: string;
  /** Every column any record has, in the order they first appear. */
  readonly columns: readonly string[];
  readonly header: string;
  readonly rows: string;
}

const NOTHING: Contents = { records: [], lines: "", columns: [], header: "", rows: "" };

function extended(before: Contents, record: MetricsRecord): Contents {
  const records = [...before.records, record];
  const lines = `${before.lines}${jsonOf(record)}\n`;
  const columns = [...new Set([...before.columns, ...Object.keys(record)])];
  if (columns.length > before.columns.length) { // every row gets more cells
    return {
      records,
      lines,
      columns,
      header: stringify([columns]),
      rows: csvRows(records, columns),
    };
  }
  return { ...before, records, lines, rows: before.rows + csvRows([record], columns) };
}

function csvRows(records: readonly MetricsRecord[], columns: readonly string[]): string {
  return stringify(records, { columns, headers: false });
}

/** Reads the records of JSON Lines, and the last line apart if it was cut short. */
function parseLines(
  text: string,
  path: string,
): { records: MetricsRecord[]; tornLine?: string } {
  const records: MetricsRecord[] = [];
  const lines = text.split("\n").map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => line.trim() !== "");
  for (const [i, { line, number }] of lines.entries()) {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      if (i === lines.length - 1) return { records, tornLine: line };
      throw new SyntaxError(
        `Cannot read metrics as ${path}:${number} must be JSON: ${(error as Error).message}`,
        { cause: error },
      );
    }
    const fault = faultOf(value, records.at(-1));
    if (fault !== undefined) {
      throw new SyntaxError(`Cannot read metrics from ${path}:${number} as ${fault}`);
    }
    records.push(value as MetricsRecord);
  }
  return { records };
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
