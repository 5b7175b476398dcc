/**
 * Questions in files: CSV, JSON Lines, JSON and Parquet, in our own schema or that of a published
 * set.
 *
 * A mistake in a file is one line of text that begins with where it is.
 *
 * @module
 */
import { stringify } from "@std/csv";
import { openCsv } from "./csv.ts";
import { fieldsOf } from "./fields.ts";
import { openJsonArray, openJsonLines } from "./json.ts";
import { openParquet } from "./parquet.ts";
import { checkIndex, type Dataset, type Question } from "./question.ts";
import { type Schema, type SchemaName, SCHEMAS, type UnnamedQuestion } from "./schemas.ts";
import { placeOf, type Table } from "./table.ts";

export type { SchemaName };

const OPENERS = new Map<string, (path: string) => Table | Promise<Table>>([
  [".csv", openCsv],
  [".jsonl", openJsonLines],
  [".ndjson", openJsonLines],
  [".json", openJsonArray],
  [".parquet", openParquet],
]);

/** How a file of questions is read. */
export interface ReadOptions {
  /** What its fields mean; unless told, the schema whose columns it has. */
  readonly schema?: SchemaName;
}

/**
 * Reads the questions of a file named `*.csv`, `*.jsonl`, `*.ndjson`, `*.json` or `*.parquet`, in
 * UTF-8, one after the other.
 *
 * In our own schema, fields `question` and `answer` must be there. `demonstration` may be, and so
 * may `id`, which is the question's place in the file otherwise. For the schemas of published sets
 * see {@linkcode SCHEMAS}. Any further field becomes metadata. An empty demonstration is none.
 * Numbers in an answer or id become text.
 *
 * @throws {RangeError} When the file cannot be read or has another extension, a question or answer
 * is blank, or an id is repeated.
 * @throws {TypeError} When a field is missing or is not text.
 * @throws {SyntaxError} When the file is not UTF-8 or not of its format, or a row of CSV is longer or
 * shorter than the header.
 */
export async function* streamQuestions(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<Question> {
  const table = await openTable(path);
  const schema: Schema = SCHEMAS[options.schema ?? await schemaOf(table)];
  checkHeader(table, schema);
  const nameOf = idsOf(table, schema);
  for await (const { number, fields } of table.rows()) {
    const read = schema.read(fieldsOf(placeOf(table, number), fields));
    yield withoutEmpty({ ...read, id: nameOf(read, number) });
  }
}

/**
 * Reads all questions of a file, see {@linkcode streamQuestions}.
 *
 * @param path The file; the dataset takes its name, less folder and extension.
 * @param reward The verifier.
 * @throws {RangeError} Also when there is no question in it.
 *
 * @example Usage
 * ```ts
 * import { assertEquals, assertRejects } from "@std/assert";
 * import { markedAnswerReward } from "./answer_reward.ts";
 * import { readQuestions } from "./files.ts";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${folder}/sums.csv`, "question,answer\n7+5=,12\n2+2=,4\n");
 * const sums = await readQuestions(`${folder}/sums.csv`, markedAnswerReward);
 * assertEquals(sums.name, "sums");
 * assertEquals(sums.question(1), { id: "1", prompt: "2+2=", answer: "4" });
 *
 * const gsm8k = { question: "Half of 48?", answer: "48/2 = <<48/2=24>>24\n#### 24" };
 * await Deno.writeTextFile(`${folder}/train.jsonl`, JSON.stringify(gsm8k));
 * const train = await readQuestions(`${folder}/train.jsonl`, markedAnswerReward);
 * assertEquals(train.question(0).answer, "24");
 * assertEquals(train.question(0).demonstration, gsm8k.answer);
 *
 * await Deno.writeTextFile(`${folder}/bad.jsonl`, '{"question": "7+5=", "answer": ""}');
 * await assertRejects(
 *   () => readQuestions(`${folder}/bad.jsonl`, markedAnswerReward),
 *   RangeError,
 *   "bad.jsonl:1:answer",
 * );
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function readQuestions(
  path: string,
  reward: Dataset["reward"],
  options: ReadOptions = {},
): Promise<Dataset> {
  const questions = await Array.fromAsync(streamQuestions(path, options));
  if (questions.length === 0) {
    throw new RangeError(`Cannot read ${path} as it must hold a question: current value is none`);
  }
  return listed(nameOf(path), questions, reward);
}

/**
 * A dataset of questions in memory.
 *
 * @param name Shown in logs and run names.
 */
export function listed(
  name: string,
  questions: readonly Question[],
  reward: Dataset["reward"],
): Dataset {
  return {
    name,
    size: questions.length,
    question(index): Question {
      checkIndex(index, questions.length);
      return questions[index]!;
    },
    reward,
  };
}

/** A path less folder and extension. */
function nameOf(path: string): string {
  return /([^/\\]*?)(\.[^./\\]*)?$/.exec(path)![1]!;
}

async function openTable(path: string): Promise<Table> {
  const extension = /\.[^./\\]*$/.exec(path)?.[0];
  const open = OPENERS.get(extension?.toLowerCase() ?? "");
  if (!open) {
    throw new RangeError(
      `Cannot read ${path} as its name must end in ${
        [...OPENERS.keys()].join(", ")
      }: current value is ${extension ?? "no extension"}`,
    );
  }
  return await open(path);
}

/** The schema whose columns a file has; our own when it has those of none. */
async function schemaOf(table: Table): Promise<SchemaName> {
  let fields: Record<string, unknown> = {};
  for await (const first of table.rows()) {
    if (typeof first.fields === "object") fields = { ...first.fields };
    break;
  }
  const columns = new Set([...table.header?.columns ?? [], ...Object.keys(fields)]);
  const entry = Object.entries<Schema>(SCHEMAS).find(([, schema]) =>
    schema.columns.every((column) => columns.has(column)) && (schema.fits?.(fields) ?? true)
  );
  return entry ? entry[0] as SchemaName : "own";
}

function checkHeader({ header }: Table, { columns }: Schema): void {
  const missing = header && columns.find((column) => !header.columns.includes(column));
  if (header && missing !== undefined) {
    throw new TypeError(
      `Cannot read ${header.place}:${missing} as the header must name this column: current value is ${
        JSON.stringify(header.columns.join(","))
      }`,
    );
  }
}

/** Names each question, and sees to it that no two are of one name. */
function idsOf(table: Table, schema: Schema): (read: UnnamedQuestion, number: number) => string {
  const rows = new Map<string, { readonly first: number; count: number }>();
  let index = 0;
  return (read, number) => {
    const id = read.id ?? String(index);
    index++;
    const before = rows.get(id);
    if (before === undefined) {
      rows.set(id, { first: number, count: 1 });
      return id;
    }
    if (schema.repeats) return `${id}#${++before.count}`;
    throw new RangeError(
      `Cannot read ${placeOf(table, number)}:id as ids must differ: current value is ${
        JSON.stringify(id)
      }, as on ${table.unit} ${before.first}`,
    );
  };
}

/** A question less the optional fields that say nothing. */
function withoutEmpty({ demonstration, metadata, ...question }: Question): Question {
  return {
    ...question,
    ...(demonstration === undefined ? {} : { demonstration }),
    ...(metadata === undefined || Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
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
