// One cell of a study, in a process of its own: deno run -A tasks/_reproduce/worker.ts PLAN
// deno-lint-ignore-file no-console -- its lines are read by the process that started it
import {
  type CellPlan,
  disposeCell,
  finishCell,
  isTrained,
  makeFolder,
  openCell,
  openDevice,
  trainCell,
  writeCell,
} from "../../mod.ts";
import { BASE, openQuestions, resultOf, RESULTS, runOf } from "./places.ts";

/** What a cell tells as it goes on, one line of JSON each. */
export type CellEvent =
  | { readonly kind: "opened" | "step"; readonly step: number; readonly steps: number }
  | { readonly kind: "evaluating" }
  /** Seconds that the cell took in all, over its sessions. */
  | { readonly kind: "finished"; readonly seconds: number };

const tell = (event: CellEvent): void => console.log(JSON.stringify(event));

/** Runs a cell from where it is to its end. */
async function work(plan: CellPlan): Promise<void> {
  const folder = runOf(plan);
  await makeFolder(folder.replace(/[^/]+$/, ""));
  using _lock = await lock(`${folder}.lock`, plan.name);
  // One thread for each process: the numbers do not depend on how many cores a machine has.
  const device = await openDevice({ prefer: "wasm", threads: 1 });
  const questions = await openQuestions(plan.run.dataset);
  const cell = await openCell(plan, questions, { run: folder, base: BASE }, device);
  const { steps } = plan.run.settings.config;
  tell({ kind: "opened", step: cell.run.state.step, steps });
  for await (const step of trainCell(cell)) tell({ kind: "step", step, steps });
  if (!isTrained(cell)) throw new Error(`Cannot finish ${plan.name} as its method must go on`);
  tell({ kind: "evaluating" });
  const stored = await finishCell(cell);
  await makeFolder(`${RESULTS}/${plan.grid}`);
  await writeCell(resultOf(plan), stored);
  disposeCell(cell);
  tell({ kind: "finished", seconds: stored.totals.seconds + stored.evaluationSeconds });
}

/** Keeps other processes from the same cell; ends with the process at the latest. */
async function lock(path: string, name: string): Promise<Disposable> {
  const file = await Deno.open(path, { write: true, create: true });
  if (!await file.tryLock(true)) {
    throw new Error(`Cannot run ${name} as another process is running it: ${path} is locked`);
  }
  return {
    [Symbol.dispose](): void {
      file.close();
      Deno.removeSync(path);
    },
  };
}

/** Ends this process when the one that started it is gone: nobody would know of it any more. */
async function endWithParent(): Promise<never> {
  await Array.fromAsync(Deno.stdin.readable);
  Deno.exit(130);
}

if (import.meta.main) {
  endWithParent();
  await work(JSON.parse(Deno.args[0]!));
  Deno.exit(0); // nobody has closed its input
}
