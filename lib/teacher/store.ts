/**
 * What teachers answered: JSON Lines that are only ever added to. Every reply is there with its
 * verdict, and, for each run, at which step it came to see which demonstrations.
 *
 * @module
 */
import { z } from "zod";
import type { Question } from "../data/question.ts";
import { hashText } from "../random.ts";
import { CUT_OFF, jsonOf, leftOut } from "../runs/tolerant_json.ts";

/** A reply and what became of it. */
export interface AttemptRecord {
  readonly kind: "attempt";
  /** The question's id. */
  readonly question: string;
  readonly prompt: string;
  /** Which sample of the question this is, from 0. */
  readonly attempt: number;
  /** How it was asked. */
  readonly server: string;
  readonly model: string;
  readonly system: string | null;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly seed: number;
  /** What came. */
  readonly text: string;
  readonly servedBy: string;
  readonly verdict: Verdict;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly cost: number | null;
  readonly seconds: number;
  readonly time: string;
}

/** What came of a reply; only `accepted` ones are demonstrations. */
export type Verdict = "accepted" | "wrong" | "cut" | "empty" | "unfit" | "ungraded";

/** That a run came to see demonstrations. */
export interface SeenRecord {
  readonly kind: "seen";
  readonly run: string;
  readonly step: number;
  /** Keys of questions, see {@linkcode keyOf}. */
  readonly questions: string[];
}

function attemptSchema(): z.ZodType<AttemptRecord> {
  const number = z.number().nonnegative().nullable();
  return z.object({
    kind: z.literal("attempt"),
    question: z.string(),
    prompt: z.string(),
    attempt: z.number().int().nonnegative(),
    server: z.string(),
    model: z.string(),
    system: z.string().nullable(),
    temperature: z.number(),
    maxTokens: z.number(),
    seed: z.number(),
    text: z.string(),
    servedBy: z.string(),
    verdict: z.enum(["accepted", "wrong", "cut", "empty", "unfit", "ungraded"]),
    promptTokens: number,
    completionTokens: number,
    cost: number,
    seconds: z.number().nonnegative(),
    time: z.string(),
  });
}

function seenSchema(): z.ZodType<SeenRecord> {
  return z.object({
    kind: z.literal("seen"),
    run: z.string(),
    step: z.number().int().nonnegative(),
    questions: z.array(z.string()),
  });
}

/** A store that is open. */
export interface TeacherStore {
  readonly attempts: readonly AttemptRecord[];
  readonly seen: readonly SeenRecord[];
  /** What is wrong with the file, a line each. */
  readonly faults: readonly string[];
  /** Adds a record; done when the system has it: a kill does not lose it. */
  append(record: AttemptRecord | SeenRecord): Promise<void>;
  /** Waits for what is being added. */
  close(): Promise<void>;
}

/** Names a question by its id and its text, so that other questions of that id are not taken for it. */
export function keyOf({ id, prompt }: Pick<Question, "id" | "prompt">): string {
  return `${id}#${hashText(prompt).toString(16)}`;
}

/**
 * Opens a store, which is made when there is none; its folder must exist. Lines that are no records
 * (a kill cuts the last one off) are left out and told.
 *
 * @throws {Error} When it cannot be read or written.
 */
export async function openStore(path: string): Promise<TeacherStore> {
  let file: Deno.FsFile;
  let text: string;
  try {
    file = await Deno.open(path, { read: true, append: true, create: true });
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new Error(`Cannot open ${path}: ${(error as Error).message}`, { cause: error });
  }
  const name = path.slice(path.lastIndexOf("/") + 1);
  let [last, isTorn]: [Promise<void>, boolean] = [Promise.resolve(), !/(^|\n)$/.test(text)];
  return {
    ...parseRecords(name, text),
    append(record): Promise<void> {
      const line = `${isTorn ? "\n" : ""}${JSON.stringify(record)}\n`;
      isTorn = false;
      const added = last.then(() => writeLine(file, line));
      last = added.catch(() => {
        isTorn = true; // perhaps half a line: the next begins on one of its own
      });
      return added;
    },
    async close(): Promise<void> {
      await last;
      file.close();
    },
  };
}

async function writeLine(file: Deno.FsFile, line: string): Promise<void> {
  const bytes = new TextEncoder().encode(line);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** The records of JSON Lines. */
function parseRecords(
  name: string,
  text: string,
): Pick<TeacherStore, "attempts" | "seen" | "faults"> {
  const attempts: AttemptRecord[] = [];
  const seen: SeenRecord[] = [];
  const bad: number[] = [];
  const lines = text.split("\n");
  const torn = lines.pop()!;
  const [anAttempt, aSight] = [attemptSchema(), seenSchema()];
  for (const [i, line] of lines.entries()) {
    const value = jsonOf(line);
    const attempt = anAttempt.safeParse(value);
    const event = aSight.safeParse(value);
    if (attempt.success) attempts.push(attempt.data);
    else if (event.success) seen.push(event.data);
    else if (line !== "") bad.push(i + 1);
  }
  const faults = [...leftOut(name, "record", bad), ...torn === "" ? [] : [`${name} ${CUT_OFF}`]];
  return { attempts, seen, faults };
}
