/**
 * How long cells will take, from those that are finished.
 *
 * @module
 */
import type { CellAbout, CellPlan } from "../../mod.ts";

/** A cell and the seconds it took in all, over its sessions. */
export interface TimedCell {
  readonly cell: Pick<CellPlan, "entry"> & { readonly run: Pick<CellPlan["run"], "settings"> };
  readonly seconds: number;
}

/** Seconds that a finished cell took in all. */
export function secondsOf({ totals, evaluationSeconds }: CellAbout): number {
  return totals.seconds + evaluationSeconds;
}

/**
 * Seconds that a cell will take: its steps, at the mean pace of cells of the same entry, else of the
 * same method, else of all; undefined when none is finished.
 */
export function expectedSeconds(
  { entry, run: { settings } }: TimedCell["cell"],
  finished: readonly TimedCell[],
): number | undefined {
  const alike: ((cell: TimedCell["cell"]) => boolean)[] = [
    (other) => other.entry === entry,
    (other) => other.run.settings.method === settings.method,
    () => true,
  ];
  for (const isAlike of alike) {
    const paces = finished.filter(({ cell }) => isAlike(cell))
      .map(({ cell, seconds }) => seconds / cell.run.settings.config.steps);
    const sum = paces.reduce((sum, pace) => sum + pace, 0);
    if (paces.length > 0) return settings.config.steps * sum / paces.length;
  }
}

/** A cell that is not finished, and for how long it has been run. */
export interface OpenCell {
  readonly cell: TimedCell["cell"];
  readonly elapsed: number;
}

/** Seconds until all cells are finished by `jobs` processes; undefined when none is finished yet. */
export function secondsLeft(
  open: readonly OpenCell[],
  finished: readonly TimedCell[],
  jobs: number,
): number | undefined {
  let sum = 0;
  for (const { cell, elapsed } of open) {
    const expected = expectedSeconds(cell, finished);
    if (expected === undefined) return;
    sum += Math.max(0, expected - elapsed);
  }
  return sum / Math.max(1, Math.min(jobs, open.length));
}

const NARROW = new Intl.DurationFormat("en", { style: "narrow" });

/** `42s`, `3m 20s` or `1h 5m`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return NARROW.format(hours > 0 ? { hours, minutes } : { minutes, seconds: whole % 60 }) || "0s";
}
