/**
 * Every figure of a study, by name.
 *
 * @module
 */
import { shortCommit } from "../runs/report_words.ts";
import { metricCurve, seedOf, studyEntries, type StudyEntry } from "../runs/study_results.ts";
import type { StudyCell } from "../runs/study.ts";
import { ablationBars } from "./ablations.ts";
import { bufferTurnover } from "./buffer_turnover.ts";
import { costAccuracy } from "./cost_accuracy.ts";
import { deadGroups } from "./dead_groups.ts";
import type { Figure } from "./figure.ts";
import { forgettingCurves } from "./forgetting.ts";
import { frameworkDiagram } from "./framework.ts";
import { gapHistogram, ratioHistogram } from "./histograms.ts";
import { mainTable } from "./main_table.ts";
import { withNote } from "./page.ts";
import { passAtKCurves } from "./pass_at_k.ts";
import { span } from "./sample_sizes.ts";
import { sizeGateHeatmap } from "./size_gate.ts";
import { strataMovesHeatmap, strataMovesSankey } from "./strata_moves.ts";
import { stratumDynamics } from "./stratum_dynamics.ts";
import { taughtSolveRate } from "./taught.ts";
import { trainingCurves } from "./training_curves.ts";

/** A figure that is drawn from the cells of a study. */
export interface StudyFigure {
  /** Names its files: `main-table`. */
  readonly id: string;
  /** What to see in it, in one or two sentences. */
  readonly caption: string;
  /** What a study must hold for it, in words. */
  readonly needs: string;
  /** The entries it shows; undefined when the study lacks them. */
  choose(study: readonly StudyCell[]): readonly StudyEntry[] | undefined;
  draw(entries: readonly StudyEntry[]): Figure;
}

type Chooser = StudyFigure["choose"];

/** The methods that most figures compare; SFT then RL in the form that costs what RL costs. */
const COMPARED = ["rl", "sft", "sft-rl-full|sft-rl", "rl-sft-loss", "luffy", "relift"];

/** Entries of the main table. */
const main: Chooser = (study) => someOf(studyEntries(study, ["main"]));

/**
 * These methods of a family, as far as they are there; at least the first `least`. Of `a|b` the first
 * that is there.
 */
function methods(
  ids: readonly string[],
  least: number = ids.length,
  family: string = "main",
): Chooser {
  return (study) => {
    const entries = studyEntries(study, [family]);
    const find = (id: string) => entries.find(({ entry }) => entry === id);
    const found = ids.map((id) => id.split("|").map(find).find((entry) => entry !== undefined));
    if (found.slice(0, least).includes(undefined)) return;
    return found.filter((entry) => entry !== undefined);
  };
}

/** Entries of the main table whose runs have a metric. */
function withMetric(name: string): Chooser {
  return (study) =>
    someOf(
      studyEntries(study, ["main"]).filter(({ cells }) =>
        metricCurve(cells, name).seeds.flat().some((value) => value !== null)
      ),
    );
}

/** Entries of a family. */
function family(name: string): Chooser {
  return (study) => someOf(studyEntries(study, [name]));
}

/** Entries of the first chooser, then those of the second; undefined when either is. */
function both(first: Chooser, second: Chooser): Chooser {
  return (study) => {
    const [before, after] = [first(study), second(study)];
    return before && after && [...before, ...after];
  };
}

function someOf(entries: readonly StudyEntry[]): readonly StudyEntry[] | undefined {
  return entries.length === 0 ? undefined : entries;
}

/** Every figure, in the order of an index. */
export const STUDY_FIGURES: readonly StudyFigure[] = [
  {
    id: "framework",
    caption: "What happens to each question in one step of ReLIFT.",
    needs: "nothing",
    choose: () => [],
    draw: frameworkDiagram,
  },
  {
    id: "dynamics",
    caption: "RL keeps and sharpens what the base policy half knows; SFT moves the hardest " +
      "questions and pays with the known ones: whether and how much that holds here.",
    needs: "main entries rl and sft",
    choose: methods(["rl", "sft"]),
    draw: stratumDynamics,
  },
  {
    id: "dynamics-relift",
    caption: "The same with ReLIFT.",
    needs: "main entries rl, sft and relift",
    choose: methods(["rl", "sft", "relift"]),
    draw: stratumDynamics,
  },
  {
    id: "moves-flows",
    caption: "Which stratum questions came from and went to. The first diagram is chance.",
    needs: "main entries rl, sft and relift",
    choose: methods(["rl", "sft", "relift"]),
    draw: strataMovesSankey,
  },
  {
    id: "moves",
    caption: "The same in numbers.",
    needs: "main entries rl, sft and relift",
    choose: methods(["rl", "sft", "relift"]),
    draw: strataMovesHeatmap,
  },
  {
    id: "training-curves",
    caption:
      "Rewards are of the training questions as they come, so they also tell how hard those " +
      "are; ticks are steps with an SFT event.",
    needs: "main entries rl and relift",
    choose: methods(["rl", "relift"]),
    draw: trainingCurves,
  },
  {
    id: "training-curves-hybrids",
    caption: "ReLIFT beside hybrids that use a demonstration for every question.",
    needs: "main entries luffy and relift",
    choose: methods(["luffy", "relift", "rl-sft-loss"], 2),
    draw: trainingCurves,
  },
  {
    id: "main-table",
    caption: "All methods with their intervals. Overlapping bars do not settle a comparison: see " +
      "the paired differences in the tables.",
    needs: "main entries",
    choose: main,
    draw: (entries) => mainTable(entries),
  },
  {
    id: "main-table-published",
    caption:
      "The same beside what others published, of another policy on other questions: compare " +
      "orders, not numbers.",
    needs: "main entries",
    choose: main,
    draw: (entries) => mainTable(entries, { published: true }),
  },
  {
    id: "styles",
    caption: "The same where demonstrations are written in another style than the base policy's.",
    needs: "entries of family style",
    choose: family("style"),
    draw: (entries) => mainTable(entries, { title: "Demonstrations in another style: accuracy" }),
  },
  {
    id: "styles-dynamics",
    caption: "Whether longer demonstrations in another style lengthen answers, and what they cost.",
    needs: "entries rl and sft of family style",
    choose: methods(["rl", "sft", "relift"], 2, "style"),
    draw: stratumDynamics,
  },
  {
    id: "rates",
    caption: "Whether other learning rates would have changed the comparison.",
    needs: "entries of family rates",
    choose: both(methods(["rl", "sft-same-steps|sft", "relift"]), family("rates")),
    draw: (entries) => mainTable(entries, { title: "Other learning rates: accuracy" }),
  },
  {
    id: "size-gate",
    caption: "How much the size of the buffer and its gate matter, with their intervals.",
    needs: "entries of family m-q",
    choose: family("m-q"),
    draw: (entries) => sizeGateHeatmap(entries),
  },
  {
    id: "size-gate-published",
    caption: "The same beside the paper's grid.",
    needs: "entries of family m-q",
    choose: family("m-q"),
    draw: (entries) => sizeGateHeatmap(entries, { published: true }),
  },
  {
    id: "ablations",
    caption: "What of ReLIFT carries its result.",
    needs: "main entries relift and rl, entries of family ablation",
    choose: both(methods(["relift", "rl"]), family("ablation")),
    draw: (entries) => ablationBars(entries),
  },
  {
    id: "ablations-published",
    caption: "The same beside the paper's ablations.",
    needs: "main entries relift and rl, entries of family ablation",
    choose: both(methods(["relift", "rl"]), family("ablation")),
    draw: (entries) => ablationBars(entries, { published: true }),
  },
  {
    id: "cost",
    caption: "What each method spends for its accuracy.",
    needs: "main entries",
    choose: main,
    draw: (entries) => costAccuracy(entries),
  },
  {
    id: "cost-published",
    caption: "The same beside published costs.",
    needs: "main entries",
    choose: main,
    draw: (entries) => costAccuracy(entries, { published: true }),
  },
  {
    id: "buffer",
    caption: "How many questions wait to be taught, for how long, and how fast they change.",
    needs: "main entry relift",
    choose: methods(["relift", "relift-v1"], 1),
    draw: bufferTurnover,
  },
  {
    id: "taught",
    caption: "Whether teaching a question solves it, and for how long.",
    needs: "a main entry whose taught questions come up again",
    choose: (study) => withMetric("taught/solve_rate")(study) && main(study),
    draw: taughtSolveRate,
  },
  {
    id: "forgetting",
    caption: "What becomes of the questions that the base policy knew.",
    needs: "main entries rl and sft",
    choose: methods(["rl", "sft", ...COMPARED.slice(2)], 2),
    draw: forgettingCurves,
  },
  {
    id: "pass-at-k",
    caption:
      "A method that only sharpens ends where the base policy ends; one that widens what is " +
      "solvable stays above.",
    needs: "main entries rl and sft",
    choose: methods(COMPARED, 2),
    draw: (entries) => passAtKCurves(entries),
  },
  {
    id: "dead-groups",
    caption: "How much of each step RL can learn from.",
    needs: "main entry rl",
    choose: methods(["rl", "luffy", "relift"], 1),
    draw: deadGroups,
  },
  {
    id: "ratios",
    caption: "How far the last step moved the policy, token by token.",
    needs: "main entry rl",
    choose: methods(["rl", "luffy", "relift"], 1),
    draw: ratioHistogram,
  },
  {
    id: "gaps",
    caption:
      "Rounding of two ways of computing the same probability: what off-policy corrections " +
      "would have to correct here.",
    needs: "main entry rl",
    choose: methods(["rl", "luffy", "relift"], 1),
    draw: gapHistogram,
  },
];

/**
 * Draws a figure of a study, with a note at its foot that says what it is made from.
 *
 * @returns Undefined when the study lacks what it needs.
 */
export function drawStudyFigure(
  figure: StudyFigure,
  study: readonly StudyCell[],
): Figure | undefined {
  const entries = figure.choose(study);
  return entries && withNote(figure.draw(entries), noteOf(entries));
}

/** A figure that could be drawn. */
export interface DrawnFigure {
  /** Of its {@linkcode StudyFigure}; with `@` and the dataset for all but the study's largest. */
  readonly id: string;
  readonly caption: string;
  readonly figure: Figure;
}

/** Draws each figure that a study holds enough for, once for each dataset. */
export function drawStudy(
  study: readonly StudyCell[],
  wanted: readonly StudyFigure[] = STUDY_FIGURES,
): DrawnFigure[] {
  const byDataset = [...Map.groupBy(study, ({ run }) => run.dataset)]
    .sort(([, a], [, b]) => b.length - a.length);
  if (byDataset.length === 0) byDataset.push(["", []]);
  const drawn: DrawnFigure[] = [];
  for (const [dataset, cells] of byDataset) {
    for (const each of wanted) {
      const isAgain = drawn.some(({ id }) => id === each.id);
      if (isAgain && each.choose([]) !== undefined) continue; // it is the same for all
      const figure = drawStudyFigure(each, cells);
      const id = isAgain ? `${each.id}@${dataset.replaceAll(/[^\w.-]+/g, "_")}` : each.id;
      if (figure) drawn.push({ id, caption: each.caption, figure });
    }
  }
  return drawn;
}

/** `deno task figures; 10 cells on operators at commit 0123456; seeds 1 to 5`. */
function noteOf(entries: readonly StudyEntry[]): string {
  const cells = entries.flatMap(({ cells }) => cells);
  if (cells.length === 0) return "deno task figures; no data";
  const datasets = [...new Set(cells.map(({ run }) => run.dataset))].join(", ");
  const commits = [...new Set(cells.map(({ run }) => shortCommit(run.commit)))].sort();
  const named = commits.length < 4 ? commits.join(", ") : `${commits.length} of them`;
  return `deno task figures; ${
    span([cells.length])
  } cells on ${datasets} at commit ${named}; seeds ` +
    span(cells.map(seedOf));
}
