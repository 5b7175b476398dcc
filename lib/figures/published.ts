/**
 * What others published, to be shown beside our own and never on one scale with it: their policies
 * have billions of parameters and their questions are competition mathematics.
 *
 * Transcribed by third parties from the papers named, not from the papers' own files; cells that two
 * transcriptions give differently are left out.
 *
 * @module
 */

/** Where a number comes from. */
export interface Source {
  /** `arXiv:<id>` and what it is. */
  readonly cite: string;
  /** How figures call it. */
  readonly title: string;
}

/** Sources, by key. */
export const SOURCES = {
  relift: {
    cite: "arXiv:2506.07527 (ICLR 2026), as transcribed by third parties",
    title: "ReLIFT paper, arXiv:2506.07527",
  },
  reevaluation: {
    cite: "arXiv:2604.23747, independent re-evaluation, as transcribed by third parties",
    title: "re-evaluation, arXiv:2604.23747",
  },
  luffy: {
    cite: "arXiv:2504.14945, as transcribed by third parties",
    title: "LUFFY paper, arXiv:2504.14945",
  },
  own: {
    cite: "the method's own paper, as listed by arXiv:2604.23747; as transcribed by third parties",
    title: "own papers by arXiv:2604.23747",
  },
} as const satisfies Record<string, Source>;

/** Options of figures that can show what others published. */
export interface PublishedOption {
  /** Whether published figures stand beside ours; false unless said. */
  readonly published?: boolean;
}

/** The policy that all of these began with. */
export const PUBLISHED_BASE = "Qwen2.5-Math-7B";

/** A published mean accuracy, in percent. */
export interface PublishedAccuracy {
  /** Entry of ours that it is closest to. */
  readonly entry: string;
  readonly title: string;
  readonly source: keyof typeof SOURCES;
  /** Mean over the paper's benchmarks, percent; these differ between sources. */
  readonly accuracy: number;
  /** Mean length of answers, tokens. */
  readonly tokens?: number;
  /** Hours on eight GPUs. */
  readonly gpuHours?: number;
  /** Thousands of demonstrations used. */
  readonly demonstrations?: number;
  /** Floating-point operations of training. */
  readonly flops?: number;
}

/**
 * Overall accuracy. `relift`: five mathematics sets and MMLU-Pro; SFT and RL with SFT loss share
 * three cells in the transcription, so take them with care. `reevaluation`: six mathematics sets,
 * with SFT and SFT then RL corrected. `luffy` and `own`: six mathematics sets. Where two sources
 * disagree on what one paper reports, the method is left out.
 */
export const PUBLISHED_MAIN: readonly PublishedAccuracy[] = [
  {
    entry: "sft",
    title: "SFT",
    source: "relift",
    accuracy: 49.0,
    tokens: 5533,
    gpuHours: 8,
    demonstrations: 46,
  },
  {
    entry: "rl",
    title: "RL",
    source: "relift",
    accuracy: 46.9,
    tokens: 2175,
    gpuHours: 40,
    demonstrations: 0,
  },
  {
    entry: "rl-sft-loss",
    title: "RL with SFT loss",
    source: "relift",
    accuracy: 48.6,
    tokens: 5508,
    gpuHours: 113.5,
    demonstrations: 46,
  },
  {
    entry: "sft-rl-v1",
    title: "SFT then RL (v1)",
    source: "relift",
    accuracy: 50.7,
    tokens: 3845,
    gpuHours: 57,
    demonstrations: 46,
  },
  {
    entry: "sft-rl",
    title: "SFT then RL (v2)",
    source: "relift",
    accuracy: 50.8,
    tokens: 4534,
    gpuHours: 63.5,
    demonstrations: 8,
  },
  {
    entry: "luffy",
    title: "LUFFY",
    source: "relift",
    accuracy: 50.9,
    tokens: 3808,
    gpuHours: 73,
    demonstrations: 46,
  },
  {
    entry: "relift",
    title: "ReLIFT",
    source: "relift",
    accuracy: 52.6,
    tokens: 3502,
    gpuHours: 52,
    demonstrations: 8,
  },
  { entry: "sft", title: "SFT", source: "reevaluation", accuracy: 52.2 },
  { entry: "sft-rl-v1", title: "SFT then RL", source: "reevaluation", accuracy: 57.0 },
  { entry: "luffy", title: "LUFFY", source: "reevaluation", accuracy: 46.3 },
  { entry: "relift", title: "ReLIFT", source: "reevaluation", accuracy: 48.8 },
  { entry: "base", title: "Base", source: "luffy", accuracy: 19.0 },
  { entry: "rl", title: "RL", source: "luffy", accuracy: 45.5 },
  { entry: "sft", title: "SFT", source: "luffy", accuracy: 44.1, gpuHours: 24 },
  {
    entry: "rl-sft-loss",
    title: "RL with SFT loss",
    source: "luffy",
    accuracy: 40.1,
    gpuHours: 133,
  },
  { entry: "sft-rl-v1", title: "SFT then RL", source: "luffy", accuracy: 48.2, gpuHours: 130 },
  { entry: "luffy", title: "LUFFY", source: "luffy", accuracy: 50.1, gpuHours: 77 },
  { entry: "prefix-rft", title: "Prefix-RFT", source: "own", accuracy: 51.8 },
  { entry: "hpt", title: "HPT", source: "own", accuracy: 52.7 },
];

/**
 * Floating-point operations and accuracy by the re-evaluation. That its accuracies of LUFFY and
 * ReLIFT belong to the runs whose operations it counts is our reading.
 */
export const PUBLISHED_FLOPS: readonly PublishedAccuracy[] = [
  {
    entry: "sft-rl-v1",
    title: "SFT then RL (50 steps)",
    source: "reevaluation",
    accuracy: 55.6,
    flops: 3.63e19,
  },
  { entry: "luffy", title: "LUFFY", source: "reevaluation", accuracy: 46.3, flops: 6.65e19 },
  { entry: "relift", title: "ReLIFT", source: "reevaluation", accuracy: 48.8, flops: 8.76e19 },
];

/** Accuracy at buffer size M (columns) and gate Q (rows): 400 steps, mean of five sets. */
export const PUBLISHED_SIZE_GATE = {
  source: "relift",
  sizes: [32, 64, 128, 256],
  gates: [0, 0.125, 0.25],
  /** `[gates, sizes]`, percent. */
  accuracy: [
    [41.1, 49.0, 47.8, 45.9],
    [40.5, 40.4, 49.3, 47.1],
    [39.2, 40.3, 46.7, 49.1],
  ],
} as const;

/** What is taught, and when: overall accuracy in percent and length in tokens. */
export const PUBLISHED_ABLATIONS: readonly PublishedAccuracy[] = [
  { entry: "relift", title: "ReLIFT (hardest)", source: "relift", accuracy: 52.6, tokens: 3502 },
  {
    entry: "relift-uniform",
    title: "SFT every 8 steps",
    source: "relift",
    accuracy: 49.1,
    tokens: 3716,
  },
  {
    entry: "relift-random",
    title: "random questions",
    source: "relift",
    accuracy: 45.5,
    tokens: 5268,
  },
  {
    entry: "relift-always",
    title: "SFT after every step",
    source: "relift",
    accuracy: 23.8,
    tokens: 6743,
  },
];
