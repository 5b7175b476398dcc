/**
 * Questions in files of one's own: CSV and JSON Lines.
 *
 * A mistake in a file is one line of text that begins with where it is.
 *
 * @module
 */
import { parse, stringify } from "@std/csv";
import { z } from "zod";
import { answerReward } from "./answer_reward.ts";
import { checkIndex, type Dataset, type Question } from "./question.ts";

/** A row before it is checked: its line and its fields by name. */
interface Row {
  readonly line: number;
  readonly fields: unknown;
}

const READERS = new Map([[".csv", csvRows], [".jsonl", jsonRows], [".ndjson", jsonRows]]);

/**
 * Reads questions from a file named `*.csv`, `*.jsonl` or `*.ndjson`, in UTF-8.
 *
 * Fields `question` and `answer` must be there. `demonstration` may be, and so may `id`, which is
 * the question's place in the file otherwise; any further field becomes metadata. An empty
 * demonstration is none. Numbers in JSON Lines become text.
 *
 * @param path The file; the dataset takes its name, less folder and extension.
 * @param reward The verifier; unless told, what follows the last `#` must equal the answer.
 * @throws {RangeError} When the file cannot be read or has another extension or no question, a
 * question or answer is blank, or an id is repeated.
 * @throws {TypeError} When a field is missing or is not text.
 * @throws {SyntaxError} When the file is not UTF-8, CSV or JSON, or a row is longer or shorter than
 * the header.
 *
 * @example Usage
 * ```ts
 * import { assertEquals, assertRejects } from "@std/assert";
 * import { readQuestions } from "./files.ts";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${folder}/sums.csv`, "question,answer\n7+5=,12\n2+2=,4\n");
 * const sums = await readQuestions(`${folder}/sums.csv`);
 * assertEquals(sums.name, "sums");
 * assertEquals(sums.question(1), { id: "1", prompt: "2+2=", answer: "4" });
 * assertEquals(sums.reward(sums.question(1), "2 and 2 is #4.0").total, 1);
 *
 * await Deno.writeTextFile(`${folder}/sums.jsonl`, '{"question": "7+5=", "answer": ""}');
 * await assertRejects(() => readQuestions(`${folder}/sums.jsonl`), RangeError, "sums.jsonl:1:answer");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function readQuestions(
  path: string,
  reward: Dataset["reward"] = answerReward,
): Promise<Dataset> {
  const [, name, extension = ""] = /([^/\\]*?)(\.[^./\\]*)?$/.exec(path)!;
  const rowsOf = READERS.get(extension.toLowerCase());
  if (!rowsOf) {
    throw new RangeError(
      `Cannot read ${path} as its name must end in .csv, .jsonl or .ndjson: current value is ${
        extension || "no extension"
      }`,
    );
  }
  const questions: Question[] = [];
  const lines = new Map<string, number>(); // where each id was
  for (const { line, fields } of rowsOf(path, await readText(path))) {
    const question = toQuestion(path, line, fields, questions.length);
    const before = lines.get(question.id);
    if (before !== undefined) {
      throw new RangeError(
        `Cannot read ${path}:${line}:id as ids must differ: current value is ${
          JSON.stringify(question.id)
        }, as on line ${before}`,
      );
    }
    lines.set(question.id, line);
    questions.push(question);
  }
  if (questions.length === 0) {
    throw new RangeError(`Cannot read ${path} as it must hold a question: current value is none`);
  }
  return {
    name: name!,
    size: questions.length,
    question(index): Question {
      checkIndex(index, questions.length);
      return questions[index]!;
    },
    reward,
  };
}

/** The text of a file, less its byte order mark. */
async function readText(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new RangeError(
      `Cannot read ${path} as it must be a readable file: current value is ${cause.name}`,
      { cause },
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read ${path} as it must be UTF-8 text: current value is ${bytes.length} bytes that are not`,
      { cause },
    );
  }
}

/** The rows of a CSV file under its header. */
function csvRows(path: string, text: string): Row[] {
  const rows: Row[] = [];
  let columns: string[] | undefined;
  for (const { line, record } of csvRecords(text)) {
    const cells = parseRecord(path, line, record, columns);
    if (columns === undefined) {
      columns = cells.map((cell) => cell.trim());
      checkHeader(path, line, columns);
      continue;
    }
    if (cells.length !== columns.length) {
      const column = columns[cells.length] ?? columns.at(-1); // the first without a cell, or the last
      throw new SyntaxError(
        `Cannot read ${path}:${line}:${column} as the row must have ${columns.length} cells like the header: current value is ${cells.length}`,
      );
    }
    rows.push({ line, fields: Object.fromEntries(columns.map((name, i) => [name, cells[i]])) });
  }
  return rows;
}

/**
 * The records of a CSV text and the line each begins on, less blank lines. They are cut here and
 * parsed one by one, as the parser does not tell where in the text a record was.
 */
function* csvRecords(text: string): Generator<{ line: number; record: string }> {
  const lines = text.split(/\r?\n/);
  for (let next = 0; next < lines.length;) {
    const line = next + 1;
    const parts = [lines[next]!];
    let quotes = countQuotes(lines[next++]!);
    while (quotes % 2 === 1 && next < lines.length) { // this line break is inside a quoted cell
      parts.push(lines[next]!);
      quotes += countQuotes(lines[next++]!);
    }
    const record = parts.join("\n");
    if (record.trim() !== "") yield { line, record };
  }
}

/** The cells of a record that begins on `line`; `columns` is absent for the header itself. */
function parseRecord(path: string, line: number, record: string, columns?: string[]): string[] {
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

function checkHeader(path: string, line: number, columns: readonly string[]): void {
  const repeated = columns.find((column, i) => columns.indexOf(column) < i);
  if (repeated !== undefined) {
    throw new SyntaxError(
      `Cannot read ${path}:${line}:${repeated} as columns must differ: current value is two of that name`,
    );
  }
  for (const column of ["question", "answer"]) {
    if (!columns.includes(column)) {
      throw new TypeError(
        `Cannot read ${path}:${line}:${column} as the header must name this column: current value is ${
          JSON.stringify(columns.join(","))
        }`,
      );
    }
  }
}

function countLineBreaks(text: string): number {
  return text.split("\n").length - 1;
}

function countQuotes(text: string): number {
  return text.split('"').length - 1;
}

/** The rows of a JSON Lines file. */
function jsonRows(path: string, text: string): Row[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === "") return [];
    try {
      return [{ line: i + 1, fields: JSON.parse(line) as unknown }];
    } catch (cause) {
      const column = jsonErrorColumn(line, (cause as SyntaxError).message);
      throw new SyntaxError(
        `Cannot read ${path}:${i + 1}${
          column === undefined ? "" : `:${column}`
        } as the line must be JSON: current value is ${excerpt(line.trim())}`,
        { cause },
      );
    }
  });
}

/** Where V8 says that it stopped; it does not always say. */
function jsonErrorColumn(line: string, message: string): number | undefined {
  if (message.includes("end of JSON input")) return line.trimEnd().length + 1;
  const position = /at position (\d+)/.exec(message)?.[1];
  return position === undefined ? undefined : Number(position) + 1;
}

function excerpt(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const filled = z.string().refine((value) => value.trim() !== "");
/** Beyond 2^53 a number is no longer the one in the file, so it must be written as text. */
const exact = z.number().refine((value) => Math.abs(value) <= Number.MAX_SAFE_INTEGER);
const filledOrNumber = z.union([filled, exact.transform(String)]);
const questionRow = z.object({
  question: filled,
  answer: filledOrNumber,
  demonstration: z.string().nullish(),
  id: filledOrNumber.optional(),
}).passthrough();

/** Checks a row and makes a question of it. */
function toQuestion(path: string, line: number, fields: unknown, index: number): Question {
  const result = questionRow.safeParse(fields);
  if (!result.success) throw rowError(path, line, fields, result.error.issues[0]!);
  const { question, answer, demonstration, id, ...others } = result.data;
  const metadata = Object.fromEntries(
    Object.entries(others).filter(([, value]) => value !== null && value !== "")
      .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
  return {
    id: id ?? String(index),
    prompt: question,
    answer,
    ...(demonstration ? { demonstration } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
  };
}

/** What is wrong with a row, in the house's words. */
function rowError(path: string, line: number, fields: unknown, issue: z.ZodIssue): Error {
  const [field] = issue.path;
  if (field === undefined) {
    return new TypeError(
      `Cannot read ${path}:${line} as the line must be an object with fields question and answer: current value is ${
        excerpt(JSON.stringify(fields))
      }`,
    );
  }
  const value = (fields as Record<string, unknown>)[field];
  const place = `Cannot read ${path}:${line}:${field} as`;
  if (value === undefined) {
    return new TypeError(`${place} the field must be there: current value is missing`);
  }
  const current = `current value is ${excerpt(JSON.stringify(value))}`;
  return typeof value === "string" // all that a text can do wrong
    ? new RangeError(`${place} it must not be blank: ${current}`)
    : new TypeError(`${place} it must be text: ${current}`);
}

/**
 * The first questions of a dataset as CSV with columns question, answer, demonstration and kind:
 * a file that {@linkcode readQuestions} reads and a spreadsheet opens.
 *
 * @param count Rows below the header; all questions when the dataset holds fewer.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { markedAnswerReward } from "./answer_reward.ts";
 * import { questionsToCsv } from "./files.ts";
 *
 * const squares = {
 *   name: "squares",
 *   size: 10,
 *   question: (n: number) => ({ id: `${n}`, prompt: `${n}*${n}=`, answer: `${n * n}` }),
 *   reward: markedAnswerReward,
 * };
 * assertEquals(
 *   questionsToCsv(squares, 2).split(/\r?\n/),
 *   ["question,answer,demonstration,kind", "0*0=,0,,", "1*1=,1,,", ""],
 * );
 * ```
 */
export function questionsToCsv(dataset: Dataset, count: number): string {
  const rows = Array.from({ length: Math.min(count, dataset.size) }, (_, index) => {
    const { prompt, answer, demonstration, metadata } = dataset.question(index);
    return {
      question: prompt,
      answer,
      demonstration: demonstration ?? "",
      kind: metadata?.kind ?? "",
    };
  });
  return stringify(rows, { columns: ["question", "answer", "demonstration", "kind"] });
}
