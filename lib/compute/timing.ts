/** How long something took, milliseconds. */
export interface Timing {
  /** The middle one of the repeats. */
  readonly ms: number;
  readonly least: number;
  readonly most: number;
  readonly repeats: number;
}

/** How often to repeat. */
export interface TimingOptions {
  /** At most, not counting the first, which warms up; 9 unless given. */
  readonly repeats?: number;
  /** No further repeat after so many seconds of them; 2 unless given. */
  readonly seconds?: number;
  /** Milliseconds since some moment; `performance.now` unless a test has its own clock. */
  readonly now?: () => number;
}

/**
 * Times something that ends when all it started has. The first run, which compiles kernels, does not
 * count.
 *
 * @throws {RangeError} When `repeats` is not a whole number >= 1.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { timed } from "./timing.ts";
 *
 * const moments = [0, 4, 4, 5, 5, 15]; // 4, 1 and 10 ms
 * const now = () => moments.shift()!;
 * const timing = await timed(() => {}, { repeats: 3, now });
 * assertEquals(timing, { ms: 4, least: 1, most: 10, repeats: 3 });
 * ```
 */
export async function timed(
  run: () => Promise<unknown> | unknown,
  { repeats = 9, seconds = 2, now = () => performance.now() }: TimingOptions = {},
): Promise<Timing> {
  if (!(Number.isInteger(repeats) && repeats >= 1)) {
    throw new RangeError(
      `Cannot time as repeats must be a whole number >= 1: current value is ${repeats}`,
    );
  }
  await run();
  const times: number[] = [];
  for (let total = 0; times.length < repeats && total <= 1000 * seconds; total += times.at(-1)!) {
    const started = now();
    await run();
    times.push(now() - started);
  }
  return {
    ms: median(times),
    least: Math.min(...times),
    most: Math.max(...times),
    repeats: times.length,
  };
}

/** The middle of numbers, the mean of two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [Math.floor((sorted.length - 1) / 2), Math.ceil((sorted.length - 1) / 2)];
  return ((sorted[low] ?? NaN) + (sorted[high] ?? NaN)) / 2;
}
