import type { Annotations, PlotData } from "plotly.js";
import type { Figure } from "../../lib/figures/figure.ts";
import { studyEntries, type StudyEntry } from "../../lib/runs/study_results.ts";
import { madeUpStudy, type StudySize } from "./_cells.ts";

/** Entries of a small made-up study. */
export function madeUpEntries(size: StudySize = {}): StudyEntry[] {
  return studyEntries(madeUpStudy({ seeds: 2, questions: 8, steps: 6, samples: 8, ...size }));
}

/** The traces of a panel, by the name of its x axis. */
export function tracesOf({ data }: Figure, xaxis: string): Partial<PlotData>[] {
  return (data as Partial<PlotData>[]).filter((trace) => (trace.xaxis ?? "x") === xaxis);
}

/** What is written on a figure: subtitle, panel titles, labels. */
export function wordsOn({ layout }: Figure): string[] {
  return (layout.annotations as Partial<Annotations>[]).map(({ text }) =>
    text!.replaceAll("<br>", " ")
  );
}
