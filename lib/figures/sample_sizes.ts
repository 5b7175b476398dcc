/**
 * n, seeds and budgets in words, for the subtitles of figures.
 *
 * @module
 */
import type { EntryOf } from "../runs/study_results.ts";
import type { QuestionRow, StudyCell } from "../runs/study.ts";

/**
 * Checks that there is something to draw.
 *
 * @throws {RangeError} When there is no entry, or one without a run.
 */
export function checkEntries(entries: readonly EntryOf<unknown>[]): void {
  const empty = entries.find(({ cells }) => cells.length === 0);
  if (entries.length > 0 && empty === undefined) return;
  throw new RangeError(
    `Cannot draw a figure as it must show entries with a run: current value is ${
      empty ? `${empty.entry} without one` : "none"
    }`,
  );
}

/** A number, or the least and the most of several: `5`, `3 to 5`. */
export function span(values: readonly number[]): string {
  const low = values.reduce((least, value) => Math.min(least, value));
  const high = values.reduce((most, value) => Math.max(most, value));
  const words = (value: number) => value.toLocaleString("en-US");
  return low === high ? words(low) : `${words(low)} to ${words(high)}`;
}

/** `RL, SFT and ReLIFT`: without what follows a comma in a title, unless that tells them apart. */
export function titlesInWords(entries: readonly Pick<EntryOf<unknown>, "title">[]): string {
  const full = entries.map(({ title }) => title);
  const short = full.map((title) => title.split(",")[0]!);
  const titles = new Set(short).size < short.length ? full : short;
  return titles.length < 2
    ? titles.join("")
    : `${titles.slice(0, -1).join(", ")} and ${titles.at(-1)}`;
}

/** `5 seeds`. */
export function seedsInWords(entries: readonly EntryOf<unknown>[]): string {
  const counts = entries.map(({ cells }) => cells.length);
  return `${span(counts)} ${counts.every((count) => count === 1) ? "seed" : "seeds"}`;
}

/** The same with how `seedBand()` draws them; a single seed is the line itself. */
export function seedLinesInWords(entries: readonly EntryOf<unknown>[]): string {
  const seeds = seedsInWords(entries);
  return entries.every(({ cells }) => cells.length === 1)
    ? seeds
    : `${seeds} (thin lines), mean ± 1 standard deviation (band)`;
}

/** `n = 240 validation questions × 16 samples`. */
export function questionsInWords(
  entries: readonly EntryOf<Pick<StudyCell, "questions">>[],
  split: QuestionRow["split"] = "validation",
): string {
  const cells = entries.flatMap(({ cells }) => cells);
  const rows = cells.map(({ questions }) => questions.filter((row) => row.split === split));
  const counts = rows.map(({ length }) => length).filter((count) => count > 0);
  if (counts.length === 0) return `n = 0 ${split} questions`;
  const samples = rows.flatMap((ofCell) => ofCell.map(({ samples }) => samples));
  const name = { validation: "validation", ood: "out-of-distribution", taught: "taught" }[split];
  return `n = ${span(counts)} ${name} questions × ${span(samples)} samples`;
}

/** `80 steps`. */
export function stepsInWords(entries: readonly EntryOf<Pick<StudyCell, "totals">>[]): string {
  return `${span(entries.flatMap(({ cells }) => cells.map(({ totals }) => totals.steps)))} steps`;
}

/** `80 steps of 256 rollouts` where all sample alike, else steps and rollouts apart. */
export function budgetInWords(entries: readonly EntryOf<Pick<StudyCell, "totals">>[]): string {
  const rollouts = entries.flatMap(({ cells }) => cells.map(({ totals }) => totals.rollouts));
  return `${stepsInWords(entries)}, ${span(rollouts)} rollouts a run`;
}
