/**
 * Methods by name, and named settings of them.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Dataset } from "../data/question.ts";
import type { Policy } from "../model/policy.ts";
import type { Method, MethodConfig } from "./method.ts";
import { grpo } from "./grpo.ts";
import { luffy } from "./luffy.ts";
import { relift } from "./relift.ts";
import { rl } from "./rl.ts";
import type { OnGroups } from "./rollouts.ts";
import { sft } from "./sft.ts";
import type { Metrics, TrainingState } from "./training.ts";

// deno-lint-ignore no-explicit-any -- each takes settings of its own kind; by name nobody knows which
type AnyMethod = Method<any>;

/** Every built-in method, by id. */
export const METHODS: Readonly<Record<string, AnyMethod>> = byId([rl, grpo, sft, luffy, relift]);

function byId(methods: readonly AnyMethod[]): Record<string, AnyMethod> {
  return Object.fromEntries(methods.map((method) => [method.id, method]));
}

/** A method and its settings. */
export interface MethodSettings {
  /** Id of a built-in method, or the file of one's own. */
  readonly method: string;
  readonly config: MethodConfig;
}

/** RL baseline of the paper's first version: symmetric clip, sums divided by the token limit. */
const RL_V1 = {
  ...rl.config,
  clip: { low: 0.2, high: 0.2, dual: null },
  reduction: "constant-length",
  entropyCoefficient: 0.001,
  adamw: { ...rl.config.adamw, maxGradNorm: 1 },
} as const;

/** ReLIFT as first published. */
const RELIFT_V1 = {
  ...relift.config,
  ...RL_V1,
  clip: null,
  adamw: { ...rl.config.adamw, maxGradNorm: 0.7 },
  bufferSize: 64, // paper: 128
  order: "newest-first",
  sft: {
    ...relift.config.sft,
    entropyCoefficient: 0.001,
    adamw: { ...rl.config.adamw, maxGradNorm: 1 },
  },
} as const;

/** Named settings: each method's own under its id, and those of other versions of its paper. */
export const PRESETS: Readonly<Record<string, MethodSettings>> = {
  ...Object.fromEntries(
    Object.values(METHODS).map(({ id, config }) => [id, { method: id, config }]),
  ),
  "rl-v1": { method: "rl", config: RL_V1 },
  "relift-v1": { method: "relift", config: RELIFT_V1 },
};

/**
 * A method by its id, or from a file of one's own whose default export is one.
 *
 * @throws {RangeError} When it is neither.
 */
export async function openMethod(idOrFile: string): Promise<AnyMethod> {
  if (idOrFile in METHODS) return METHODS[idOrFile]!;
  if (!/\.[jt]s$/.test(idOrFile)) {
    throw new RangeError(
      `Cannot train as a method must be ${Object.keys(METHODS).join(", ")} or a .ts file: ` +
        `current value is ${idOrFile}`,
    );
  }
  const { default: own } = await import(pathToFileURL(resolve(idOrFile)).href);
  if (typeof own !== "function" || typeof own.step !== "function" || !own.config) {
    throw new TypeError(
      `Cannot train with ${idOrFile} as its default export must be made by method(): ` +
        `current value is ${own === undefined ? "none" : typeof own}`,
    );
  }
  return own;
}

/**
 * Checks a method's settings before anything is made of them.
 *
 * @throws {RangeError} When there is no such method or a setting is out of range.
 */
export async function checkSettings({ method, config }: MethodSettings): Promise<void> {
  (await openMethod(method)).check(config);
}

/** Starts a method by its name, from the state of a run. */
export async function* startMethod(
  { method, config }: MethodSettings,
  policy: Policy,
  dataset: Dataset,
  state: TrainingState,
  onGroups?: OnGroups,
): AsyncGenerator<Metrics> {
  const train = await openMethod(method);
  yield* train(policy, dataset, config, state, onGroups);
}
