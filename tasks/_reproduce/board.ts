/**
 * One view of all cells that run: lines that redraw themselves on a terminal; into a file or a
 * pipe, a line whenever a cell ends. Always on stderr.
 *
 * @module
 */
// @ts-types="npm:@types/cli-progress@3.11.6"
import { MultiBar } from "cli-progress";
import { type CellPlan, writeToStderr } from "../../mod.ts";
import { duration, secondsLeft, type TimedCell } from "./estimate.ts";
import type { Outcome, Watcher } from "./schedule.ts";
import type { CellEvent } from "./worker.ts";

/** Settings of {@linkcode openBoard}. */
export interface BoardOptions {
  /** Cells that are to be run, in order. */
  readonly plans: readonly CellPlan[];
  /** Cells of the grid that are finished already, with their times. */
  readonly finished: readonly TimedCell[];
  readonly jobs: number;
  /** Whether to redraw lines; asks stderr unless said. */
  readonly isTerminal?: boolean;
  /** Where the text goes; stderr unless said. */
  readonly write?: (text: string) => void;
  /** Milliseconds since any moment; the system's steady clock unless said. */
  readonly now?: () => number;
}

/** A view that is open; `using` closes it whatever happens. */
export interface Board extends Watcher, Disposable {
  /** Draws the last state and leaves the lines; open ones keep the process alive. */
  close(): void;
  /** Cells finished, those of earlier sessions too. */
  readonly done: number;
  /** The cells that failed. */
  readonly failures: readonly Failure[];
}

/** A cell that failed. */
export interface Failure {
  readonly name: string;
  readonly why: string;
  readonly log: string;
}

/** A cell that is being run. */
interface RunningCell {
  readonly plan: CellPlan;
  readonly since: number;
  doing: string;
}

/** Opens the view of a study. */
export function openBoard(options: BoardOptions): Board {
  const { plans, jobs, now = () => performance.now(), write = writeToStderr } = options;
  const { isTerminal = Deno.stderr.isTerminal() } = options;
  const opened = now();
  const seconds = (since: number) => (now() - since) / 1000;
  const finished = [...options.finished];
  const total = finished.length + plans.length;
  const failures: Failure[] = [];
  const ended = new Set<CellPlan>();
  const running: RunningCell[] = [];

  const left = () => {
    const open = plans.filter((plan) => !ended.has(plan)).map((plan) => {
      const since = running.find((cell) => cell.plan === plan)?.since;
      return { cell: plan, elapsed: since === undefined ? 0 : seconds(since) };
    });
    const about = open.length === 0 ? undefined : secondsLeft(open, finished, jobs);
    return about === undefined ? "" : `, about ${duration(about)} left`;
  };
  const heading = () => {
    const failed = failures.length > 0 ? `, ${failures.length} failed` : "";
    const elapsed = duration(seconds(opened));
    return `${finished.length} of ${total} cells done${failed}, ${elapsed} so far${left()}`;
  };
  const lineOf = (cell: RunningCell | undefined) =>
    cell ? `  ${cell.plan.name}: ${cell.doing}, ${duration(seconds(cell.since))}` : "";
  const room = Math.max(1, Math.min(jobs, sizeOfTerminal().rows - 3)); // more could not be redrawn
  const slots = Array.from({ length: room }, (_, i) => () => lineOf(running[i]));
  let panel = isTerminal ? openPanel([heading, ...slots], write) : undefined;
  const close = () => {
    panel?.stop();
    panel = undefined;
  };

  return {
    get done(): number {
      return finished.length;
    },
    failures,
    started(plan): void {
      running.push({ plan, since: now(), doing: "starting" });
    },
    told(plan, event): void {
      running.find((cell) => cell.plan === plan)!.doing = doingOf(event);
    },
    ended(plan, outcome): void {
      running.splice(running.findIndex((cell) => cell.plan === plan), 1);
      if (outcome.kind === "stopped") return;
      ended.add(plan);
      if (outcome.kind === "finished") finished.push({ cell: plan, seconds: outcome.seconds });
      else failures.push({ name: plan.name, why: outcome.why, log: outcome.log });
      if (!isTerminal) write(`${plan.name} ${endOf(outcome)}; ${heading()}\n`);
    },
    close,
    [Symbol.dispose]: close,
  };
}

function doingOf(event: CellEvent): string {
  switch (event.kind) {
    case "opened":
    case "step":
      return `step ${event.step} of ${event.steps}`;
    case "evaluating":
    case "finished":
      return "last evaluations";
  }
}

function endOf(outcome: Exclude<Outcome, { kind: "stopped" }>): string {
  return outcome.kind === "finished"
    ? `finished, ${duration(outcome.seconds)} in all`
    : `failed: ${outcome.why}`;
}

/** Lines that redraw themselves. */
function openPanel(
  lines: readonly (() => string)[],
  write: (text: string) => void,
): { stop(): void } {
  const stream = {
    isTTY: true,
    get columns(): number {
      return sizeOfTerminal().columns;
    },
    write,
  };
  const bars = new MultiBar({
    stream: stream as unknown as NodeJS.WritableStream,
    linewrap: true, // lines are cut here; else Ctrl-C would leave the terminal's own wrapping off
    gracefulExit: false, // Ctrl-C is our own
    fps: 4,
    format: (_options, _params, { line }) => line(),
  });
  for (const line of lines) bars.create(1, 0, { line });
  return {
    stop(): void {
      bars.stop();
    },
  };
}

function sizeOfTerminal(): { readonly columns: number; readonly rows: number } {
  try {
    return Deno.consoleSize();
  } catch {
    return { columns: 80, rows: 24 }; // no terminal to ask
  }
}
