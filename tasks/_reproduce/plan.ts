/**
 * From a grid's file to the cells that are to be run.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type CellAbout,
  cellJson,
  type CellPlan,
  cellsOf,
  checkGrid,
  datasetFingerprint,
  demonstrationRow,
  encodePrompt,
  exists,
  type Fingerprints,
  type Grid,
  type GridEntry,
  openDevice,
  openPolicy,
  planCell,
  policyFingerprint,
  policyOf,
  questionsOf,
  questionsOfBatch,
  readCellAbout,
  staleness,
  writeWhole,
} from "../../mod.ts";
import { openQuestions, resultOf, runOf } from "./places.ts";

/** A cell of a grid and how far it is. */
export interface PlannedCell {
  readonly plan: CellPlan;
  /** What is stored of it, if it is finished. */
  readonly finished?: CellAbout;
  /** How that differs from what the grid asks for now, if it does. */
  readonly stale?: string;
  /** Whether it was begun and not finished. */
  readonly begun: boolean;
}

/**
 * Reads a grid.
 *
 * @param path A module whose default export is one.
 * @throws {RangeError} When it cannot be loaded or a setting is wrong.
 * @throws {TypeError} When it is not a grid.
 */
export async function readGrid(path: string): Promise<Grid> {
  if (!await exists(path)) {
    throw new RangeError(`Cannot run ${path}: there is no such file`);
  }
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    throw new RangeError(
      `Cannot run ${path} as it must be a module: ${(error as Error).message.split("\n")[0]}`,
      { cause: error },
    );
  }
  return await checkGrid(module.default, path);
}

/** Which cells of a grid are wanted. */
export interface Wanted {
  /** Part of the ids of their entries. */
  readonly only?: string;
  /** Of the seeds of each entry, so many. */
  readonly seeds?: number;
}

/**
 * Plans cells of a grid, in the order they are run, and looks how far each is.
 *
 * @throws {RangeError} When the questions or the policy of an entry cannot be used; names it.
 */
export async function planCells(
  grid: Grid,
  { only = "", seeds = Infinity }: Wanted = {},
): Promise<PlannedCell[]> {
  const entries = grid.entries.filter(({ id }) => id.includes(only))
    .map((entry) => ({ ...entry, seeds: entry.seeds.slice(0, seeds) }));
  if (entries.length === 0) return [];
  await openDevice({ prefer: "cpu" }); // only weights are read here
  const fingerprintsOf = opener();
  const cells: PlannedCell[] = [];
  for (const cell of cellsOf({ ...grid, entries })) {
    const fingerprints = await fingerprintsOf(cell.entry);
    cells.push(await lookUp(planCell(grid, cell, fingerprints)));
  }
  return cells;
}

/** Opens what entries are made from, each thing once, and checks that they can be run. */
function opener(): (entry: GridEntry) => Promise<Fingerprints> {
  const questionsOfName = remembering(async (name) => {
    const questions = await openQuestions(name);
    const all = Object.values(questions).flatMap((part) => part ? questionsOf(part) : []);
    return { questions, all, fingerprint: datasetFingerprint(questions.train) };
  });
  const policyIn = remembering(async (folder) => {
    const policy = await openPolicy(folder);
    return { policy, fingerprint: await policyFingerprint(policy) };
  });
  const checked = new Set<string>();
  return async (entry) => {
    const { questionsPerStep, maxNewTokens } = entry.settings.config;
    const folder = policyOf(entry);
    try {
      const [of, base] = [await questionsOfName(entry.dataset), await policyIn(folder)];
      const key = JSON.stringify([entry.dataset, folder, questionsPerStep, maxNewTokens]);
      if (!checked.has(key)) {
        const { train } = of.questions;
        questionsOfBatch(train, questionsPerStep, 0, 0);
        of.all.forEach((question) => encodePrompt(base.policy, question, maxNewTokens));
        questionsOf(train).forEach((question) =>
          demonstrationRow(base.policy, question, maxNewTokens)
        );
        checked.add(key);
      }
      return { datasetFingerprint: of.fingerprint, policyFingerprint: base.fingerprint };
    } catch (error) {
      throw new RangeError(
        `Cannot run entry ${entry.id} as it could not begin: ${(error as Error).message}`,
        { cause: error },
      );
    }
  };
}

/** A function that does its work once for each name. */
function remembering<T>(make: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (name) => {
    if (!made.has(name)) made.set(name, make(name));
    return made.get(name)!;
  };
}

/** Looks how far a cell is. */
async function lookUp(plan: CellPlan): Promise<PlannedCell> {
  const folder = resultOf(plan);
  const begun = await exists(`${runOf(plan)}/config.json`);
  if (!await exists(`${folder}/cell.json`)) return { plan, begun };
  const finished = await readCellAbout(folder);
  return { plan, begun, finished, stale: staleness(finished, plan) };
}

/** Takes over the names that the grid has now for cells that are what it asks for. */
export async function relabel(cells: readonly PlannedCell[]): Promise<void> {
  for (const { plan, finished, stale } of cells) {
    if (!finished || stale !== undefined) continue;
    const { title, family } = plan;
    if (title === finished.title && family === finished.family) continue;
    const { run: _, ...about } = finished;
    await writeWhole(`${resultOf(plan)}/cell.json`, cellJson({ ...about, title, family }));
  }
}
