/**
 * Numbers of a report in words: accuracies in percent, differences in points.
 *
 * @module
 */
import type { Interval } from "../evaluation/metrics.ts";
import type { IntervalEstimate } from "../evaluation/statistics.ts";

/** What stands in a cell without a value. */
export const NOTHING = "-";

/** A value in words, if there is one. */
export function maybe<T>(value: T | null | undefined, told: (value: T) => string): string {
  return value === null || value === undefined ? NOTHING : told(value);
}

/** `82.3`, of a share. */
export function percent(share: number): string {
  return (100 * share).toFixed(1);
}

/** `1,234`. */
export function count(amount: number): string {
  return Math.round(amount).toLocaleString("en-US");
}

/** `82.3 [79.9, 84.1]`, of shares. */
export function estimateInWords({ mean, low, high }: IntervalEstimate): string {
  return `${percent(mean)} [${percent(low)}, ${percent(high)}]`;
}

/** `+3.2 [-0.1, +6.4]`; 0 has no sign. */
export function differenceInWords(
  { mean, low, high }: Interval & { readonly mean: number },
  told: (value: number) => string = percent,
): string {
  const [of, from, to] = [mean, low, high].map((value) => signed(told(value)));
  return `${of} [${from}, ${to}]`;
}

function signed(number: string): string {
  if (Number(number) === 0) return number.replace("-", "");
  return number.startsWith("-") ? number : `+${number}`;
}

/** `97.2 ± 0.5`: mean and standard deviation, divisor n - 1. */
export function spread(
  values: readonly number[],
  told: (value: number) => string = percent,
): string {
  if (values.length === 0) return NOTHING;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return told(mean);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return `${told(mean)} ± ${told(Math.sqrt(squares / (values.length - 1)))}`;
}

/** `0.0083`, `0.31`: two digits that matter, at most two places from 0.1 on. */
export function chance(p: number): string {
  return p >= 0.1 ? p.toFixed(2) : p.toPrecision(2);
}

/** `3 h 5 min`, `42 s`. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The different ones of some texts, in order; how often each occurs where there are several. */
export function tally(texts: readonly string[], unit: string): string {
  const counts = [...Map.groupBy(texts, (text) => text)].sort(([a], [b]) => a < b ? -1 : 1);
  if (counts.length < 2) return counts[0]?.[0] ?? NOTHING;
  return counts.map(([text, { length }]) => `${text}: ${count(length)} ${unit}`).join("; ");
}

/** `0123456`, `0123456-dirty`, or `unknown`. */
export function shortCommit(commit: string | null): string {
  return commit?.replace(/^([0-9a-f]{7})[0-9a-f]*/, "$1") ?? "unknown";
}
