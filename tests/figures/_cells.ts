/**
 * A made-up study that looks like a real one: every kind of cell, the same numbers every time.
 *
 * @module
 */
import { STRATA, type Stratum, stratumOf } from "../../lib/evaluation/strata.ts";
import { randomSeeded } from "../../lib/random.ts";
import type { MetricsRecord } from "../../lib/runs/metrics_log.ts";
import type { DynamicsRow, HistogramBar, QuestionRow, StoredCell } from "../../lib/runs/study.ts";

/** What a made-up method does. */
interface Recipe {
  readonly entry: string;
  readonly title: string;
  readonly family: string;
  /** What each stratum is solved at in the end, easy to hardest. */
  readonly reach: readonly [number, number, number, number];
  /** How deep known questions fall on the way. */
  readonly dip?: number;
  /** Demonstrations taught in a step, on average; only methods with a buffer have events. */
  readonly taught?: number;
  readonly samples?: boolean;
  readonly buffer?: boolean;
  readonly flops: number;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Share right of the base policy, easy to hardest. */
const BASE = [0.86, 0.52, 0.22, 0.02] as const;

const recipe = (
  entry: string,
  title: string,
  reach: Recipe["reach"],
  rest: Partial<Recipe> = {},
): Recipe => ({ entry, title, family: "main", reach, samples: true, flops: 4e12, ...rest });

/** The main table: enough methods to fill it. */
export const MAIN: readonly Recipe[] = [
  recipe("rl", "RL", [0.97, 0.93, 0.84, 0.07]),
  recipe("sft", "SFT", [0.9, 0.7, 0.5, 0.42], {
    dip: 0.2,
    taught: 32,
    samples: false,
    flops: 1e12,
  }),
  recipe("sft-rl", "SFT then RL", [0.96, 0.9, 0.8, 0.52], { dip: 0.15, taught: 16, flops: 2.8e12 }),
  recipe("rl-sft", "RL then SFT", [0.92, 0.82, 0.66, 0.4], { taught: 16, flops: 2.7e12 }),
  recipe("rl-sft-loss", "RL with SFT loss", [0.95, 0.88, 0.77, 0.45], { taught: 32, flops: 5e12 }),
  recipe("luffy", "LUFFY", [0.96, 0.9, 0.79, 0.5], { taught: 32, flops: 4.6e12 }),
  recipe("relift", "ReLIFT", [0.97, 0.93, 0.87, 0.64], { taught: 5, buffer: true, flops: 4.3e12 }),
  recipe("relift-v1", "ReLIFT v1", [0.96, 0.91, 0.84, 0.55], {
    taught: 4,
    buffer: true,
    flops: 4.2e12,
  }),
];

/** Methods that fill the main table. */
export const OTHERS: readonly Recipe[] = [
  recipe("reinforce", "REINFORCE", [0.95, 0.89, 0.78, 0.06]),
  recipe("rloo", "RLOO", [0.96, 0.91, 0.81, 0.06]),
  recipe("grpo", "GRPO", [0.97, 0.92, 0.82, 0.06]),
  recipe("dr-grpo", "Dr. GRPO", [0.96, 0.92, 0.81, 0.07]),
  recipe("dapo", "DAPO", [0.97, 0.93, 0.85, 0.09], { flops: 7e12 }),
  recipe("gspo", "GSPO", [0.96, 0.91, 0.8, 0.06]),
  recipe("cispo", "CISPO", [0.97, 0.93, 0.83, 0.07]),
  recipe("dft", "DFT", [0.91, 0.68, 0.42, 0.2], { taught: 32, samples: false, flops: 1e12 }),
  recipe("srft", "SRFT", [0.95, 0.88, 0.76, 0.46], { taught: 32, flops: 4.7e12 }),
  recipe("chord", "CHORD", [0.95, 0.87, 0.75, 0.47], { taught: 32, flops: 5e12 }),
  recipe("hpt", "HPT", [0.96, 0.9, 0.8, 0.55], { taught: 10, flops: 4.5e12 }),
  recipe("superrl", "SuperRL", [0.96, 0.9, 0.81, 0.53], { taught: 12, flops: 4.4e12 }),
  recipe("prefix-rft", "Prefix-RFT", [0.96, 0.9, 0.8, 0.38], { taught: 32, flops: 4.4e12 }),
  recipe("rl-plus", "RL-PLUS", [0.95, 0.9, 0.8, 0.44], { taught: 32, flops: 4.6e12 }),
];

const ablation = (entry: string, title: string, hardest: number): Recipe =>
  recipe(entry, title, [0.96, 0.92, 0.86, hardest], {
    family: "ablation",
    taught: 5,
    buffer: true,
  });

/** Variants of ReLIFT. */
export const ABLATIONS: readonly Recipe[] = [
  ablation("relift-always", "SFT after every step", 0.1),
  ablation("relift-uniform", "SFT every 8 steps", 0.5),
  ablation("relift-random", "random questions instead of hardest", 0.3),
  ablation("relift-n16", "16 completions a question", 0.66),
  ablation("relift-recheck", "re-check before use", 0.6),
  ablation("relift-shared", "shared optimizer", 0.57),
];

const SIZES = [8, 16, 32, 64], GATES = [0, 0.125, 0.25];

/** M x Q. */
export const SIZE_GATE: readonly Recipe[] = GATES.flatMap((gate, row) =>
  SIZES.map((bufferSize, column) =>
    recipe(
      `relift-m${bufferSize}-q${gate}`,
      `M = ${bufferSize}, Q = ${gate}`,
      [0.97, 0.93, 0.86, 0.4 + 0.08 * column - 0.05 * row],
      { family: "m-q", taught: 5, buffer: true, config: { bufferSize, gate } },
    )
  )
);

/** How large a made-up study is. */
export interface StudySize {
  readonly recipes?: readonly Recipe[];
  readonly seeds?: number;
  readonly questions?: number;
  readonly steps?: number;
  readonly samples?: number;
}

/** A cell for each recipe and seed. */
export function madeUpStudy(
  { recipes = MAIN, seeds = 3, questions = 60, steps = 24, samples = 16 }: StudySize = {},
): StoredCell[] {
  return recipes.flatMap((each) =>
    Array.from(
      { length: seeds },
      (_, i) => madeUpCell(each, i + 1, { questions, steps, samples }),
    )
  );
}

type CellSize = Required<Pick<StudySize, "questions" | "steps" | "samples">>;

function madeUpCell(each: Recipe, seed: number, size: CellSize): StoredCell {
  const { entry, title, family, flops, taught = 0 } = each;
  const luck = 0.06 * (randomSeeded(seed, entry, "luck")() - 0.5);
  const demonstrations = taught * size.steps;
  const distinct = Math.round(Math.min(1, demonstrations / 900) * 1500);
  const config = {
    seed,
    steps: size.steps,
    questionsPerStep: 32,
    maxNewTokens: 64,
    maxTokens: 8192,
    ...each.config,
  };
  return {
    entry,
    title,
    family,
    run: {
      settings: { method: entry, config },
      preset: entry,
      dataset: "operators",
      datasetFingerprint: "77aa",
      policy: "models/operators-base",
      policyFingerprint: "9f2c",
      device: { name: "wasm", description: "made up" },
      versions: {},
      commit: "0123456789abcdef0123456789abcdef01234567",
    },
    evaluation: { every: 4, samples: 8, finalSamples: size.samples },
    budget: null,
    evaluationSeconds: 5,
    totals: {
      steps: size.steps,
      rollouts: each.samples ? 256 * size.steps : 0,
      optimizerSteps: 2 * size.steps,
      flops: flops * (1 + luck),
      demonstrations,
      distinctDemonstrations: distinct,
      demonstrationShare: distinct / 1500,
      seconds: 20,
    },
    metrics: Array.from({ length: size.steps }, (_, step) => metricsOf(each, seed, step, size)),
    dynamics: dynamicsOf(each, seed, luck, size),
    questions: questionsOf(each, seed, luck, size),
    histograms: histogramsOf(entry, seed),
  };
}

/** How far training has come, 0 to 1. */
const progress = (step: number, steps: number): number => 1 - Math.exp(-4 * step / steps);

function accuracyAt(each: Recipe, stratum: number, step: number, steps: number): number {
  const done = progress(step, steps);
  const dip = (each.dip ?? 0) * Math.max(0, 1 - stratum / 2) * Math.sin(Math.PI * done) ** 2;
  return BASE[stratum]! + (each.reach[stratum]! - BASE[stratum]!) * done - dip;
}

function metricsOf(each: Recipe, seed: number, step: number, { steps }: CellSize): MetricsRecord {
  const random = randomSeeded(seed, each.entry, "metrics", step);
  const noise = (width: number) => width * (random() - 0.5);
  const done = progress(step, steps);
  const mean = [0.25, 0.25, 0.2, 0.3]
    .reduce((sum, share, i) => sum + share * accuracyAt(each, i, step, steps), 0);
  const { taught = 0 } = each;
  const event = each.buffer && random() < 0.35 - 0.25 * done ? 1 : 0;
  const right = Math.round(32 * mean * (0.4 + 0.4 * done));
  const wrong = Math.max(0, Math.round(32 * (0.3 - 0.25 * done * each.reach[3]) + noise(4)));
  return {
    step,
    ...(each.samples
      ? {
        "accuracy": mean + noise(0.08),
        "reward/mean": mean + noise(0.08),
        "completion/tokens": 27 + 2 * done + noise(1.5),
        "completion/entropy": 0.3 * (1 - (each.buffer ? 0.5 : 0.85) * done) + noise(0.03),
        "groups/all_right": right,
        "groups/all_wrong": wrong,
        "groups/dead": right + wrong,
        "groups/live": 32 - right - wrong,
      }
      : {}),
    ...(each.buffer
      ? {
        "buffer/length": Math.round(14 + noise(24)),
        "buffer/added": Math.round(9 - 7 * done + noise(3)),
        "buffer/age": 1 + 5 * done + noise(1),
        "buffer/age_max": 3 + 9 * done + noise(2),
        "sft/events_now": event,
        "taught/questions": Math.round(8 * done),
        "taught/solve_rate": step < 3 ? null : 0.2 + 0.4 * done + noise(0.15),
      }
      : {}),
    "demonstrations/used": Math.round(taught * (step + 1)),
  };
}

function dynamicsOf(each: Recipe, seed: number, luck: number, size: CellSize): DynamicsRow[] {
  const { steps, questions } = size;
  const every = Math.max(1, Math.floor(steps / 6));
  const moments = Array.from({ length: Math.floor(steps / every) + 1 }, (_, i) => i * every);
  return moments.flatMap((step) => {
    const rows = STRATA.map((stratum, i): DynamicsRow => {
      const random = randomSeeded(seed, step === 0 ? "base" : each.entry, "dynamics", step, i);
      const noise = step === 0 ? 0 : luck + 0.05 * (random() - 0.5);
      return {
        step,
        stratum,
        questions: questions / 4,
        accuracy: Math.min(1, Math.max(0, accuracyAt(each, i, step, steps) + noise)),
        tokens: 22 + 5 * i + (each.dip ? 3 : 1) * progress(step, steps) + noise * 20,
        entropy: 0.3 - 0.2 * progress(step, steps),
      };
    });
    const mean = (field: "accuracy" | "tokens" | "entropy") =>
      rows.reduce((sum, row) => sum + row[field], 0) / rows.length;
    const all = { accuracy: mean("accuracy"), tokens: mean("tokens"), entropy: mean("entropy") };
    return [...rows, { step, stratum: "all", questions, ...all }];
  });
}

function questionsOf(each: Recipe, seed: number, luck: number, size: CellSize): QuestionRow[] {
  const splits = [["validation", size.questions], ["ood", size.questions / 2]] as const;
  const taught = each.taught && each.buffer ? size.questions / 4 : 0;
  return [...splits, ["taught", taught] as const].flatMap(([split, count]) =>
    Array.from({ length: count }, (_, i): QuestionRow => {
      const level = split === "taught" ? 3 : i % 4;
      const ease = randomSeeded(0, split, i)(); // a question's own, the same for every method
      const right = (share: number, random: () => number, samples: number) =>
        Array.from({ length: samples }, random).filter((value) => value < share).length;
      const chance = (mean: number) => Math.min(1, Math.max(0, mean + 0.3 * (ease - 0.5)));
      const base = level === 3 ? 0.02 : chance(BASE[level]!);
      const now = level === 3 // a hardest question is learned or it is not
        ? (ease < each.reach[3] + luck ? 0.9 : 0.01)
        : chance(each.reach[level]! + luck);
      const stratum = level === 3 && ease > 0.95 ? stratumOf(0.125) : STRATA[level] as Stratum;
      return {
        split,
        question: `${split}-${String(i).padStart(3, "0")}`,
        stratum,
        baseRight: right(base, randomSeeded(0, "base", split, i), size.samples),
        baseSamples: size.samples,
        right: right(now, randomSeeded(seed, each.entry, split, i), size.samples),
        samples: size.samples,
        tokens: 24 + 4 * level,
      };
    })
  );
}

function histogramsOf(entry: string, seed: number): HistogramBar[] {
  const width = 1 + 2 * randomSeeded(1, entry, "width")();
  const bars = (name: HistogramBar["name"], scale: number, spread: number): HistogramBar[] =>
    Array.from({ length: 41 }, (_, i) => {
      const [from, to] = [(i - 20.5) * scale, (i - 19.5) * scale];
      const at = (from + to) / 2 / spread;
      const random = randomSeeded(seed, entry, name, i)();
      return {
        name,
        from,
        to,
        count: Math.round(20000 * Math.exp(-Math.abs(at)) * (0.9 + 0.2 * random)),
      };
    });
  return [...bars("log-ratio", 0.1, 0.15 * width), ...bars("gap", 1e-6, 1.5e-6)];
}
