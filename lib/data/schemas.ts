/**
 * The schemas that published question sets come in: what each field means.
 *
 * @module
 */
import { randomSeeded, shuffle } from "../random.ts";
import { lastBoxed } from "./boxed.ts";
import type { Fields } from "./fields.ts";
import type { Question } from "./question.ts";

/** A question whose id may be its place in the file. */
export type UnnamedQuestion = Omit<Question, "id"> & { readonly id?: string };

/** How rows are turned into questions. */
export interface Schema {
  /** Columns that a file of this schema has. */
  readonly columns: readonly string[];
  /** Tells it from another schema with these columns by the first row. */
  readonly fits?: (row: Readonly<Record<string, unknown>>) => boolean;
  /** Whether a question may be there several times: a copy's id ends in `#2`, `#3`, ... */
  readonly repeats?: boolean;
  /** Turns a row into a question, or throws an error that names the field at fault. */
  readonly read: (row: Fields) => UnnamedQuestion;
}

/** The last line of GSM8K's, which states the answer. */
const GSM8K_ANSWER = /(?:^|\n)####[ \t]*(\S.*?)\s*$/;

/** The name of a schema. */
export type SchemaName =
  | "relift"
  | "mmlu-pro"
  | "arc"
  | "gpqa"
  | "olympiadbench"
  | "math"
  | "gsm8k"
  | "own";

/** The schemas by name, the more particular first. */
export const SCHEMAS: Readonly<Record<SchemaName, Schema>> = {
  /** The paper's training and validation files, and others made for verl. */
  relift: {
    columns: ["data_source", "prompt", "reward_model"],
    repeats: true, // its validation file holds each question of AIME eight times
    read: readChat,
  },
  /** MMLU-Pro: up to ten options and the letter of the right one. */
  "mmlu-pro": {
    columns: ["question", "options", "answer"],
    read(row): UnnamedQuestion {
      const [stem, options] = [row.text("question"), row.texts("options")];
      const answer = row.text("answer");
      const right = options.findIndex((_, i) => letter(i) === answer);
      if (right < 0) throw row.wrong("answer", "it must be the letter of an option");
      row.skip("answer_index");
      const id = idOf(row, "question_id");
      const demonstration = row.optionalText("cot_content");
      if (demonstration !== undefined) { // it names letters, so they must stay
        return { id, ...choice(stem, options, right), demonstration, metadata: row.rest() };
      }
      return { id, ...shuffledChoice(stem, options, right), metadata: row.rest() };
    },
  },
  /** ARC: labelled choices and the label of the right one. */
  arc: {
    columns: ["question", "choices", "answerKey"],
    read(row): UnnamedQuestion {
      const [stem, choices] = [row.text("question"), row.object("choices")];
      const [labels, options] = [choices.texts("label"), choices.texts("text")];
      if (labels.length !== options.length) {
        throw row.wrong("choices", "each text must have its label");
      }
      const right = labels.indexOf(row.textOrNumber("answerKey"));
      if (right < 0) throw row.wrong("answerKey", "it must be a label of choices");
      return { id: idOf(row, "id"), ...choice(stem, options, right), metadata: row.rest() };
    },
  },
  /** GPQA: the right answer and three wrong ones, in columns of their own. */
  gpqa: {
    columns: ["Question", "Correct Answer", "Incorrect Answer 1"],
    read(row): UnnamedQuestion {
      const names = ["Correct Answer", ...[1, 2, 3].map((i) => `Incorrect Answer ${i}`)];
      const options = names.map((name) => row.textOrNumber(name).trim());
      const fields = ["High-level domain", "Subdomain"].flatMap((name) => {
        const value = row.optionalText(name);
        return value === undefined ? [] : [[name, value]];
      });
      return {
        id: idOf(row, "Record ID"),
        ...shuffledChoice(row.text("Question"), options, 0),
        metadata: Object.fromEntries(fields), // the file's other columns are about its making
      };
    },
  },
  /** OlympiadBench: lists of answers and of solutions, the first of which demonstrates. */
  olympiadbench: {
    columns: ["question", "final_answer"],
    read(row): UnnamedQuestion {
      const [context, question] = [row.optionalText("context"), row.text("question")];
      return {
        id: idOf(row, "id"),
        prompt: context === undefined ? question : `${context}\n\n${question}`,
        answer: row.texts("final_answer").join(", "),
        demonstration: row.has("solution") ? row.texts("solution")[0] : undefined,
        metadata: row.rest(),
      };
    },
  },
  /** MATH and what follows it: MATH-500, AIME, AMC; without an answer, as Minerva, the boxed one. */
  math: {
    columns: ["problem"],
    read(row): UnnamedQuestion {
      const [prompt, demonstration] = [row.text("problem"), row.optionalText("solution")];
      const boxed = row.has("answer") ? undefined : lastBoxed(demonstration ?? "");
      if (demonstration !== undefined && !row.has("answer") && !boxed) {
        throw row.wrong("solution", "it must mark the answer by \\boxed{}");
      }
      const id = idOf(row, "unique_id", "id", "idx");
      const answer = boxed ?? row.textOrNumber("answer");
      row.skip("question"); // the problem again
      return { id, prompt, answer, demonstration, metadata: row.rest() };
    },
  },
  /** GSM8K: a worked answer whose last line is `#### N`. */
  gsm8k: {
    columns: ["question", "answer"],
    fits: ({ answer }) => typeof answer === "string" && GSM8K_ANSWER.test(answer),
    read(row): UnnamedQuestion {
      const [prompt, demonstration] = [row.text("question"), row.text("answer")];
      const answer = GSM8K_ANSWER.exec(demonstration)?.[1];
      if (answer === undefined) throw row.wrong("answer", "it must end in a line `#### answer`");
      return { id: idOf(row, "id"), prompt, answer, demonstration, metadata: row.rest() };
    },
  },
  /** Our own. */
  own: {
    columns: ["question", "answer"],
    read(row): UnnamedQuestion {
      return {
        id: idOf(row, "id"),
        prompt: row.text("question"),
        answer: row.textOrNumber("answer"),
        demonstration: row.optionalText("demonstration"),
        metadata: row.rest(),
      };
    },
  },
};

/** The text of the first of these fields that is there. */
function idOf(row: Fields, ...names: string[]): string | undefined {
  const name = names.find((each) => row.has(each));
  return name === undefined ? undefined : row.textOrNumber(name);
}

/** The paper's layout: a chat, the right answer, and for training a list of worked solutions. */
function readChat(row: Fields): UnnamedQuestion {
  const source = row.text("data_source");
  const messages = row.objects("prompt").map((message) => ({
    role: message.text("role"),
    content: message.text("content"),
  }));
  const asked = messages.filter(({ role }) => role === "user");
  if (asked.length !== 1) throw row.wrong("prompt", "it must hold one message of the user");
  const system = messages.find(({ role }) => role === "system")?.content;
  const [target] = row.objects("target");
  const model = row.object("reward_model");
  const answer = model.textOrNumber("ground_truth");
  const extra = row.has("extra_info") ? row.object("extra_info").rest() : {};
  return {
    id: extra.index === undefined ? undefined : `${source}/${extra.index}`,
    prompt: asked[0]!.content,
    answer,
    demonstration: target?.optionalText("content"),
    metadata: {
      data_source: source,
      ...row.rest(),
      ...model.rest(),
      ...extra,
      ...(system === undefined ? {} : { system }),
    },
  };
}

/** The letter of an option by its place. */
function letter(i: number): string {
  return String.fromCharCode("A".charCodeAt(0) + i);
}

/** A question with its options below it, and the letter of the right one. */
function choice(
  stem: string,
  options: readonly string[],
  right: number,
): { prompt: string; answer: string } {
  const lines = options.map((option, i) => `${letter(i)}. ${option}`);
  return { prompt: `${stem}\n\n${lines.join("\n")}`, answer: letter(right) };
}

/**
 * The same with the options in a random order that the question's text decides: the paper shuffles
 * those of MMLU-Pro, and in GPQA the right one is always first.
 */
function shuffledChoice(
  stem: string,
  options: readonly string[],
  right: number,
): { prompt: string; answer: string } {
  const order = shuffle([...options.keys()], randomSeeded(0, "options", stem));
  return choice(stem, order.map((i) => options[i]!), order.indexOf(right));
}
