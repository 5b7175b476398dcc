/**
 * The metrics of a run read for viewing, while the run adds to them.
 *
 * @module
 */
import { parse } from "@std/csv";
import { CUT_OFF, isRecord, jsonOf, leftOut, numberOr } from "./tolerant_json.ts";

/** Every metric of a run. */
export interface RunSeries {
  /** Another number once steps that were read before have changed, as when a run is resumed. */
  readonly generation: number;
  /** Records, one for each step. */
  readonly length: number;
  /** `[length]` for each metric by name; NaN where a step has none. */
  readonly columns: ReadonlyMap<string, readonly number[]>;
  /** What is wrong with the file, a line each. */
  readonly faults: readonly string[];
}

/** The metrics of a run, and how far they have been read. */
export interface Log extends RunSeries {
  /** Characters read: those after are new, or a line that is not whole yet. */
  readonly end: number;
  /** The last line of those. */
  readonly lastLine: string;
  readonly lines: number;
  /** Numbers of the lines that are no records. */
  readonly bad: readonly number[];
}

/** Of a run without any. */
export const NO_LOG: Log = {
  generation: 0,
  length: 0,
  columns: new Map(),
  faults: [],
  end: 0,
  lastLine: "",
  lines: 0,
  bad: [],
};

/** Reads JSON Lines; of a file that has only grown, just the new ones. */
export function parseLog(text: string, before: Log, nextGeneration: () => number): Log {
  const { end: known, lastLine } = before;
  const grown = known > 0 && text.startsWith(lastLine, known - lastLine.length);
  const start = grown ? before : { ...NO_LOG, generation: nextGeneration() };
  const records: Record<string, unknown>[] = [];
  const bad = [...start.bad];
  let { end, lines } = start;
  let last = start.lastLine;
  let lastStep = start.columns.get("step")?.at(-1) ?? -Infinity;
  let cutOff = false;
  while (end < text.length) {
    const newline = text.indexOf("\n", end);
    const line = text.slice(end, newline === -1 ? undefined : newline + 1);
    const record = jsonOf(line);
    const good = isRecord(record) && numberOr(record["step"], -Infinity) > lastStep;
    cutOff = !good && newline === -1;
    if (cutOff) break;
    [end, last, lines] = [end + line.length, line, lines + 1];
    if (good) lastStep = record["step"] as number;
    if (good) records.push(record);
    else if (line.trim() !== "") bad.push(lines);
  }
  return {
    generation: start.generation,
    length: start.length + records.length,
    columns: extended(start, records),
    faults: [
      ...leftOut("metrics.jsonl", "record", bad),
      ...cutOff ? [`metrics.jsonl ${CUT_OFF}`] : [],
    ],
    end,
    lastLine: last,
    lines,
    bad,
  };
}

/** The columns with further records below; a new column is NaN up to them. */
function extended(
  { length, columns }: RunSeries,
  records: readonly Readonly<Record<string, unknown>>[],
): ReadonlyMap<string, readonly number[]> {
  const none = (count: number): number[] => new Array(count).fill(NaN);
  const longer = new Map(
    Array.from(columns, ([name, values]) => [name, values.concat(none(records.length))]),
  );
  for (const [i, record] of records.entries()) {
    for (const name of Object.keys(record)) {
      const value = record[name];
      if (typeof value === "string") continue;
      if (!longer.has(name)) longer.set(name, none(length + records.length));
      longer.get(name)![length + i] = numberOr(value, NaN);
    }
  }
  return longer;
}

/** Reads a table of metrics, which stands in where no JSON Lines were kept. */
export function parseTable(text: string, generation: number): Log {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const faults = whole === text ? [] : [`metrics.csv ${CUT_OFF}`];
  try {
    const [header = [], ...rows] = parse(whole, { fieldsPerRecord: 0 });
    const records = rows
      .map((cells) => Object.fromEntries(cells.map((cell, i) => [header[i]!, cellOf(cell)])))
      .filter((record) => Number.isFinite(record["step"]));
    return {
      ...NO_LOG,
      generation,
      length: records.length,
      columns: extended(NO_LOG, records),
      faults,
    };
  } catch (error) {
    return {
      ...NO_LOG,
      generation,
      faults: [`metrics.csv is no table: ${(error as Error).message}`],
    };
  }
}

function cellOf(cell: string): number {
  return cell === "" ? NaN : Number(cell);
}
