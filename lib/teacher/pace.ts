import { type Prng, randomSeeded } from "../random.ts";
import type { TeacherFault } from "./chat.ts";

/** When a server is asked again; times are milliseconds. */
export interface PaceOptions {
  /** Pause after a first fault, doubled after each further one; jitter takes up to half of it off. */
  readonly pause: number;
  /** Longest pause. */
  readonly longest: number;
  /** Faults in a row after which the server counts as down: one request at a time, to try it. */
  readonly downAfter: number;
}

/** Decides when a server may be asked. */
export interface Pace {
  /** Requests that may be under way now. */
  limit(now: number): number;
  /** When that changes by time alone; in the past when it does not. */
  readonly changesAt: number;
  /** Whether the server counts as down. */
  readonly isDown: boolean;
  /** Notes a reply; true when the server was down and is not any more. */
  succeeded(): boolean;
  /** Notes a fault; true when the server counts as down from now on. */
  failed(fault: TeacherFault, now: number): boolean;
  /** Milliseconds to wait with what has failed so often in a row. */
  pauseAfter(failures: number): number;
}

/**
 * Opens the pace of a server.
 *
 * @param concurrency Requests under way while all is well.
 * @param seed Names the stream of the jitter.
 *
 * @example A server that was down
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { TeacherFault } from "./chat.ts";
 * import { openPace } from "./pace.ts";
 *
 * const pace = openPace(4, 1, { pause: 100, longest: 1000, downAfter: 2 });
 * const fault = new TeacherFault("down", "no connection");
 * assertEquals([pace.failed(fault, 0), pace.failed(fault, 0)], [false, true]);
 * assertEquals([pace.limit(0), pace.limit(100)], [0, 1]);
 * assertEquals([pace.succeeded(), pace.limit(100)], [true, 4]);
 * ```
 */
export function openPace(concurrency: number, seed: number, options: PaceOptions): Pace {
  const { downAfter } = options;
  const prng = randomSeeded(seed, "teacher", "pause");
  let [failures, isDown, quietUntil] = [0, false, -Infinity];
  let probes = 0;
  return {
    limit: (now) => now < quietUntil ? 0 : isDown ? 1 : concurrency,
    get changesAt(): number {
      return quietUntil;
    },
    get isDown(): boolean {
      return isDown;
    },
    succeeded(): boolean {
      const wasDown = isDown;
      [failures, isDown, quietUntil, probes] = [0, false, -Infinity, 0];
      return wasDown;
    },
    failed({ kind, retryAfter = 0 }, now): boolean {
      if (kind === "refused") return false; // the server works
      if (kind !== "busy") failures++;
      const goesDown = !isDown && (failures >= downAfter || kind === "denied");
      isDown ||= goesDown;
      const pause = isDown ? jittered(options, ++probes, prng) : 0;
      quietUntil = Math.max(quietUntil, now + Math.max(retryAfter, pause));
      return goesDown;
    },
    pauseAfter: (failures) => jittered(options, failures, prng),
  };
}

function jittered({ pause, longest }: PaceOptions, failures: number, prng: Prng): number {
  return Math.min(longest, pause * 2 ** (failures - 1)) * (1 - prng() / 2);
}
