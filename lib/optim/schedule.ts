/** How a learning rate changes over a run. */
export interface Schedule {
  /** Rate after the warm-up; > 0. */
  readonly peak: number;
  /** Steps over which the rate grows linearly from `peak / warmupSteps`. */
  readonly warmupSteps: number;
  /** `constant` stays at the peak; `cosine` falls towards 0, which it would reach one step after the last. */
  readonly shape: "constant" | "cosine";
}

/**
 * The learning rate of a step.
 *
 * @param step Whole number, 0 for the first.
 * @param steps Steps in the run; used by `cosine` only.
 *
 * @example Warm-up over two steps, then down along a cosine
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { learningRateAt } from "./schedule.ts";
 *
 * const schedule = { peak: 1, warmupSteps: 2, shape: "cosine" } as const;
 * assertEquals([0, 1].map((step) => learningRateAt(schedule, step, 10)), [0.5, 1]);
 * assertAlmostEquals(learningRateAt(schedule, 6, 10), 0.5); // halfway from 2 to 10
 * ```
 */
export function learningRateAt(schedule: Schedule, step: number, steps: number): number {
  const { peak, warmupSteps, shape } = schedule;
  if (step < warmupSteps) return peak * (step + 1) / warmupSteps;
  if (shape === "constant") return peak;
  const progress = (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  return peak * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress)));
}
