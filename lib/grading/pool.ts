/**
 * Threads that grade, so that a training loop does not wait and no answer holds it up: an answer
 * that takes longer than the limit is wrong, and its thread is ended and replaced.
 *
 * @module
 */
import { Worker } from "node:worker_threads"; // Deno's own Worker keeps a process from ending
import type { Grade } from "./grade.ts";

/** An answer and its gold. */
export interface Pair {
  readonly gold: string;
  readonly answer: string;
}

/** Threads that grade. */
export interface GraderPool {
  /** Grades answers; the grades are in the pairs' order. */
  grade(pairs: readonly Pair[]): Promise<Grade[]>;
  /** Ends the threads; what is not graded yet is rejected. */
  close(): Promise<void>;
}

/** Settings of a pool. */
export interface PoolSettings {
  /** Threads; as many as the processor has, unless given. */
  readonly threads?: number;
  /** Milliseconds that one answer may take. */
  readonly limit?: number;
  /** The program of a thread; takes `Pair[]`, posts "ready" once, and a `Grade` for each pair. */
  readonly program?: URL;
}

/** Milliseconds that one answer may take, unless a pool says otherwise. */
export const GRADING_LIMIT = 2000;

/** Characters of a text that are sent, from its end, where answers stand. */
const MAX_SENT = 200_000;

/** Answers that a thread is given at a time: enough to hide the cost of a message. */
const BATCH = 32;

/** Starts of a thread that may fail one after the other. */
const MAX_STARTS = 3;

interface Job {
  readonly pair: Pair;
  resolve(grade: Grade): void;
  reject(error: Error): void;
}

/** A thread, the jobs it was given and has not told of, and the clock of the first of them. */
interface Thread {
  readonly worker: Worker;
  ready: boolean;
  given: Job[];
  timer?: ReturnType<typeof setTimeout>;
}

/** Makes a pool; its threads start with the first answer, and do not keep a process alive. */
export function graderPool(settings: PoolSettings = {}): GraderPool {
  const { limit = GRADING_LIMIT, program = new URL("./grade_worker.ts", import.meta.url) } =
    settings;
  const size = settings.threads ?? navigator.hardwareConcurrency;
  const waiting: Job[] = [];
  const threads = new Set<Thread>();
  let failedStarts = 0;

  function start(): void {
    const worker = new Worker(program);
    const thread: Thread = { worker, ready: false, given: [] };
    threads.add(thread);
    worker.on("message", (message) => receive(thread, message));
    worker.on("error", (error) => fail(thread, (error as Error).message));
    worker.on("exit", (code) => fail(thread, `exit code ${code}`));
    worker.unref();
  }

  function receive(thread: Thread, message: "ready" | Grade): void {
    if (!threads.has(thread)) return;
    if (message === "ready") {
      thread.ready = true;
      failedStarts = 0;
    } else thread.given.shift()!.resolve(message);
    if (thread.given.length === 0) give(thread);
    else watch(thread);
  }

  /** Gives a thread what waits; without any, it rests, and lets the process end. */
  function give(thread: Thread): void {
    if (!thread.ready) return;
    const share = Math.ceil(waiting.length / threads.size);
    thread.given = waiting.splice(0, Math.min(BATCH, share));
    watch(thread);
    if (thread.given.length === 0) return thread.worker.unref();
    thread.worker.ref();
    thread.worker.postMessage(thread.given.map(({ pair }) => pair));
  }

  function watch(thread: Thread): void {
    clearTimeout(thread.timer);
    thread.timer = thread.given.length === 0 ? undefined : setTimeout(() => stop(thread), limit);
  }

  /** Ends a thread whose first job takes too long. */
  function stop(thread: Thread): void {
    refuse(thread, `the answer took longer than ${limit} ms to grade`);
  }

  /** A thread that ended by itself: its first job did it, unless it never started. */
  function fail(thread: Thread, why: string): void {
    if (!threads.has(thread)) return;
    if (thread.given.length > 0) return refuse(thread, `the answer ended its grader: ${why}`);
    drop(thread);
    if (thread.ready || ++failedStarts < MAX_STARTS) return fill();
    const error = new Error(`Cannot grade as the threads must start: ${why}`);
    for (const job of waiting.splice(0)) job.reject(error);
  }

  /** Ends a thread; its first job is refused, the others go back to the front. */
  function refuse(thread: Thread, reason: string): void {
    const [first, ...others] = thread.given;
    drop(thread);
    first!.resolve({ correct: false, reason });
    waiting.unshift(...others);
    fill();
  }

  function drop(thread: Thread): Promise<number> {
    clearTimeout(thread.timer);
    threads.delete(thread);
    return thread.worker.terminate();
  }

  /** Starts what threads are missing for the jobs that wait, and gives to those that rest. */
  function fill(): void {
    while (threads.size < Math.min(size, waiting.length)) start();
    for (const thread of threads) {
      if (!thread.ready) thread.worker.ref(); // it has work as soon as it has started
      else if (thread.given.length === 0) give(thread);
    }
  }

  return {
    grade(pairs): Promise<Grade[]> {
      const grades = pairs.map(({ gold, answer }) => {
        const pair = { gold: gold.slice(-MAX_SENT), answer: answer.slice(-MAX_SENT) };
        return new Promise<Grade>((resolve, reject) => waiting.push({ pair, resolve, reject }));
      });
      fill();
      return Promise.all(grades);
    },
    async close(): Promise<void> {
      const ended = [...threads];
      await Promise.all(ended.map(drop));
      const jobs = [...ended.flatMap(({ given }) => given), ...waiting.splice(0)];
      for (const { reject } of jobs) reject(new Error("Cannot grade as the graders were closed"));
    },
  };
}
