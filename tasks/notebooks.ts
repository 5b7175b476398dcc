// deno task notebooks --only 01_quick_start --write
// deno-lint-ignore-file no-console
import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { writeWhole } from "../mod.ts";
import { type Command, type Flag, runTask, type Values } from "./_cli.ts";
import { checkNotebooks } from "./_notebooks/check.ts";
import { advice, findNeeds, installKernel } from "./_notebooks/install.ts";
import {
  codeCells,
  labelOf,
  nameOf,
  needsOf,
  type Notebook,
  notebookText,
  readNotebook,
} from "./_notebooks/notebook.ts";
import { CellError, runNotebook } from "./_notebooks/run.ts";

const command = {
  name: "notebooks",
  about: "type-checks the notebooks and runs each on a Deno kernel of its own; any error fails.",
  flags: {
    only: {
      kind: "text",
      value: "NAME|FILE",
      help: "One of notebooks/ by its name without .ipynb, or any notebook by its path",
    },
    write: {
      kind: "switch",
      help: "Stores the outputs in the notebooks; of one that fails nothing is stored",
    },
    check: { kind: "switch", help: "Type-checks only, runs nothing" },
    limit: { kind: "integer", min: 1, default: 600, help: "Seconds that one notebook may take" },
    install: { kind: "switch", help: "Registers the Deno kernel with Jupyter, runs nothing" },
  },
  examples: [
    "deno task notebooks",
    "deno task notebooks --only 01_quick_start --write",
    "deno task notebooks --install",
  ],
} as const satisfies Command<Record<string, Flag>>;

/** A notebook and where it lies. */
interface Opened {
  readonly path: string;
  readonly notebook: Notebook;
}

/** Checks and runs notebooks, or registers the kernel. */
async function main(flags: Values<typeof command.flags>): Promise<void> {
  if (flags.install) {
    console.log(await installKernel());
    for (const line of advice(await findNeeds())) console.log(line);
    return;
  }
  const stop = new AbortController();
  const interrupt = () =>
    stop.abort(new Error("Cannot go on as the notebooks must run undisturbed: a signal came"));
  const signals = (["SIGINT", "SIGTERM"] as const).slice(0, Deno.build.os === "windows" ? 1 : 2);
  for (const name of signals) Deno.addSignalListener(name, interrupt);
  try {
    await checkAndRun(flags, stop.signal);
  } finally {
    for (const name of signals) Deno.removeSignalListener(name, interrupt);
  }
}

async function checkAndRun(
  { only, write, check, limit }: Values<typeof command.flags>,
  signal: AbortSignal,
): Promise<void> {
  const opened = await Promise.all(
    findNotebooks(only).map(async (path) => ({ path, notebook: await readNotebook(path) })),
  );
  const start = performance.now();
  const report = await checkNotebooks(
    opened.map(({ path, notebook }) => ({ path, cells: codeCells(notebook) })),
    signal,
  );
  if (report !== "") {
    console.error(report);
    throw new Error("Cannot run the notebooks as their types must fit: see the errors above");
  }
  console.log(`${countOf(opened.length)} type-checked in ${secondsSince(start)}`);
  if (check) return;
  const failed: string[] = [];
  for (const each of opened) {
    if (!await runOne(each, { write, limit, signal })) failed.push(basename(each.path));
  }
  if (failed.length > 0) {
    throw new Error(
      `Cannot pass as every notebook must run to its end: ${failed.join(", ")} did not`,
    );
  }
}

/** Runs a notebook, tells how it went and stores its outputs if asked to. */
async function runOne(
  { path, notebook }: Opened,
  { write, limit, signal }: { write: boolean; limit: number; signal: AbortSignal },
): Promise<boolean> {
  const start = performance.now();
  console.log(`\n${basename(path)}`);
  const missing = needsOf(notebook).filter((need) => !existsSync(resolve(dirname(path), need)));
  if (missing.length > 0) {
    console.log(`  skipped, as it needs ${missing.join(" and ")}: see its first cell`);
    return true;
  }
  try {
    const executed = await runNotebook(notebook, {
      folder: dirname(path),
      limit,
      signal,
      onCell: (cell, seconds) =>
        console.log(`  ${seconds.toFixed(2).padStart(7)} s  ${labelOf(cell)}`),
    });
    if (write) await writeWhole(path, notebookText(executed));
    console.log(`  ${secondsSince(start).padStart(9)}  in all${write ? ", outputs stored" : ""}`);
    return true;
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    console.error(`error: ${nameOf(path, error.cell)} failed\n${error.message}`);
    return false;
  }
}

/** The notebooks to run: all of the project's in order, or one. */
function findNotebooks(only: string | undefined): string[] {
  const folder = fileURLToPath(new URL("../notebooks", import.meta.url));
  if (only !== undefined) {
    return [only.endsWith(".ipynb") ? resolve(only) : `${folder}/${only}.ipynb`];
  }
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  return names.filter((name) => name.endsWith(".ipynb")).sort().map((name) => `${folder}/${name}`);
}

function countOf(notebooks: number): string {
  return notebooks === 1 ? "1 notebook" : `${notebooks} notebooks`;
}

function secondsSince(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(2)} s`;
}

if (import.meta.main) await runTask(command, main);
