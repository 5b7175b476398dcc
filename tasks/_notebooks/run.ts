/**
 * Runs a notebook on the Deno kernel, and makes loud what the kernel keeps silent.
 *
 * @module
 */
import { type Kernel, type Message, startKernel } from "./kernel.ts";
import { type CodeCell, codeCells, type Notebook, withOutputs } from "./notebook.ts";
import { outputLog } from "./outputs.ts";

/** How a notebook is run. */
export interface RunOptions {
  /** Where its code runs: the notebook's folder. */
  readonly folder: string;
  /** Longest time that the notebook may take, in seconds. */
  readonly limit: number;
  /** Called after each cell, with the seconds that it took. */
  readonly onCell?: (cell: CodeCell, seconds: number) => void;
  /** Stops the run. */
  readonly signal?: AbortSignal;
}

/** An error of one cell. */
export class CellError extends Error {
  /** The cell that failed. */
  readonly cell: CodeCell;

  constructor(cell: CodeCell, message: string) {
    super(message);
    this.cell = cell;
  }
}

/** Marks the displays that carry errors which no cell awaited; they are never stored. */
const STRAY_ERROR = "application/vnd.relift.stray-error+json";

/** Wait for stray errors after the last cell; each cell before it has the next one's time. */
const LAST_WAIT_MS = 250;

/**
 * Runs a notebook from top to bottom on a kernel of its own.
 *
 * A cell fails when it throws, and also when a promise that nothing awaits is rejected, a timer or
 * an event throws, the kernel ends, or the notebook's time is up.
 *
 * @returns The notebook with its outputs; the one given is left as it is.
 * @throws {CellError} When a cell fails.
 * @throws {Error} When the kernel does not start.
 */
export async function runNotebook(notebook: Notebook, options: RunOptions): Promise<Notebook> {
  const { folder, limit, onCell, signal } = options;
  const cells = codeCells(notebook);
  const log = outputLog((index) => cells.find((cell) => cell.index === index)!.number);
  signal?.throwIfAborted();
  await using kernel = await startKernel(folder);
  await installErrorReports(kernel);

  let current = cells[0]!;
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {}); // it may come between two cells: the next one meets it
  const fail = (message: string) => failure.reject(new CellError(current, message));
  const stop = () => failure.reject(signal!.reason);
  signal?.addEventListener("abort", stop);
  const timer = setTimeout(
    () => fail(`it did not end: the notebook's limit is ${limit} s`),
    limit * 1000,
  );
  const take = (cell: CodeCell, message: Message): void => {
    const stray = strayError(message);
    if (stray) fail(stray);
    else log.take(cell.index, message);
  };
  try {
    for (const cell of cells) {
      current = cell;
      const start = performance.now();
      await Promise.race([
        failure.promise,
        runCell(kernel, cell, (message) => take(cell, message)),
      ]);
      onCell?.(cell, (performance.now() - start) / 1000);
    }
    await Promise.race([failure.promise, wait(LAST_WAIT_MS)]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
  return withOutputs(notebook, log.outputs, kernel.languageInfo);
}

/** Runs one cell. */
async function runCell(
  kernel: Kernel,
  cell: CodeCell,
  onMessage: (message: Message) => void,
): Promise<void> {
  const { status, ename, evalue, traceback = [] } = await kernel.execute(cell.source, onMessage)
    .catch((death: Error) => {
      throw new CellError(cell, death.message);
    });
  if (status === "ok") return;
  const bare = `${ename}: ${evalue}`;
  const hint = evalue === "Execution failed" // all that the kernel says
    ? ", as where a cell does not parse on its own or a package is not found"
    : "";
  throw new CellError(cell, traceback.join("\n") || bare + hint);
}

/**
 * Makes the kernel report errors that no cell meets, the moment they happen. Left to itself it says
 * nothing of them, and a cell that waits while a timer throws may hang for half a minute.
 */
async function installErrorReports(kernel: Kernel): Promise<void> {
  const { status, evalue } = await kernel.execute(
    `(${reportStrayErrors})(${JSON.stringify(STRAY_ERROR)});`,
    () => {},
  );
  if (status !== "ok") throw new Error(`the kernel takes no error handlers: ${evalue}`);
}

/** Runs inside the kernel, so it must not use anything from outside itself. */
function reportStrayErrors(mime: string): void {
  const report = (event: Event, what: string, thrown: unknown): void => {
    event.preventDefault();
    const text = `${what}: ${Deno.inspect(thrown)}`;
    Deno.jupyter.display({ [mime]: { text } }, { raw: true });
  };
  addEventListener("unhandledrejection", (event) => {
    report(event, "a promise that nothing awaits was rejected", event.reason);
  });
  addEventListener("error", (event) => {
    report(event, "thrown where no cell could catch it, as in a timer", event.error);
  });
}

/** The stray error that a message carries, if it does. */
function strayError({ type, content }: Message): string | undefined {
  if (type !== "display_data") return;
  const data = content.data as Readonly<Record<string, { text: string } | undefined>>;
  return data[STRAY_ERROR]?.text;
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
