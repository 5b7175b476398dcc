/**
 * A study: a grid of methods, settings, seeds and question sets, and the stored result of each cell.
 *
 * @module
 */
import { parse } from "@std/csv/parse";
import { stringify } from "@std/csv/stringify";
import { z } from "zod";
import { STRATA, type Stratum } from "../evaluation/strata.ts";
import { exists, readBytes, readJsonAs, writeFilesWhole } from "../files.ts";
import type { Budget } from "../methods/training.ts";
import type { MetricsRecord } from "./metrics_log.ts";
import { readRunConfig, type RunConfig } from "./run.ts";

/** What a cell cost, over its whole run. */
export interface CellTotals {
  /** Training steps. */
  readonly steps: number;
  /** Completions sampled for training. */
  readonly rollouts: number;
  /** Optimizer steps taken, of RL and of SFT. */
  readonly optimizerSteps: number;
  /** Floating-point operations of sampling and training, counted from shapes. */
  readonly flops: number;
  /** Demonstrations taught, repeats included. */
  readonly demonstrations: number;
  /** Different demonstrations taught. */
  readonly distinctDemonstrations: number;
  /** These as a share of the training set. */
  readonly demonstrationShare: number;
  /** Wall-clock seconds of the training steps; depends on the machine. */
  readonly seconds: number;
}

/** The policy on one stratum of the validation questions, at one moment of the run. */
export interface DynamicsRow {
  /** Training steps done: 0 is the base policy. */
  readonly step: number;
  readonly stratum: Stratum | "all";
  readonly questions: number;
  /** Share of samples that are right. */
  readonly accuracy: number;
  /** Mean length of completions, tokens. */
  readonly tokens: number;
  /** Mean entropy of the policy over the tokens it drew, nats. */
  readonly entropy: number;
}

/** One question of the last evaluation. */
export interface QuestionRow {
  readonly split: "validation" | "ood" | "taught";
  readonly question: string;
  /** Stratum under the base policy, by other samples than `baseRight`. */
  readonly stratum: Stratum;
  /** Right ones of `baseSamples` samples of the base policy. */
  readonly baseRight: number;
  readonly baseSamples: number;
  /** Right ones of `samples` samples of the trained policy. */
  readonly right: number;
  readonly samples: number;
  /** Mean length of the trained policy's completions, tokens. */
  readonly tokens: number;
}

/** One bar of a histogram of the trained policy's tokens. */
export interface HistogramBar {
  /**
   * `log-ratio`: log-probability after the last step minus when sampled, nats;
   * `gap`: log-probability by the training pass minus by the sampler, same weights, nats.
   */
  readonly name: "log-ratio" | "gap";
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** One cell of a study, finished. */
export interface StudyCell {
  /** The grid's name for the method and its settings, the same for all seeds: `relift`. */
  readonly entry: string;
  /** How tables and figures call it: `ReLIFT`. */
  readonly title: string;
  /** Which table it belongs to: `main`, `ablation`, `m-q`, `style`. */
  readonly family: string;
  readonly run: RunConfig;
  readonly totals: CellTotals;
  readonly metrics: readonly MetricsRecord[];
  readonly dynamics: readonly DynamicsRow[];
  readonly questions: readonly QuestionRow[];
  readonly histograms: readonly HistogramBar[];
}

/** How the policies of a study are evaluated; completions are drawn at temperature 1. */
export interface EvaluationPlan {
  /** Training steps between two evaluations. */
  readonly every: number;
  /** Completions of each validation question in these. */
  readonly samples: number;
  /** Completions of each validation question at the end, for pass@k. */
  readonly finalSamples: number;
}

/**
 * What a run may spend: it stops after the first step that reaches one of these, or after the steps
 * of its settings.
 */
export type BudgetLimit = Readonly<Partial<Budget>>;

/** A finished cell and how it was made, which tells whether it still is what a grid asks for. */
export interface StoredCell extends StudyCell {
  readonly evaluation: EvaluationPlan;
  /** Null where only the number of steps ended the run. */
  readonly budget: BudgetLimit | null;
  /** Wall-clock seconds of all evaluations; depends on the machine. */
  readonly evaluationSeconds: number;
}

/** What `cell.json` and `config.json` hold: a stored cell without its tables. */
export type CellAbout = Omit<StoredCell, "metrics" | "dynamics" | "questions" | "histograms">;

/** The metrics that are stored of each step, where a method has them; figures use no others. */
export const STORED_METRICS: readonly string[] = [
  ...["step", "accuracy", "reward/mean"],
  ...["groups/live", "groups/dead", "groups/all_right", "groups/all_wrong"],
  ...["completion/tokens", "completion/tokens_right", "completion/tokens_wrong"],
  ...["completion/entropy", "completion/cut"],
  ...["rl/grad_norm", "rl/clip_fraction", "rl/approximate_kl", "rl/entropy", "rl/ratio"],
  ...["sft/events", "sft/events_now", "sft/loss", "sft/nll", "sft/entropy"],
  ...["buffer/length", "buffer/age", "buffer/age_max", "buffer/added"],
  ...["taught/questions", "taught/solve_rate"],
  ...["demonstrations/used", "demonstrations/distinct"],
  ...["budget/rollouts", "budget/optimizer_steps", "budget/flops"],
];

/** Significant digits of measured numbers in tables: enough for a figure, small enough to commit. */
const DIGITS = 5;

/**
 * Stores a finished cell in a folder of its own, whole or not at all: `cell.json`, `config.json`,
 * `metrics.csv`, `dynamics.csv`, `questions.csv`, `histograms.csv`.
 *
 * Of the metrics, {@linkcode STORED_METRICS} are kept; measured numbers in tables have five
 * significant digits.
 *
 * @param folder Its parent must exist.
 */
export async function writeCell(folder: string, cell: StoredCell): Promise<void> {
  const { run, metrics, dynamics, questions, histograms, ...about } = cell;
  const columns = STORED_METRICS.filter((name) =>
    metrics.some((record) => (record[name] ?? null) !== null)
  );
  await writeFilesWhole(folder, {
    "cell.json": cellJson(about),
    "config.json": JSON.stringify(run, null, 2) + "\n",
    "metrics.csv": table(metrics, columns),
    "dynamics.csv": table(dynamics, Object.keys(DYNAMICS)),
    "questions.csv": table(questions, Object.keys(QUESTIONS)),
    "histograms.csv": table(histograms, Object.keys(HISTOGRAMS)),
  });
}

/** The text of `cell.json`, in one order of its fields. */
export function cellJson(about: Omit<CellAbout, "run">): string {
  const { entry, title, family, evaluation, budget, totals, evaluationSeconds } = about;
  const fields = { entry, title, family, evaluation, budget, totals, evaluationSeconds };
  return JSON.stringify(fields, null, 2) + "\n";
}

/** Rows as CSV. */
function table<T extends object>(rows: readonly T[], columns: readonly string[]): string {
  const short = (value: unknown): unknown => {
    if (typeof value !== "number") return value;
    const isCount = Number.isInteger(value) && Math.abs(value) < 1e9;
    return isCount ? value : Number(value.toPrecision(DIGITS));
  };
  const cells = rows.map((row) => {
    const values = row as Readonly<Record<string, unknown>>;
    return Object.fromEntries(columns.map((name) => [name, short(values[name])]));
  });
  return stringify(cells, { columns: [...columns] });
}

/**
 * Reads the finished cells of a study, by name; folders without one are passed over.
 *
 * @param folder Holds a folder for each cell, such as `results/full`.
 * @throws {Deno.errors.NotFound} When there is no such folder, or a cell lacks a file.
 * @throws {SyntaxError} When a file is garbled; names the file, and the line of a table.
 * @throws {TypeError} When a field of a JSON file is wrong.
 */
export async function readStudy(folder: string): Promise<StoredCell[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      // A kill may leave these two, see files.ts; the next writer cleans up.
      const isWhole = isDirectory && !/\.(tmp|old)$/.test(name);
      if (isWhole && await exists(`${folder}/${name}/cell.json`)) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Deno.errors.NotFound(`Cannot read ${folder}: there is no such folder`);
  }
  return await Promise.all(names.sort().map((name) => readCell(`${folder}/${name}`)));
}

/** Reads a finished cell; throws as {@linkcode readStudy} does. */
export async function readCell(folder: string): Promise<StoredCell> {
  return {
    ...await readCellAbout(folder),
    metrics: await readMetrics(`${folder}/metrics.csv`),
    dynamics: await readRows<DynamicsRow>(`${folder}/dynamics.csv`, DYNAMICS),
    questions: await readRows<QuestionRow>(`${folder}/questions.csv`, QUESTIONS),
    histograms: await readRows<HistogramBar>(`${folder}/histograms.csv`, HISTOGRAMS),
  };
}

const text = z.string();
const amount = z.number().nonnegative();
const count = amount.int();
const positive = count.min(1);

const aboutSchema = z.object({
  entry: text,
  title: text,
  family: text,
  evaluation: z.object({ every: positive, samples: positive, finalSamples: positive }),
  budget: z.object({ rollouts: count, optimizerSteps: count, flops: amount }).partial().nullable(),
  totals: z.object({
    steps: count,
    rollouts: count,
    optimizerSteps: count,
    flops: amount,
    demonstrations: count,
    distinctDemonstrations: count,
    demonstrationShare: amount.max(1),
    seconds: amount,
  }),
  evaluationSeconds: amount,
});

/** Reads how a finished cell was made, without its tables; throws as {@linkcode readStudy} does. */
export async function readCellAbout(folder: string): Promise<CellAbout> {
  const about = await readJsonAs(`${folder}/cell.json`, aboutSchema);
  return { ...about, run: await readRunConfig(folder) };
}

/** A kind of cells in a table: what they must be, and their value, undefined if they are not. */
interface Kind<T> {
  readonly need: string;
  read(text: string): T | undefined;
}

const TEXT: Kind<string> = { need: "a text", read: (text) => text || undefined };

const NUMBER: Kind<number> = {
  need: "a number",
  read: (text) => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text) ? Number(text) : undefined,
};

const COUNT: Kind<number> = {
  need: "a whole number >= 0",
  read: (text) => /^\d+$/.test(text) ? Number(text) : undefined,
};

const NUMBER_OR_NOTHING: Kind<number | null> = {
  need: "a number or empty",
  read: (text) => text === "" ? null : NUMBER.read(text),
};

function oneOf<T extends string>(choices: readonly T[]): Kind<T> {
  return {
    need: `one of ${choices.join(", ")}`,
    read: (text) => choices.find((choice) => choice === text),
  };
}

/** The columns of a table, in order. */
type Kinds<T> = { readonly [column in keyof T]: Kind<T[column]> };

const DYNAMICS: Kinds<DynamicsRow> = {
  step: COUNT,
  stratum: oneOf([...STRATA, "all"]),
  questions: COUNT,
  accuracy: NUMBER,
  tokens: NUMBER,
  entropy: NUMBER,
};

const QUESTIONS: Kinds<QuestionRow> = {
  split: oneOf(["validation", "ood", "taught"]),
  question: TEXT,
  stratum: oneOf(STRATA),
  baseRight: COUNT,
  baseSamples: COUNT,
  right: COUNT,
  samples: COUNT,
  tokens: NUMBER,
};

const HISTOGRAMS: Kinds<HistogramBar> = {
  name: oneOf(["log-ratio", "gap"]),
  from: NUMBER,
  to: NUMBER,
  count: COUNT,
};

/** A table as it is written: the names of its columns, and rows of as many cells. */
interface Table {
  readonly path: string;
  readonly text: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

async function readTable(path: string): Promise<Table> {
  const text = new TextDecoder().decode(await readBytes(path));
  try {
    const [header = [], ...rows] = parse(text, { fieldsPerRecord: 0 });
    return { path, text, header, rows };
  } catch (error) {
    throw new SyntaxError(`Cannot read ${path} as it must be CSV: ${(error as Error).message}`);
  }
}

/** The rows of a table as records. */
function recordsOf<T>({ path, text, rows }: Table, kinds: Kinds<T>): T[] {
  const columns = Object.entries(kinds) as [string, Kind<unknown>][];
  return rows.map((cells, row) =>
    Object.fromEntries(columns.map(([name, { need, read }], column) => {
      const cell = cells[column]!;
      const value = read(cell);
      if (value !== undefined) return [name, value];
      throw new SyntaxError(
        `Cannot read ${path}:${lineOf(text, row + 1)} as ${name} must be ${need}: ` +
          `current value is ${JSON.stringify(cell)}`,
      );
    })) as T
  );
}

/** The line of a row, counted from 1 as editors do; no cell of ours holds a line break. */
function lineOf(text: string, row: number): number {
  const lines = text.split("\n").flatMap((line, i) => line.trim() === "" ? [] : [i + 1]);
  return lines[row]!;
}

async function readRows<T>(path: string, kinds: Kinds<T>): Promise<T[]> {
  const table = await readTable(path);
  const columns = Object.keys(kinds).join();
  if (table.header.join() !== columns) {
    throw new SyntaxError(
      `Cannot read ${path}:1 as its columns must be ${columns}: current value is ${table.header}`,
    );
  }
  return recordsOf(table, kinds);
}

async function readMetrics(path: string): Promise<MetricsRecord[]> {
  const table = await readTable(path);
  if (!table.header.includes("step")) {
    throw new SyntaxError(
      `Cannot read ${path}:1 as its columns must include step: current value is ${table.header}`,
    );
  }
  const kinds = table.header.map((name) => [name, name === "step" ? COUNT : NUMBER_OR_NOTHING]);
  return recordsOf(table, Object.fromEntries(kinds) as Kinds<Record<string, number | null>>);
}
