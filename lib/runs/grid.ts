/**
 * Grids: what a study runs, as a typed file, and the cells it is made of.
 *
 * @module
 */
import { z } from "zod";
import { checkSettings, type MethodSettings } from "../methods/registry.ts";
import type { RunConfig } from "./run.ts";
import type { BudgetLimit, CellAbout, EvaluationPlan } from "./study.ts";

/** A method with its settings, to be run once for each seed. */
export interface GridEntry {
  /** Names it in folders and tables, the same for all seeds: `relift`. */
  readonly id: string;
  /** How tables and figures call it: `ReLIFT`. */
  readonly title: string;
  /** Which table it belongs to: `main`, `ablation`. */
  readonly family: string;
  /** A built-in dataset's name or a file. */
  readonly dataset: string;
  /** Folder of the policy it begins with; `models/operators-base` unless given. */
  readonly policy?: string;
  /** The method and its settings; each of `seeds` takes the place of their seed. */
  readonly settings: MethodSettings;
  /** Whole numbers >= 0. */
  readonly seeds: readonly number[];
  readonly budget?: BudgetLimit;
}

/** What a study runs: the default export of its file. */
export interface Grid {
  /** Names the folder of its results. */
  readonly name: string;
  readonly evaluation: EvaluationPlan;
  readonly entries: readonly GridEntry[];
}

/** The policy that entries begin with unless they name another. */
const POLICY = "models/operators-base";

/** A field that says in the house's words what it must be. */
const must = (be: string): z.RawCreateParams => ({
  errorMap: () => ({ message: `must be ${be}` }),
});

/** What names a folder, the same on every system. */
const name = z.string(must("a name of a-z, 0-9, dot and dash"))
  .regex(/^[a-z0-9][a-z0-9.-]*$/, "must be a name of a-z, 0-9, dot and dash");
const text = z.string(must("a text")).min(1, "must be a text");
const atLeast = (least: number) => {
  const need = `must be a whole number >= ${least}`;
  return z.number(must(`a whole number >= ${least}`)).int(need).min(least, need).safe(need);
};
const amount = z.number(must("a number > 0")).positive("must be a number > 0");

/** An object with these fields and no others, so that a misspelt one is told. */
const only = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.object(shape, must("an object")).strict();

const entrySchema = only({
  id: name,
  title: text,
  family: text,
  dataset: text,
  policy: text.optional(),
  settings: only({
    method: text,
    config: z.object({
      steps: atLeast(1),
      questionsPerStep: atLeast(1),
      maxNewTokens: atLeast(1),
      maxTokens: atLeast(1),
    }, must("an object")).passthrough(),
  }),
  seeds: z.array(atLeast(0), must("a list of seeds")).min(1, "must be a list of seeds"),
  budget: only({ rollouts: amount, optimizerSteps: amount, flops: amount }).partial().optional(),
});

const gridSchema = only({
  name,
  evaluation: only({ every: atLeast(1), samples: atLeast(1), finalSamples: atLeast(1) }),
  entries: z.array(entrySchema, must("a list of entries")).min(1, "must be a list of entries"),
});

/**
 * Checks a grid before anything is run.
 *
 * @param value For instance the default export of a user's file.
 * @param where Where it comes from, for the error.
 * @throws {TypeError} When it is not a grid; names the entry and the field.
 * @throws {RangeError} When a method's settings are wrong, or two cells would be the same.
 */
export async function checkGrid(value: unknown, where: string): Promise<Grid> {
  const parsed = gridSchema.safeParse(value);
  if (!parsed.success) throw new TypeError(fault(value, parsed.error.issues[0]!, where));
  const grid = value as Grid;
  for (const { id, settings } of grid.entries) {
    try {
      await checkSettings(settings);
    } catch (error) {
      throw new RangeError(
        `Cannot run ${where} as the settings of entry ${id} are wrong: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }
  const names = cellsOf(grid).map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new RangeError(
      `Cannot run ${where} as id, dataset and seed of its cells must differ: ` +
        `current value is ${twice} twice`,
    );
  }
  return grid;
}

/** What is wrong with a grid, in a line. */
function fault(value: unknown, issue: z.ZodIssue, where: string): string {
  const at = (keys: readonly (string | number)[]) =>
    keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], value);
  const isUnknown = issue.code === "unrecognized_keys";
  const path = isUnknown ? [...issue.path, issue.keys[0]!] : issue.path;
  const need = isUnknown ? "must be left out, as there is no such field" : issue.message;
  const [list, index, ...field] = path;
  const isOfEntry = list === "entries" && index !== undefined;
  const entry = isOfEntry
    ? `entry ${at([list, index, "id"]) ?? `number ${Number(index) + 1}`}`
    : "its default export";
  const fields = isOfEntry ? field : path;
  const subject = fields.length > 0 ? `${fields.join(".")} of ${entry}` : entry;
  const current = JSON.stringify(at(path))?.slice(0, 80);
  return `Cannot run ${where} as ${subject} ${need}: current value is ${current}`;
}

/** One entry with one of its seeds. */
export interface GridCell {
  /** Names its folders: `relift-operators-1`. */
  readonly name: string;
  readonly entry: GridEntry;
  readonly seed: number;
}

/**
 * The cells of a grid in the order they are run: the first seed of every entry, then the second of
 * every entry that has one, and so on, so that a study cut short has compared all its methods.
 */
export function cellsOf({ entries }: Grid): GridCell[] {
  const rounds = Math.max(...entries.map(({ seeds }) => seeds.length));
  return Array.from({ length: rounds }, (_, round) =>
    entries.flatMap((entry) => {
      const seed = entry.seeds[round];
      const dataset = entry.dataset.split(/[\\/]/).at(-1)!.replace(/\.\w+$/, "")
        .replaceAll(/[^\w.-]/g, "_");
      return seed === undefined ? [] : [{ name: `${entry.id}-${dataset}-${seed}`, entry, seed }];
    })).flat();
}

/** All that the process of a cell has to be told. */
export interface CellPlan {
  readonly grid: string;
  readonly name: string;
  readonly entry: string;
  readonly title: string;
  readonly family: string;
  readonly evaluation: EvaluationPlan;
  readonly budget: BudgetLimit | null;
  /** What its run is started with; the rest depends on where and when. */
  readonly run: Omit<RunConfig, "device" | "versions" | "commit">;
}

/** Fingerprints of what a cell is made from. */
export type Fingerprints = Pick<RunConfig, "datasetFingerprint" | "policyFingerprint">;

/** Folder of the policy that an entry begins with. */
export function policyOf({ policy = POLICY }: GridEntry): string {
  return policy;
}

/** Plans a cell of a grid; the plan reads the same after it was written as JSON. */
export function planCell(
  { name: grid, evaluation }: Grid,
  { name, entry, seed }: GridCell,
  fingerprints: Fingerprints,
): CellPlan {
  const { id, title, family, dataset, settings: { method, config }, budget = null } = entry;
  const plan: CellPlan = {
    grid,
    name,
    entry: id,
    title,
    family,
    evaluation,
    budget,
    run: {
      settings: { method, config: { ...config, seed } },
      preset: id,
      dataset,
      policy: policyOf(entry),
      ...fingerprints,
    },
  };
  return JSON.parse(JSON.stringify(plan));
}

/**
 * Tells how a finished cell differs from what a grid asks for now; undefined when it does not.
 *
 * Settings, questions, the base policy, budget and evaluations must be the same. The commit, the
 * versions and the device that made it need not: they are part of the result, and it is for its
 * readers to judge them.
 *
 * @returns The first difference: `settings.config.bufferSize was 32 and is now 16`.
 */
export function staleness(cell: CellAbout, plan: CellPlan): string | undefined {
  const essence = ({ run, evaluation, budget }: CellPlan | CellAbout) => ({
    settings: run.settings,
    datasetFingerprint: run.datasetFingerprint,
    policyFingerprint: run.policyFingerprint,
    budget,
    evaluation,
  });
  return difference(essence(cell), essence(plan));
}

/** The first field in which two values of JSON differ. */
function difference(was: unknown, is: unknown, path = ""): string | undefined {
  const isObject = (value: unknown) => typeof value === "object" && value !== null;
  if (!isObject(was) || !isObject(is)) {
    const told = (value: unknown) => JSON.stringify(value) ?? "absent";
    return Object.is(was, is) ? undefined : `${path} was ${told(was)} and is now ${told(is)}`;
  }
  const [before, now] = [was, is] as Record<string, unknown>[];
  for (const key of new Set([...Object.keys(before!), ...Object.keys(now!)])) {
    const found = difference(before![key], now![key], path === "" ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
}
