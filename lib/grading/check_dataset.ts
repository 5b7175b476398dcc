/**
 * Questions checked before they are learned from: an answer that the grader does not accept for
 * itself can never be earned, and a demonstration that it does not accept teaches a mistake.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { listed } from "../data/files.ts";
import { type Dataset, type Question, questionsOf } from "../data/question.ts";
import { makeFolder, readJsonAs, writeWhole } from "../files.ts";
import denoJson from "../../deno.json" with { type: "json" };
import { type Grade, gradeAnswer } from "./grade_answer.ts";

/** Something that was left out of a dataset. */
export interface Dropped {
  /** The question's id. */
  readonly id: string;
  /** The question itself, as nobody could earn its reward; or only its demonstration. */
  readonly what: "question" | "demonstration";
  readonly why: string;
}

/** A dataset that was checked. */
export interface CheckedDataset {
  /** What is left. */
  readonly dataset: Dataset;
  readonly dropped: readonly Dropped[];
  /** What was checked and what was dropped, in lines; all that was dropped is in `dropped`. */
  readonly report: readonly string[];
}

/** How a dataset is checked. */
export interface CheckOptions {
  /** A folder that remembers what was found of many questions, so that these are graded once. */
  readonly cache?: string;
  /** Called with the questions done so far. */
  readonly onProgress?: (done: number) => void;
  /** The grader; {@linkcode gradeAnswer} unless given. */
  readonly grade?: (gold: string, answer: string) => Promise<Grade>;
}

/** Questions graded at once: enough to keep every worker of the grader busy. */
const BATCH = 256;

/** Lines of a report about single questions. */
const SHOWN = 10;

/**
 * Grades every answer against itself and every demonstration against its answer, and leaves out
 * what fails: a question whose answer fails, and a demonstration that fails, whose question stays.
 *
 * @throws {RangeError} When no question is left.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { markedAnswerReward } from "../data/answer_reward.ts";
 * import { listed } from "../data/files.ts";
 * import { checkDataset } from "./check_dataset.ts";
 *
 * const dataset = listed("sums", [
 *   { id: "a", prompt: "2+2=", answer: "4", demonstration: "2+2 is \\boxed{4}" },
 *   { id: "b", prompt: "2+3=", answer: "5", demonstration: "2+3 is \\boxed{6}" },
 * ], markedAnswerReward);
 * const checked = await checkDataset(dataset);
 * assertEquals(checked.dropped.map(({ id, what }) => [id, what]), [["b", "demonstration"]]);
 * assertEquals(checked.dataset.question(1), { id: "b", prompt: "2+3=", answer: "5" });
 * ```
 */
export async function checkDataset(
  dataset: Dataset,
  options: CheckOptions = {},
): Promise<CheckedDataset> {
  const questions = questionsOf(dataset);
  const dropped = await remembered(options.cache, questions, () => check(questions, options));
  const gone = new Map(dropped.map(({ id, what }) => [id, what]));
  const kept = questions.filter(({ id }) => gone.get(id) !== "question").map((question) => {
    if (!gone.has(question.id)) return question;
    const { demonstration: _, ...rest } = question;
    return rest;
  });
  if (kept.length === 0) {
    throw new RangeError(
      `Cannot use ${dataset.name} as the grader must accept an answer for itself: current value is none of ${questions.length} accepted, such as ${
        JSON.stringify(questions[0]?.answer)
      }`,
    );
  }
  return {
    dataset: dropped.length === 0 ? dataset : listed(dataset.name, kept, dataset.reward),
    dropped,
    report: reportOf(dataset.name, questions, dropped),
  };
}

async function check(
  questions: readonly Question[],
  { grade = gradeAnswer, onProgress }: CheckOptions,
): Promise<Dropped[]> {
  const dropped: Dropped[] = [];
  for (let start = 0; start < questions.length; start += BATCH) {
    const batch = questions.slice(start, start + BATCH);
    const found = await Promise.all(batch.map((question) => faultOf(question, grade)));
    dropped.push(...found.filter((fault) => fault !== undefined));
    onProgress?.(start + batch.length);
  }
  return dropped;
}

async function faultOf(
  { id, answer, demonstration }: Question,
  grade: NonNullable<CheckOptions["grade"]>,
): Promise<Dropped | undefined> {
  const own = await grade(answer, `\\boxed{${answer}}`);
  if (!own.correct) {
    const why = `its answer ${JSON.stringify(answer)} is not accepted for itself: ${own.reason}`;
    return { id, what: "question", why };
  }
  if (demonstration === undefined) return;
  const shown = await grade(answer, demonstration);
  if (!shown.correct) {
    const why = `its demonstration does not give ${JSON.stringify(answer)}: ${shown.reason}`;
    return { id, what: "demonstration", why };
  }
}

function reportOf(
  name: string,
  questions: readonly Question[],
  dropped: readonly Dropped[],
): string[] {
  const demonstrations = questions.filter(({ demonstration }) => demonstration !== undefined);
  const count = (what: Dropped["what"]): number =>
    dropped.filter((each) => each.what === what).length;
  const rest = dropped.length - SHOWN;
  return [
    `${name}: ${questions.length} questions, ${count("question")} dropped as their answer is not ` +
    `accepted for itself; ${demonstrations.length} demonstrations, ${count("demonstration")} ` +
    "dropped as they do not give the answer",
    ...dropped.slice(0, SHOWN).map(({ id, what, why }) => `${name}/${id}: ${what} dropped: ${why}`),
    ...rest > 0 ? [`${name}: and ${rest} more`] : [],
  ];
}

const rememberedSchema = z.object({
  dropped: z.array(
    z.object({ id: z.string(), what: z.enum(["question", "demonstration"]), why: z.string() }),
  ),
});

/** What was found the last time these questions were graded by this grader, or is found now. */
async function remembered(
  cache: string | undefined,
  questions: readonly Question[],
  find: () => Promise<Dropped[]>,
): Promise<Dropped[]> {
  if (cache === undefined || questions.length <= BATCH) return await find();
  const path = `${cache}/${await fingerprint(questions)}.json`;
  try {
    return (await readJsonAs(path, rememberedSchema)).dropped;
  } catch (error) {
    const isUseless = error instanceof Deno.errors.NotFound || error instanceof SyntaxError ||
      error instanceof TypeError;
    if (!isUseless) throw error;
  }
  const dropped = await find();
  await makeFolder(cache);
  await writeWhole(path, JSON.stringify({ dropped }, null, 2));
  return dropped;
}

/** Sha256, in hexadecimal, of the grader and all that it grades. */
async function fingerprint(questions: readonly Question[]): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(denoJson.imports));
  for (const source of await graderSources()) hash.update(source);
  for (const { id, answer, demonstration } of questions) { // as one text it could be too long
    hash.update(JSON.stringify([id, answer, demonstration]));
  }
  return hash.digest("hex");
}

/** The modules of this folder: a version that nobody can forget to raise. */
async function graderSources(): Promise<Uint8Array[]> {
  const folder = new URL(".", import.meta.url);
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  const sources = names.filter((name) => name.endsWith(".ts")).sort();
  return await Promise.all(sources.map((name) => Deno.readFile(new URL(name, folder))));
}
