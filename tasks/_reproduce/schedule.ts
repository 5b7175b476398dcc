/**
 * Cells in processes of their own, several at once.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { type CellPlan, makeFolder } from "../../mod.ts";
import { linesOf } from "../_bench/process.ts";
import { runOf, RUNS } from "./places.ts";
import type { CellEvent } from "./worker.ts";

/** How the process of a cell ended. */
export type Outcome =
  | { readonly kind: "finished"; readonly seconds: number }
  /** It was told to stop, and goes on from its last checkpoint. */
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly why: string; readonly log: string };

/** What is told while cells run. */
export interface Watcher {
  started(plan: CellPlan): void;
  told(plan: CellPlan, event: CellEvent): void;
  ended(plan: CellPlan, outcome: Outcome): void;
}

/**
 * Runs cells in order, `jobs` at once, whether others fail or not, until all have ended or the
 * signal stops them.
 */
export async function runCells(
  plans: readonly CellPlan[],
  { jobs, signal, watcher }: { jobs: number; signal: AbortSignal; watcher: Watcher },
): Promise<void> {
  const waiting = [...plans];
  const takeTurns = async () => {
    while (waiting.length > 0 && !signal.aborted) {
      const plan = waiting.shift()!;
      watcher.started(plan);
      watcher.ended(plan, await runCell(plan, signal, (event) => watcher.told(plan, event)));
    }
  };
  await Promise.all(Array.from({ length: jobs }, takeTurns));
}

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** A cell's process, but for its plan; the folder it runs in may have a `deno.json` of its own. */
export const WORKER: readonly string[] = [
  ...["run", "-A", "--quiet", `--config=${pathOf("../../deno.json")}`],
  pathOf("worker.ts"),
];

/** Runs a cell in a process, whose complaints are kept beside its run. */
async function runCell(
  plan: CellPlan,
  signal: AbortSignal,
  onEvent: (event: CellEvent) => void,
): Promise<Outcome> {
  await makeFolder(`${RUNS}/${plan.grid}`);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...WORKER, JSON.stringify(plan)],
    stdin: "piped", // left open: the process ends when this one is gone
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // it has ended already
    }
  };
  signal.addEventListener("abort", kill);
  if (signal.aborted) kill();
  const log = `${runOf(plan)}.log`;
  const complaint = keepLog(child.stderr, log);
  let seconds: number | undefined;
  for await (const line of linesOf(child.stdout)) {
    const event = eventOf(line);
    if (event?.kind === "finished") seconds = event.seconds;
    if (event) onEvent(event);
  }
  const status = await child.status;
  signal.removeEventListener("abort", kill);
  await child.stdin.close().catch(() => {}); // nobody reads it any more
  const error = await complaint;
  if (status.success && seconds !== undefined) return { kind: "finished", seconds };
  // Ctrl-C reaches every process of a terminal, this one perhaps last.
  if (signal.aborted || status.signal === "SIGINT") return { kind: "stopped" };
  const end = status.signal ?? `code ${status.code}`;
  return { kind: "failed", why: error ?? `its process ended with ${end}`, log };
}

/** What a line tells; a method of a user's own may print others. */
function eventOf(line: string): CellEvent | undefined {
  try {
    const event = JSON.parse(line);
    return typeof event?.kind === "string" ? event : undefined;
  } catch {
    return;
  }
}

/** Writes what a process complains about to a file, if it does; returns the first error's line. */
async function keepLog(
  stream: ReadableStream<Uint8Array>,
  path: string,
): Promise<string | undefined> {
  let error: string | undefined;
  let isEmpty = true;
  {
    using file = await Deno.open(path, { write: true, create: true, truncate: true });
    for await (const line of linesOf(stream)) {
      await file.write(new TextEncoder().encode(`${line}\n`));
      if (/^error\b/.test(line)) {
        error ??= line.replace(/^error: (Uncaught )?(\(in promise\) )?/, "");
      }
      isEmpty = false;
    }
  }
  if (isEmpty) await Deno.remove(path);
  return error;
}
