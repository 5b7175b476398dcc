/**
 * Cells of a study that can be worked by hand: every question of a stratum is answered alike.
 *
 * @module
 */
import { STRATA, type Stratum } from "../../lib/evaluation/strata.ts";
import type { Grid } from "../../lib/runs/grid.ts";
import type { DynamicsRow, QuestionRow, StoredCell } from "../../lib/runs/study.ts";
import { relift } from "../../lib/methods/relift.ts";

/** Right ones of eight samples, easy to hardest. */
export type Rights = readonly [number, number, number, number];

/** What the base policy gets right. */
export const BASE: Rights = [6, 4, 2, 0];

/** What a small cell differs in. */
export interface SmallCell {
  readonly entry: string;
  readonly seed: number;
  /** At the end, of eight. */
  readonly right: Rights;
  /** At the first evaluation, step 2 of 4; as at the end unless said. */
  readonly early?: Rights;
  readonly title?: string;
  readonly family?: string;
  readonly dataset?: string;
  readonly totals?: Partial<StoredCell["totals"]>;
  /** Mean length of answers at the end; the base policy's are of 10. */
  readonly tokens?: number;
  /** Entropy in training. */
  readonly entropy?: number;
}

/** Two validation questions of each stratum, eight samples each, and one out of distribution. */
export function smallCell(small: SmallCell): StoredCell {
  const { entry, seed, right, title = entry, family = "main", dataset = "sums" } = small;
  const { early = right, tokens = 10, entropy = 0.5 } = small;
  const question = (split: QuestionRow["split"], level: number, name: string): QuestionRow => ({
    split,
    question: name,
    stratum: STRATA[level]!,
    baseRight: BASE[level]!,
    baseSamples: 8,
    right: right[level]!,
    samples: 8,
    tokens,
  });
  return {
    entry,
    title,
    family,
    run: {
      settings: { method: "relift", config: { ...relift.config, seed, steps: 4 } },
      preset: entry,
      dataset,
      datasetFingerprint: "77aa",
      policy: "base",
      policyFingerprint: "9f2c",
      device: { name: "wasm", description: "wasm, 1 thread" },
      versions: { relift: "1.0.0", deno: "2.9.6", tfjs: "4.22.0" },
      commit: "0123456789abcdef",
    },
    evaluation: { every: 2, samples: 8, finalSamples: 8 },
    budget: null,
    evaluationSeconds: 60,
    totals: {
      steps: 4,
      rollouts: 100,
      optimizerSteps: 8,
      flops: 2e9,
      demonstrations: 0,
      distinctDemonstrations: 0,
      demonstrationShare: 0,
      seconds: 90,
      ...small.totals,
    },
    metrics: [0, 1, 2, 3].map((step) => ({ step, "completion/entropy": entropy })),
    dynamics: [
      ...moment(0, BASE, 10),
      ...moment(2, early, tokens),
      ...moment(4, right, tokens),
    ],
    questions: [
      ...[0, 1].flatMap((i) =>
        [0, 1, 2, 3].map((level) => question("validation", level, `v${level}${i}`))
      ),
      question("ood", 1, "o"),
    ],
    histograms: [],
  };
}

function moment(step: number, right: Rights, tokens: number): DynamicsRow[] {
  const row = (stratum: Stratum | "all", questions: number, accuracy: number): DynamicsRow => ({
    ...{ step, stratum, questions, accuracy, tokens },
    entropy: 0.5,
  });
  const mean = right.reduce((sum, each) => sum + each / 8, 0) / 4;
  return [...STRATA.map((stratum, i) => row(stratum, 2, right[i]! / 8)), row("all", 8, mean)];
}

/** As many cells of an entry as seeds, all alike. */
export function smallCells(seeds: number, small: Omit<SmallCell, "seed">): StoredCell[] {
  return Array.from({ length: seeds }, (_, i) => smallCell({ ...small, seed: i + 1 }));
}

/** A grid of entries as {@linkcode smallCell} makes them. */
export function smallGrid(...entries: readonly Partial<Grid["entries"][number]>[]): Grid {
  return {
    name: "small",
    evaluation: { every: 2, samples: 8, finalSamples: 8 },
    entries: entries.map((each) => ({
      id: "relift",
      title: each.id ?? "relift",
      family: "main",
      dataset: "sums",
      policy: "base",
      settings: { method: "relift", config: { ...relift.config, steps: 4 } },
      seeds: [1, 2],
      ...each,
    })),
  };
}
