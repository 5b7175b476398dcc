/**
 * How the paper measures: its benchmarks and how each is sampled.
 *
 * @module
 */

/** How the paper evaluates on a benchmark. */
export interface Protocol {
  /** As the paper's tables call it. */
  readonly benchmark: string;
  /** Name of the published set. */
  readonly dataset: string;
  readonly questions: number;
  /** k of avg@k. */
  readonly samples: number;
  readonly temperature: number;
  readonly topP: number;
  readonly maxNewTokens: number;
}

const SAMPLING = { temperature: 0.6, topP: 1, maxNewTokens: 8192 } as const;

/**
 * The paper's six benchmarks (arXiv:2506.07527v2): five of mathematics and, out of distribution,
 * MMLU-Pro with shuffled options, for which no k is stated: one sample.
 */
export const PROTOCOLS: readonly Protocol[] = [
  { benchmark: "AIME 2024", dataset: "aime24", questions: 30, samples: 32, ...SAMPLING },
  { benchmark: "AIME 2025", dataset: "aime25", questions: 30, samples: 32, ...SAMPLING },
  { benchmark: "AMC", dataset: "amc", questions: 83, samples: 32, ...SAMPLING },
  { benchmark: "MATH-500", dataset: "math-500", questions: 500, samples: 8, ...SAMPLING },
  { benchmark: "OlympiadBench", dataset: "olympiadbench", questions: 675, samples: 8, ...SAMPLING },
  { benchmark: "MMLU-Pro", dataset: "mmlu-pro", questions: 12032, samples: 1, ...SAMPLING },
];
