import type { Stratum } from "../evaluation/strata.ts";
import { entryAccuracy, passCurve, type StudyEntry } from "../runs/study_results.ts";
import type { Figure } from "./figure.ts";
import { FOOT, grid, headHeight, pageLayout, topLegend, WIDTH } from "./page.ts";
import { checkEntries, questionsInWords, seedsInWords } from "./sample_sizes.ts";
import { seedBand } from "./seed_band.ts";
import { STRATUM_TITLES, styleOf } from "./theme.ts";

/** Options of {@linkcode passAtKCurves}. */
export interface PassAtKOptions {
  /** A panel for each; all questions and the hardest unless said. */
  readonly strata?: readonly (Stratum | "all")[];
}

/**
 * pass@k over k, of the base policy and after training: does a method widen what is solvable, or
 * make likelier what was solvable before? Curves that meet at large k say the latter.
 *
 * pass@k is estimated without bias from all samples of a question (arXiv:2107.03374).
 */
export function passAtKCurves(
  entries: readonly StudyEntry[],
  { strata = ["all", "hardest"] }: PassAtKOptions = {},
): Figure {
  checkEntries(entries);
  const subtitle =
    `${questionsInWords(entries)}, ${seedsInWords(entries)}; unbiased estimate, mean ` +
    "over seeds ± 1 standard deviation. Grey, dotted: the base policy.";
  const height = 470;
  const top = headHeight(subtitle, 1) + 30;
  const boxes = grid({
    rows: 1,
    columns: strata.length,
    gap: [28, 0],
    box: { left: 66, top, width: WIDTH - 66 - 24, height: height - top - 50 - FOOT },
  });
  const ks = passCurve(entries[0]!.cells).x;
  const base = { title: "Base", style: styleOf("base") };
  return {
    data: strata.flatMap((stratum, panel) => {
      const options = { panel, scale: 100, seeds: false, legend: panel === 0, markers: 0 };
      const ofBase = passCurve(entries[0]!.cells, { stratum, answers: "base" });
      return [
        ...seedBand({ ...base, curve: ofBase }, options),
        ...entries.flatMap(({ entry, title, cells }) =>
          seedBand({ title, style: styleOf(entry), curve: passCurve(cells, { stratum }) }, options)
        ),
      ];
    }),
    layout: pageLayout({
      title: "pass@k before and after training",
      subtitle,
      height,
      panels: strata.map((stratum, i) => ({
        box: boxes[i]!,
        title: `${stratum === "all" ? "All questions" : STRATUM_TITLES[stratum]} (n = ${
          entryAccuracy(entries[0]!.cells, { stratum })?.questions ?? 0
        })`,
        x: {
          type: "log" as const,
          tickvals: [...ks],
          ticktext: ks.map(String),
          range: [Math.log10(ks[0] ?? 1) - 0.03, Math.log10(ks.at(-1) ?? 1) + 0.03],
          title: { text: "k, samples" },
        },
        y: {
          range: [0, 102],
          ...i === 0 ? { title: { text: "pass@k, %" } } : { showticklabels: false },
        },
      })),
      legend: topLegend(subtitle, { height }),
    }),
  };
}
