/**
 * Named settings. Beside each value that is scaled to the built-in policy (0.3 M parameters, answers
 * of at most 64 tokens, minutes on two cores) stands the paper's, from the authors' scripts
 * (v1) and the paper's second version (v2).
 *
 * @module
 */
import type { Dataset } from "../data/question.ts";
import type { Policy } from "../model/policy.ts";
import { ADAMW_DEFAULTS } from "../optim/adamw.ts";
import { checkGrpo, grpo, type GrpoConfig, type OnGroups } from "./grpo.ts";
import { checkRelift, relift, type ReliftConfig } from "./relift.ts";
import { checkSft, sft, type SftConfig } from "./sft.ts";
import type { Metrics, TrainingState } from "./training.ts";

/** RL of the paper's second version: its baseline, and the RL half of `relift-v2`. */
const GRPO_V2: GrpoConfig = {
  seed: 1,
  steps: 80, // paper: 5 epochs of 357 steps
  groupSize: 8,
  questionsPerStep: 32, // paper: 128
  maxNewTokens: 64, // paper: 8192
  optimizerSteps: 2,
  clip: { low: 0.2, high: 0.28, dual: 3 },
  reduction: "token-mean",
  normalizeStd: false,
  entropyCoefficient: 0,
  learningRate: { peak: 2e-4, warmupSteps: 5, shape: "constant" }, // paper: 1e-6, no warm-up
  adamw: { ...ADAMW_DEFAULTS, maxGradNorm: 0.5 },
  maxTokens: 8192, // paper: 32768 a GPU
};

/** RL baseline of the first version: symmetric clip, sums divided by the token limit. */
const GRPO_V1: GrpoConfig = {
  ...GRPO_V2,
  clip: { low: 0.2, high: 0.2, dual: null },
  reduction: "constant-length",
  entropyCoefficient: 0.001,
  adamw: { ...ADAMW_DEFAULTS, maxGradNorm: 1 },
};

const RELIFT_V2: ReliftConfig = {
  ...GRPO_V2,
  gate: 0,
  bufferSize: 32, // paper: 64
  order: "oldest-first",
  maxBuffered: null,
  maxAge: null,
  recheck: false,
  drain: "one",
  passes: 2, // paper: 1
  sharedOptimizer: false,
  sft: {
    entropyCoefficient: 1e-4,
    learningRate: { peak: 3e-4, warmupSteps: 4, shape: "constant" }, // paper: 1e-6, no warm-up
    adamw: { ...ADAMW_DEFAULTS, maxGradNorm: 0.5 },
  },
};

const RELIFT_V1: ReliftConfig = {
  ...RELIFT_V2,
  ...GRPO_V1,
  clip: null,
  adamw: { ...ADAMW_DEFAULTS, maxGradNorm: 0.7 },
  bufferSize: 64, // paper: 128
  order: "newest-first",
  sft: {
    ...RELIFT_V2.sft,
    entropyCoefficient: 0.001,
    adamw: { ...ADAMW_DEFAULTS, maxGradNorm: 1 },
  },
};

const SFT: SftConfig = {
  seed: 1,
  steps: GRPO_V2.steps, // paper: 3 epochs
  demonstrationsPerStep: 32, // paper: 64
  maxNewTokens: GRPO_V2.maxNewTokens, // paper: 16384, packed
  entropyCoefficient: 0,
  learningRate: { peak: 3e-4, warmupSteps: 8, shape: "cosine" }, // paper: 5e-5, warm-up 10 %
  adamw: ADAMW_DEFAULTS,
  maxTokens: GRPO_V2.maxTokens,
};

/** A method and its settings, by preset name. */
export const PRESETS = {
  "sft": { method: "sft", config: SFT },
  "grpo-v1": { method: "grpo", config: GRPO_V1 },
  "grpo-v2": { method: "grpo", config: GRPO_V2 },
  "relift-v1": { method: "relift", config: RELIFT_V1 },
  "relift-v2": { method: "relift", config: RELIFT_V2 },
} as const satisfies Record<string, MethodSettings>;

/** The name of a preset. */
export type PresetName = keyof typeof PRESETS;

/** The methods by name, each with the preset it uses unless told otherwise. */
export const DEFAULT_PRESETS = { sft: "sft", grpo: "grpo-v2", relift: "relift-v2" } as const;

/** The name of a method. */
export type MethodName = keyof typeof DEFAULT_PRESETS;

/** A method and its settings. */
export type MethodSettings =
  | { readonly method: "sft"; readonly config: SftConfig }
  | { readonly method: "grpo"; readonly config: GrpoConfig }
  | { readonly method: "relift"; readonly config: ReliftConfig };

/**
 * Checks a method's settings before anything is made of them.
 *
 * @throws {RangeError} When one is out of range.
 */
export function checkSettings({ method, config }: MethodSettings): void {
  switch (method) {
    case "sft":
      return checkSft(config);
    case "grpo":
      return checkGrpo(config);
    case "relift":
      return checkRelift(config);
  }
}

/** Starts a method by its name, from the state of a run. */
export function startMethod(
  settings: MethodSettings,
  policy: Policy,
  dataset: Dataset,
  state: TrainingState,
  onGroups?: OnGroups,
): AsyncGenerator<Metrics> {
  const { method, config } = settings;
  switch (method) {
    case "sft":
      return sft(policy, dataset, config, state);
    case "grpo":
      return grpo(policy, dataset, config, state, onGroups);
    case "relift":
      return relift(policy, dataset, config, state, onGroups);
  }
}
