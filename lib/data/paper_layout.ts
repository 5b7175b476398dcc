/**
 * Parquet files as the paper's code and verl read them: `data_source`, `prompt` (a chat), `target`
 * (worked solutions), `ability`, `reward_model` and `extra_info`.
 *
 * @module
 */
import { type ColumnType, type ParquetColumn, writeParquet } from "./parquet.ts";
import { type Dataset, type Question, questionsOf } from "./question.ts";

/** A row of the paper's layout. */
export interface PaperRow {
  readonly source: string;
  /** What the chat opens with; undefined when there is no such message. */
  readonly system?: string;
  readonly prompt: string;
  /** A worked solution. */
  readonly target?: string;
  readonly ability: string;
  readonly answer: string;
  /** How the answer is graded. */
  readonly style: string;
  readonly index: number;
  readonly split: string;
}

const MESSAGES: ColumnType = { list: { fields: { content: "text", role: "text" } } };

/** The columns of rows, `target` only when a row has one, in the order of the paper's files. */
export function paperColumns(rows: readonly PaperRow[]): ParquetColumn[] {
  const targets = rows.map(({ target }) =>
    target === undefined ? null : [{ content: target, role: "assistant" }]
  );
  return [
    { name: "data_source", type: "text", values: rows.map(({ source }) => source) },
    { name: "prompt", type: MESSAGES, values: rows.map(chatOf) },
    ...targets.some((target) => target !== null)
      ? [{ name: "target", type: MESSAGES, values: targets }]
      : [],
    { name: "ability", type: "text", values: rows.map(({ ability }) => ability) },
    {
      name: "reward_model",
      type: { fields: { ground_truth: "text", style: "text" } },
      values: rows.map(({ answer, style }) => ({ ground_truth: answer, style })),
    },
    {
      name: "extra_info",
      type: { fields: { index: "whole", split: "text" } },
      values: rows.map(({ index, split }) => ({ index, split })),
    },
  ];
}

function chatOf({ system, prompt }: PaperRow): { content: string; role: string }[] {
  const asked = { content: prompt, role: "user" };
  return system === undefined ? [asked] : [{ content: system, role: "system" }, asked];
}

/**
 * Writes questions in the paper's layout.
 *
 * The demonstration becomes the target. What the layout has no place for is left out: ids, which
 * are made again from `data_source` and `index` when the file is read, and metadata but
 * `data_source`, `system`, `ability`, `style`, `index` and `split`. Where a question has none of
 * these, its source is the dataset's name, its ability `math`, its style `rule`, its index its place
 * and its split `default`.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { markedAnswerReward } from "./answer_reward.ts";
 * import { listed, readQuestions } from "./files.ts";
 * import { writeQuestionsParquet } from "./paper_layout.ts";
 *
 * const question = { id: "a", prompt: "2+2=", answer: "4", demonstration: "2+2=4#4" };
 * const path = await Deno.makeTempFile({ suffix: ".parquet" });
 * await writeQuestionsParquet(listed("sums", [question], markedAnswerReward), path);
 *
 * const { id, metadata, ...rest } = (await readQuestions(path, markedAnswerReward)).question(0);
 * assertEquals(rest, { prompt: "2+2=", answer: "4", demonstration: "2+2=4#4" });
 * assertEquals([id, metadata?.ability], ["sums/0", "math"]);
 * await Deno.remove(path);
 * ```
 */
export async function writeQuestionsParquet(dataset: Dataset, path: string): Promise<void> {
  const rows = questionsOf(dataset).map((question, place) => rowOf(question, dataset.name, place));
  await writeParquet(path, paperColumns(rows));
}

function rowOf(question: Question, name: string, place: number): PaperRow {
  const { prompt, answer, demonstration, metadata = {} } = question;
  return {
    source: metadata.data_source ?? name,
    system: metadata.system,
    prompt,
    target: demonstration,
    ability: metadata.ability ?? "math",
    answer,
    style: metadata.style ?? "rule",
    index: /^\d{1,15}$/.test(metadata.index ?? "") ? Number(metadata.index) : place,
    split: metadata.split ?? "default",
  };
}
