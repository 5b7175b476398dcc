/**
 * Asks a server for samples of questions, several at once, and again when it failed.
 *
 * @module
 */
import { randomKey } from "../random.ts";
import {
  askChat,
  type ChatRequest,
  type ChatServer,
  type FaultKind,
  TeacherFault,
} from "./chat.ts";
import type { Sample, SampleReply } from "./messages.ts";
import { openPace, type PaceOptions } from "./pace.ts";
import type { AttemptRecord } from "./store.ts";

/** How hard a teacher is asked. */
export interface TeacherLimits extends PaceOptions {
  /** Requests under way at once. */
  readonly concurrency: number;
  /** Milliseconds that a reply may take to its last byte. */
  readonly timeout: number;
  /** Bytes that a reply may have. */
  readonly maxBytes: number;
  /** Faults of one question, while the server works, until it is left out for this session. */
  readonly tries: number;
}

/** Limits unless given. */
export const TEACHER_LIMITS: TeacherLimits = {
  concurrency: 4,
  timeout: 600_000,
  maxBytes: 4 << 20,
  tries: 4,
  pause: 1000,
  longest: 300_000,
  downAfter: 5,
};

/** How a sample is asked for. */
export type Asking = Pick<
  AttemptRecord,
  "server" | "model" | "system" | "temperature" | "maxTokens"
>;

/** Longest time that a timer counts, in milliseconds: a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Settings of {@linkcode openCollector}. */
export interface CollectorOptions {
  readonly server: ChatServer;
  readonly asking: Asking;
  readonly limits: TeacherLimits;
  readonly seed: number;
  readonly onReply: (reply: SampleReply) => void;
  /** Told of each request without a reply. */
  readonly onFault: (kind: FaultKind) => void;
  /** Told of a question that is left out for this session. */
  readonly onGivenUp: (sample: Sample) => void;
  readonly warn: (line: string) => void;
}

/** What asks in the background. */
export interface Collector {
  add(sample: Sample): void;
  /** Gives up what is under way. */
  close(): void;
}

/** A sample on its way. */
interface Job {
  readonly sample: Sample;
  /** In a row. */
  readonly faults: number;
  /** Milliseconds of the steady clock. */
  readonly notBefore: number;
}

/** Opens a collector with an empty queue. */
export function openCollector(options: CollectorOptions): Collector {
  const { server, asking, limits, seed, warn } = options;
  const pace = openPace(limits.concurrency, seed, limits);
  const once = warnOnce(warn);
  const end = new AbortController();
  const queue: Job[] = [];
  let active = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts what may be started, and sees to it that the rest will be. */
  function pump(): void {
    clearTimeout(timer);
    if (end.signal.aborted) return;
    const now = performance.now();
    while (active < pace.limit(now)) {
      const at = queue.findIndex(({ notBefore }) => notBefore <= now);
      if (at < 0) break;
      const [job] = queue.splice(at, 1);
      active++;
      run(job!).finally(() => {
        active--;
        pump();
      });
    }
    const times = [pace.changesAt, ...queue.map(({ notBefore }) => notBefore)]
      .filter((time) => time > now);
    if (queue.length > 0 && times.length > 0) {
      timer = setTimeout(pump, Math.min(LONGEST_TIMER, Math.ceil(Math.min(...times) - now)));
    }
  }

  /** Asks for one sample. */
  async function run(job: Job): Promise<void> {
    const { sample } = job;
    const request = requestOf(sample, asking, seed);
    const started = performance.now();
    try {
      const reply = await askChat(server, request, end.signal);
      const seconds = (performance.now() - started) / 1000;
      if (pace.succeeded()) warn(`the teacher at ${asking.server} answers again`);
      const time = new Date().toISOString();
      options.onReply({ ...sample, reply, seed: request.seed, seconds, time });
    } catch (error) {
      if (!(error instanceof TeacherFault)) throw error;
      if (!end.signal.aborted) failed(job, error);
    }
  }

  function failed({ sample, faults: before }: Job, fault: TeacherFault): void {
    const now = performance.now();
    const { kind, message, retryAfter = 0 } = fault;
    options.onFault(kind);
    if (pace.failed(fault, now)) {
      warn(
        `the teacher at ${asking.server} cannot be asked: ${message}; training goes on without ` +
          "new demonstrations, and it is tried again from time to time",
      );
    } else if (kind === "nonsense" || kind === "refused") {
      once(kind, `the teacher at ${asking.server} gave no reply to ${sample.id}: ${message}`);
    }
    const faults = before + 1;
    if (kind === "busy" && faults === limits.tries) {
      once(
        kind,
        `the teacher at ${asking.server} puts off ${sample.id} time and again: ${message}`,
      );
    }
    if (kind === "refused" || (faults >= limits.tries && kind !== "busy" && !pace.isDown)) {
      options.onGivenUp(sample);
    } else {
      const notBefore = now + Math.max(retryAfter, pace.pauseAfter(faults));
      queue.push({ sample, faults: pace.isDown ? before : faults, notBefore });
    }
  }

  return {
    add(sample): void {
      // A further sample goes first: questions that were begun are finished.
      queue[sample.attempt > 0 ? "unshift" : "push"]({ sample, faults: 0, notBefore: 0 });
      pump();
    },
    close(): void {
      end.abort();
      clearTimeout(timer);
    },
  };
}

/** What is asked for a sample. */
function requestOf(
  { id, prompt, attempt }: Sample,
  { system, model, temperature, maxTokens }: Asking,
  seed: number,
): ChatRequest {
  const [word] = randomKey(seed, "teacher", id, attempt);
  return {
    ...{ model, temperature, maxTokens },
    seed: word >>> 1, // servers take 31 bits
    messages: [
      ...(system === null ? [] : [{ role: "system", content: system } as const]),
      { role: "user", content: prompt },
    ],
  };
}

/** Warns of each kind of trouble once. */
export function warnOnce(warn: (line: string) => void): (trouble: string, line: string) => void {
  const told = new Set<string>();
  return (trouble, line) => {
    if (!told.has(trouble)) warn(line);
    told.add(trouble);
  };
}
