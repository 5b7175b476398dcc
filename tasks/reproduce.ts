// deno task reproduce --quick
// deno-lint-ignore-file no-console
import { basename } from "node:path";
import {
  exists,
  fillBlocks,
  type Grid,
  readStudy,
  type StudyReport,
  studyReport,
  writeWhole,
} from "../mod.ts";
import { openBoard } from "./_reproduce/board.ts";
import {
  duration,
  expectedSeconds,
  secondsLeft,
  secondsOf,
  type TimedCell,
} from "./_reproduce/estimate.ts";
import { RESULTS } from "./_reproduce/places.ts";
import { planCells, type PlannedCell, readGrid, relabel } from "./_reproduce/plan.ts";
import { runCells } from "./_reproduce/schedule.ts";
import { type Command, type Flag, runTask, UsageError, type Values } from "./_cli.ts";

const FULL = "tasks/grids/full.ts", QUICK = "tasks/grids/quick.ts";

const command = {
  name: "reproduce",
  about:
    "runs a study, methods x seeds x question sets, and stores what each cell of it gave; goes on " +
    "where it was stopped and passes over what is finished.",
  flags: {
    grid: { kind: "text", value: "FILE", help: `What to run; ${FULL} unless given` },
    quick: { kind: "switch", help: `Run ${QUICK}: a quarter of an hour on two cores` },
    only: { kind: "text", value: "TEXT", help: "Run only entries whose id contains this" },
    seeds: { kind: "integer", min: 1, help: "Run only the first N seeds of each entry" },
    jobs: {
      kind: "integer",
      min: 1,
      help: "Cells run at once, each on one thread; as many as there are cores unless given",
    },
    force: {
      kind: "switch",
      help: "Run finished cells again whose settings are not those of the grid any more",
    },
    list: { kind: "switch", help: "Run nothing: list the cells, how far each is, and how long" },
    report: {
      kind: "switch",
      help:
        "Run nothing: tell again what the stored cells say, for the full study in README.md too",
    },
  },
  examples: [
    "deno task reproduce --quick",
    "deno task reproduce --list",
    "deno task reproduce --only relift --seeds 1",
    "deno task reproduce --grid my_grid.ts --jobs 4",
    "deno task reproduce --report",
  ],
} as const satisfies Command<Record<string, Flag>>;

type ReproduceFlags = Values<typeof command.flags>;

/** Runs a grid, or what is left of it. */
async function reproduce(flags: ReproduceFlags): Promise<void> {
  if (flags.quick && flags.grid !== undefined) {
    throw new UsageError(`--quick names a grid of its own: leave out --grid ${flags.grid}`);
  }
  const path = flags.grid ?? (flags.quick ? QUICK : FULL);
  const grid = await readGrid(path);
  if (flags.report) return await reportOnly(grid, path, flags);
  const cells = await planCells(grid, flags);
  if (cells.length === 0) {
    const ids = grid.entries.map(({ id }) => id).join(", ");
    throw new UsageError(`--only must be part of one of ${ids}: current value is "${flags.only}"`);
  }
  const jobs = flags.jobs ?? navigator.hardwareConcurrency;
  const finished = cells.flatMap(timed);
  if (flags.list) return console.log(listing(cells, finished, jobs));
  if (!flags.force) refuseStale(cells);
  await relabel(cells);

  const plans = cells.filter((cell) => !isDone(cell)).map(({ plan }) => plan);
  const started = performance.now();
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  Deno.addSignalListener("SIGINT", interrupt);
  using board = openBoard({ plans, finished, jobs });
  await runCells(plans, { jobs, signal: stop.signal, watcher: board });
  board.close();
  Deno.removeSignalListener("SIGINT", interrupt);

  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${board.done} of ${cells.length} cells done, the last ${board.done - finished.length} in ` +
      duration(seconds),
  );
  if (board.done + board.failures.length < cells.length) {
    const again = ["deno task reproduce", ...Deno.args].join(" ");
    console.log(`stopped; the others go on from their last checkpoints: ${again}`);
    Deno.exit(130);
  }
  for (const { name, why, log } of board.failures) {
    console.error(`${name} failed: ${why}\n  its log is ${log}; the same command tries it again`);
  }
  if (board.done > 0) await report(grid, path);
  if (board.failures.length > 0) Deno.exit(1);
}

/** Makes of the stored cells what is told of them. */
async function report(grid: Grid, path: string): Promise<StudyReport> {
  const folder = `${RESULTS}/${grid.name}`;
  const told = studyReport(await readStudy(folder), grid, commandOf(path));
  await writeWhole(`${folder}/README.md`, told.page);
  console.log(`results in ${folder}`);
  return told;
}

/** What runs a grid. */
function commandOf(path: string): string {
  if (path === FULL) return "deno task reproduce";
  return `deno task reproduce ${path === QUICK ? "--quick" : `--grid ${basename(path)}`}`;
}

/** The same without a run before it; the full study's tables go into the README, too. */
async function reportOnly(grid: Grid, path: string, flags: ReproduceFlags): Promise<void> {
  const other = (["only", "seeds", "jobs", "force", "list"] as const).find((name) => flags[name]);
  if (other !== undefined) {
    throw new UsageError(
      `--report runs nothing and tells all that is stored: leave out --${other}`,
    );
  }
  const { blocks } = await report(grid, path);
  if (path !== FULL || !await exists("README.md")) return;
  const text = await Deno.readTextFile("README.md");
  const filled = fillBlocks(text, blocks);
  if (filled === text) return;
  await writeWhole("README.md", filled);
  console.log("tables in README.md");
}

/** Whether a cell is stored as the grid asks for it now. */
function isDone({ finished, stale }: PlannedCell): boolean {
  return finished !== undefined && stale === undefined;
}

/** A cell that is done, with the time it took. */
function timed(cell: PlannedCell): TimedCell[] {
  return isDone(cell) ? [{ cell: cell.plan, seconds: secondsOf(cell.finished!) }] : [];
}

/**
 * Refuses to replace results without being asked to.
 *
 * @throws {RangeError} When a finished cell is not what the grid asks for now.
 */
function refuseStale(cells: readonly PlannedCell[]): void {
  const stale = cells.filter((cell) => cell.stale !== undefined);
  if (stale.length === 0) return;
  const shown = stale.slice(0, 3).map(({ plan, stale }) => `${plan.name}: ${stale}`);
  const more = stale.length > shown.length ? `; and ${stale.length - shown.length} more` : "";
  throw new RangeError(
    `Cannot go on as finished cells must be what the grid asks for (${shown.join("; ")}${more}): ` +
      "run them again with --force, or give their entry another id",
  );
}

/** Every cell, how far it is, and how long it took or will take. */
function listing(
  cells: readonly PlannedCell[],
  finished: readonly TimedCell[],
  jobs: number,
): string {
  const width = Math.max(...cells.map(({ plan }) => plan.name.length));
  const rows = cells.map((cell) => {
    const seconds = isDone(cell) ? secondsOf(cell.finished!) : expectedSeconds(cell.plan, finished);
    const time = seconds === undefined ? "" : `${isDone(cell) ? "" : "about "}${duration(seconds)}`;
    return `${cell.plan.name.padEnd(width)}  ${stateOf(cell).padEnd(5)}  ${time}`.trimEnd();
  });
  const open = cells.filter((cell) => !isDone(cell))
    .map(({ plan }) => ({ cell: plan, elapsed: 0 }));
  const left = secondsLeft(open, finished, jobs);
  const estimate = open.length === 0
    ? ""
    : left === undefined
    ? ", how long the others take is not known before one is done"
    : `, about ${duration(left)} left, ${jobs} at once`;
  return [...rows, `${finished.length} of ${cells.length} cells done${estimate}`].join("\n");
}

function stateOf({ finished, stale, begun }: PlannedCell): string {
  if (stale !== undefined) return `stale (${stale})`;
  return finished ? "done" : begun ? "begun" : "to do";
}

if (import.meta.main) await runTask(command, reproduce);
