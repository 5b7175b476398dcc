/**
 * The processor's cores, for kernels on the heap of the `wasm` backend.
 *
 * The heap is shared memory: threads that sleep between jobs each run a part of one, with a copy of
 * the kernels of their own. Giving out and collecting a job costs a few microseconds.
 *
 * @module
 */
import { Worker } from "node:worker_threads"; // Deno's own Worker keeps a process from ending
import { openBlas } from "./blas_library.ts";
import { blasGemm, ownGemm, PACKING_BYTES, type WasmKernels } from "./gemm.ts";
import { JOBS } from "./jobs.ts";
import type { Job, Thread } from "./thread.ts";

/** What a job is called: a function of `wasm/kernels.wasm`, or one of {@linkcode JOBS}. */
export type JobName = keyof WasmKernels | keyof typeof JOBS;

/** What every thread is started with. */
export interface ThreadStart {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  /** The BLAS library that multiplies, one thread for each call; undefined for none. */
  readonly library?: string;
  /** Byte address of room to pack panels of products in, {@linkcode PACKING_BYTES} for each. */
  readonly packing: number;
}

/** A thread's jobs, by the number that stands for each. */
export interface Jobs {
  readonly names: readonly string[];
  /** Runs job `id`; its products use BLAS where there is one and `blas` is not 0. */
  run(id: number, blas: number, numbers: readonly number[]): void;
}

/** Makes what thread `part` computes with. */
export async function openThread(
  { memory, module, packing, library }: ThreadStart,
  part: number,
): Promise<Thread & { readonly jobs: Jobs }> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  const kernels = exports as unknown as WasmKernels;
  const own = { kernels, gemm: ownGemm(kernels, packing + part * PACKING_BYTES), blas: false };
  const blas = library === undefined ? undefined : openBlas(library, { threads: 1 });
  const fast = blas ? { kernels, gemm: blasGemm(blas, memory, own.gemm), blas: true } : own;
  const ofKernels = Object.entries(kernels).map(([name, kernel]): [string, Job] => [
    name,
    (_, ...numbers) => (kernel as (...numbers: number[]) => void)(...numbers),
  ]);
  const all = [...Object.entries<Job>(JOBS), ...ofKernels]; // no name occurs twice
  const jobs = {
    names: all.map(([name]) => name),
    run: (id: number, blas: number, numbers: readonly number[]) =>
      all[id]![1](blas ? fast : own, ...numbers),
  };
  return { ...own, jobs };
}

/** Words of a worker's control buffer; the job's numbers follow them. */
export const GIVEN = 0, DONE = 1, JOB = 2, BLAS = 3, COUNT = 4, FAILED = 5, WORDS = 6;
/** Numbers that a job may have. */
const NUMBERS = 32;

/** The words and numbers of a control buffer. */
export function controlOf(
  buffer: SharedArrayBuffer,
): { words: Int32Array; numbers: Float64Array } {
  return { words: new Int32Array(buffer, 0, WORDS), numbers: new Float64Array(buffer, 4 * WORDS) };
}

/** Threads that wait for jobs. */
export interface Threads {
  /** Parts that a job can have: the workers in use, and the thread that gives the jobs. */
  readonly count: number;
  readonly own: Thread;
  /** Uses `count` threads from now on, and starts those that are not there yet. */
  use(count: number): Promise<void>;
  /** Whether products of jobs may use BLAS. */
  useBlas(on: boolean): void;
  /** Runs the parts of a job side by side, the first here, and waits for all. */
  run(name: JobName, parts: readonly (readonly number[])[]): void;
}

/** A worker's control buffer, opened. */
type Control = ReturnType<typeof controlOf>;

/** Starts a worker; it sleeps until there is a job, and ends with the process. */
async function startWorker(start: ThreadStart, part: number): Promise<Control> {
  const control = new SharedArrayBuffer(4 * WORDS + 8 * NUMBERS);
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    workerData: { start, part, control },
  });
  await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  worker.unref();
  return controlOf(control);
}

/** Makes the calling thread ready; {@linkcode Threads.use} adds workers to it. */
export async function startThreads(start: ThreadStart): Promise<Threads> {
  const workers: Control[] = [];
  const own = await openThread(start, 0);
  const ids = new Map(own.jobs.names.map((name, id) => [name, id]));
  let [count, blas] = [1, 0];
  return {
    get count(): number {
      return count;
    },
    own,
    async use(wanted): Promise<void> {
      const missing = Math.max(0, wanted - 1 - workers.length);
      const parts = Array.from({ length: missing }, (_, i) => workers.length + 1 + i);
      workers.push(...await Promise.all(parts.map((part) => startWorker(start, part))));
      count = wanted;
    },
    useBlas: (on) => blas = Number(on),
    run(name, [first, ...others]): void {
      const id = ids.get(name)!;
      others.forEach((part, i) => {
        const { words, numbers } = workers[i]!;
        numbers.set(part);
        [words[JOB], words[BLAS], words[COUNT]] = [id, blas, part.length];
        Atomics.add(words, GIVEN, 1);
        Atomics.notify(words, GIVEN);
      });
      own.jobs.run(id, blas, first!);
      others.forEach((_, i) => {
        const { words } = workers[i]!;
        waitWhile(words, DONE, words[GIVEN]! - 1);
        if (words[FAILED]) throw new Error(`Cannot run ${name} as every thread must: one failed`);
      });
    },
  };
}

/**
 * Looks at a word before the thread sleeps, some 100 us: fewer, and waking up takes longer than the
 * jobs of generation; more, and programs that share the cores wait for each other's idle looks.
 */
const LOOKS = 20_000;

/** Waits while a word has a value: looks for a time, then sleeps. */
export function waitWhile(words: Int32Array, at: number, value: number): void {
  for (let looks = 0; Atomics.load(words, at) === value; looks++) {
    if (looks >= LOOKS) Atomics.wait(words, at, value);
  }
}
