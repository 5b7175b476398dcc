/**
 * Contenders as processes that answer each line of JSON with one: each has its memory to itself, and
 * one in Python is asked as one of ours.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/** What a process is asked to measure; its kind decides what else it reads. */
export interface Spec {
  readonly kind: string;
  readonly [name: string]: unknown;
}

/** One repeat that is asked for. */
export type Request = Readonly<Record<string, number | string>>;

/** What a repeat took, in milliseconds, and what else was seen. */
export interface Reply {
  readonly ms: number;
  readonly [name: string]: unknown;
}

/** A process that is ready to take repeats. */
export interface Running {
  /** What it told when it was ready. */
  readonly ready: Readonly<Record<string, unknown>>;
  readonly pid: number;
  /** @throws {Error} When the process ends instead of answering. */
  repeat(request: Request): Promise<Reply>;
  close(): Promise<void>;
}

/** A program and the arguments that come before a spec. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
}

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Our own contenders. */
export const OURS: Program = { file: Deno.execPath(), args: ["run", "-A", pathOf("contender.ts")] };

/** Contenders in Python. */
export function peersIn(python: string): Program {
  return { file: python, args: [pathOf("../bench_peers.py")] };
}

/**
 * Starts a process and waits until it is ready.
 *
 * @throws {Error} When it cannot be started or ends before that.
 */
export async function start({ file, args }: Program, spec: Spec): Promise<Running> {
  const process = new Deno.Command(file, {
    args: [...args, JSON.stringify(spec)],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const complaint = lastError(process.stderr);
  const answers = linesOf(process.stdout);
  const input = process.stdin.getWriter();
  const answer = async () => {
    const { value, done } = await answers.next();
    if (!done) return JSON.parse(value);
    const { signal, code } = await process.status;
    throw new Error(await complaint ?? `the process ended with ${signal ?? `code ${code}`}`);
  };
  return {
    ready: await answer(),
    pid: process.pid,
    async repeat(request): Promise<Reply> {
      await input.write(new TextEncoder().encode(JSON.stringify(request) + "\n"));
      return await answer();
    },
    async close(): Promise<void> {
      await input.close().catch(() => {}); // it may have ended
      await answers.return(undefined);
      await process.status;
    },
  };
}

/** The lines of a stream, as they come. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream() as unknown as Decoder)) {
    const lines = (text + part).split("\n");
    text = lines.pop()!;
    yield* lines;
  }
}

/** As Deno types the stream that decodes, it takes no `Uint8Array` of a pipe. */
type Decoder = ReadableWritablePair<string, Uint8Array>;

/** The last line of a stream that Deno or Python begins with an error's name. */
async function lastError(stream: ReadableStream<Uint8Array>): Promise<string | undefined> {
  let last: string | undefined;
  for await (const line of linesOf(stream)) {
    if (/^(error|[\w.]*(Error|Exception))\b/.test(line)) last = line;
  }
  return last;
}

/** Bytes of memory that a process holds now and held at most; undefined where no one tells. */
export function residentBytes(pid: number): { now: number; peak: number } | undefined {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    const bytes = (name: string) =>
      1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]);
    return { now: bytes("VmRSS"), peak: bytes("VmHWM") };
  } catch {
    return; // not Linux
  }
}

/** Lets the peak that {@linkcode residentBytes} tells begin anew. */
export function forgetPeak(pid: number): void {
  try {
    Deno.writeTextFileSync(`/proc/${pid}/clear_refs`, "5");
  } catch {
    // not Linux
  }
}
