/**
 * Contenders in turn, so that a machine that slows down slows them alike.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a benchmark of an hour tells how far it is
import { median } from "../../mod.ts";
import { type Program, type Request, type Running, type Spec, start } from "./process.ts";

/** A process that takes part, and how the tables call it. */
export interface Contender {
  readonly name: string;
  readonly program: Program;
  readonly spec: Spec;
}

/** What one contender took for one kind of repeat. */
export interface Row {
  /** For instance `train step`. */
  readonly what: string;
  readonly size: string;
  readonly contender: string;
  /** What was asked: batch, sequence length and the like. */
  readonly point: Request;
  /** Tokens of one repeat; 0 where that is not known beforehand. */
  readonly tokens: number;
  /** Median, least and most of the repeats; absent when it failed. */
  readonly ms?: number;
  readonly range?: readonly [number, number];
  readonly repeats: number;
  /** What the last repeat told beside its time. */
  readonly seen?: Readonly<Record<string, unknown>>;
  /** Largest difference of a peer's scores from ours, with the same weights. */
  readonly gap?: number;
  /** The device, in words. */
  readonly device?: string;
  readonly error?: string;
}

/** How long contenders run. */
export interface Limits {
  readonly repeats: number;
  /** No further repeat of a contender at a point after so many seconds of them. */
  readonly seconds: number;
  /** Whether each closes before the next opens: where memory would not hold all. */
  readonly apart: boolean;
}

/** Scores further than this from ours are of another model. */
const MOST_GAP = 1e-3;

/** What is asked of every contender. */
export interface Race {
  readonly what: string;
  readonly size: string;
  readonly contenders: readonly Contender[];
  readonly points: readonly Request[];
}

/** Runs all contenders at all points. One that fails leaves a row that says how. */
export async function race(what: Race, limits: Limits): Promise<Row[]> {
  if (!limits.apart) return await heat(what, what.contenders, limits);
  const rows: Row[] = [];
  for (const contender of what.contenders) rows.push(...await heat(what, [contender], limits));
  return rows;
}

async function heat(
  { what, size, points }: Race,
  contenders: readonly Contender[],
  { repeats, seconds }: Limits,
): Promise<Row[]> {
  const runners: { name: string; running?: Running; error?: string }[] = [];
  for (const { name, program, spec } of contenders) {
    try {
      const running = await start(program, spec);
      const { gap } = running.ready;
      const error = typeof gap === "number" && !(gap <= MOST_GAP)
        ? `its scores differ from ours by ${gap}`
        : undefined;
      runners.push({ name, running, error });
    } catch (error) {
      runners.push({ name, error: (error as Error).message });
    }
  }
  const rows: Row[] = [];
  for (const point of points) {
    console.error(`${what}, ${size}, ${describe(point)}`);
    const runs = runners.map((runner) => ({ runner, times: [] as number[], seen: {} }));
    for (let repeat = -1; repeat < repeats; repeat++) {
      for (const run of runs) {
        const { runner: { running, error }, times } = run;
        const isDone = times.reduce((sum, ms) => sum + ms, 0) > 1000 * seconds;
        if (!running || error || isDone) continue;
        try {
          const { ms, ...seen } = await running.repeat(point);
          if (repeat >= 0) times.push(ms); // the first warms up
          run.seen = seen;
        } catch (error) {
          run.runner.error = (error as Error).message;
        }
      }
    }
    rows.push(...runs.map(({ runner: { name, running, error }, times, seen }) => ({
      what,
      size,
      contender: name,
      point,
      tokens: tokensOf(point),
      repeats: times.length,
      ...(times.length > 0
        ? { ms: median(times), range: [Math.min(...times), Math.max(...times)] as const }
        : {}),
      ...(Object.keys(seen).length > 0 ? { seen } : {}),
      ...(typeof running?.ready.gap === "number" ? { gap: running.ready.gap } : {}),
      ...(running?.ready.description ? { device: String(running.ready.description) } : {}),
      ...(error ? { error } : {}),
    })));
  }
  for (const { running } of runners) await running?.close();
  return rows;
}

/** Tokens of one repeat; 0 where completions end when they like. */
export function tokensOf({ batch, seq, newTokens }: Request): number {
  return Number(batch) * Number(seq ?? newTokens) || 0;
}

/** `batch 64, seq 64`, as the tables and the progress show a point. */
export function describe(point: Request): string {
  return Object.entries(point).map(([name, value]) => `${name} ${value}`).join(", ");
}
