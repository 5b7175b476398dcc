/**
 * Shows how far a run is: a bar that redraws itself on a terminal, plain lines into a file or a
 * pipe, nothing when quiet. Always on stderr, so that stdout stays free for results.
 *
 * @module
 */
// @ts-types="npm:@types/cli-progress@3.11.6"
import { Format, SingleBar } from "cli-progress";

/** Settings of {@linkcode openProgress}. */
export interface ProgressOptions {
  /** Steps of the whole run. */
  readonly total: number;
  /** Steps already done when a run resumes; they do not count in the time left. */
  readonly start?: number;
  /** Whether to draw a bar; asks stderr unless said. */
  readonly isTerminal?: boolean;
  /** Shows nothing at all. */
  readonly quiet?: boolean;
  /** Where the text goes; stderr unless said. */
  readonly write?: (text: string) => void;
  /** Milliseconds since any moment; the system's steady clock unless said. */
  readonly now?: () => number;
}

/** A display that is open; `using` closes it whatever happens. */
export interface Progress extends Disposable {
  /**
   * Shows that `done` steps of the run are complete.
   *
   * @param done In `[start, total]`.
   * @param text The few numbers that matter, such as `accuracy 0.31`.
   */
  step(done: number, text?: string): void;
  /** Draws the last state and leaves the line; an open bar keeps the process alive. */
  close(): void;
}

/**
 * Opens the display of a run.
 *
 * @throws {RangeError} When `start` and `total` are not whole with 0 ≤ start ≤ total.
 *
 * @example Into a file, ten seconds a step
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { openProgress } from "./progress.ts";
 *
 * let [text, now] = ["", 0];
 * const write = (line: string) => void (text += line);
 * using progress = openProgress({ total: 9, isTerminal: false, write, now: () => now });
 * now = 10_000;
 * progress.step(1, "accuracy 0.31");
 *
 * assertEquals(text, "1/9, 1m20s left: accuracy 0.31\n");
 * ```
 */
export function openProgress(options: ProgressOptions): Progress {
  const { total, start = 0, quiet = false, now = () => performance.now() } = options;
  const { isTerminal = Deno.stderr.isTerminal(), write = writeToStderr } = options;
  if (!Number.isSafeInteger(total) || !Number.isSafeInteger(start) || start < 0 || start > total) {
    throw new RangeError(
      `Cannot show progress as it must be 0 <= start <= total: current value is start = ${start}, total = ${total}`,
    );
  }
  if (quiet) return display(() => {}, () => {});
  const clock = clockOf(total, start, now);
  return isTerminal ? bar(total, start, clock, write) : display((done, text) => {
    clock.step(done);
    write(`${done}/${total}, ${clock.text()}${text === "" ? "" : `: ${text}`}\n`);
  }, () => {});
}

/** Time left from the mean time of the steps of this session. */
interface Clock {
  step(done: number): void;
  text(): string;
}

function clockOf(total: number, start: number, now: () => number): Clock {
  const opened = now();
  let [done, stepped] = [start, opened];
  return {
    step(steps: number): void {
      [done, stepped] = [steps, now()];
    },
    text(): string {
      if (done >= total) return `took ${duration(stepped - opened)}`;
      if (done <= start) return "starting";
      const left = (stepped - opened) / (done - start) * (total - done);
      return `${duration(Math.max(0, left - (now() - stepped)))} left`; // counts down in a step
    },
  };
}

/** `42s`, `3m20s` or `1h05m`. */
function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const pad = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${pad(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h${pad(seconds % 3600 / 60)}m`;
}

function display(step: (done: number, text: string) => void, close: () => void): Progress {
  return {
    step: (done: number, text = ""): void => step(done, text),
    close,
    [Symbol.dispose]: close,
  };
}

function bar(
  total: number,
  start: number,
  clock: Clock,
  write: (text: string) => void,
): Progress {
  const stream = {
    isTTY: true,
    get columns(): number {
      return columnsOf();
    },
    // cli-progress saves the cursor at the start and restores it at the end, which lands in the
    // middle of any line printed meanwhile: both stay out, and the bar ends where it stands.
    write: (text: string): void => {
      if (text !== "\x1b7" && text !== "\x1b8") write(text);
    },
  };
  const single = new SingleBar({
    stream: stream as unknown as NodeJS.WritableStream,
    // Lines are cut to the terminal's width here. The library's default turns wrapping off in the
    // terminal instead, and Ctrl-C would leave it off.
    linewrap: true,
    barsize: 24,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    format: (settings, { progress, value }, { text }) => {
      return `${Format.BarFormat(progress, settings)} ${value}/${total}  ${clock.text()}  ${text}`
        .trimEnd();
    },
  });
  single.start(total, start, { text: "" });
  return display((done, text) => {
    clock.step(done);
    single.update(done, { text });
  }, () => single.stop());
}

function columnsOf(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80; // no terminal to ask
  }
}

/** Writes text to standard error, whole; to nobody when nobody reads any more. */
export function writeToStderr(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
  } catch (error) { // nobody reads any more (`2>&1 | head`): no reason to stop a run
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
