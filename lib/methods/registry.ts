/**
 * Methods by name, and named settings of them.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { Dataset } from "../data/question.ts";
import { readBytes } from "../files.ts";
import type { Policy } from "../model/policy.ts";
import type { Method, MethodConfig } from "./method.ts";
import { chord } from "./chord.ts";
import { cispo } from "./cispo.ts";
import { dapo } from "./dapo.ts";
import { dft } from "./dft.ts";
import { drGrpo } from "./dr_grpo.ts";
import { grpo } from "./grpo.ts";
import { gspo } from "./gspo.ts";
import { hpt } from "./hpt.ts";
import { luffy } from "./luffy.ts";
import { prefixRft } from "./prefix_rft.ts";
import { reinforce } from "./reinforce.ts";
import { relift } from "./relift.ts";
import { reliftAlways } from "./relift_always.ts";
import { reliftRandom } from "./relift_random.ts";
import { reliftUniform } from "./relift_uniform.ts";
import { rl } from "./rl.ts";
import { rlPlus } from "./rl_plus.ts";
import { rlSft } from "./rl_sft.ts";
import { rlSftLoss } from "./rl_sft_loss.ts";
import { rloo } from "./rloo.ts";
import { sft } from "./sft.ts";
import { sftRl } from "./sft_rl.ts";
import { srft } from "./srft.ts";
import { superrl } from "./superrl.ts";
import type { Metrics, OnGroups, TrainingState } from "./training.ts";

// deno-lint-ignore no-explicit-any -- each takes settings of its own kind; by name nobody knows which
type AnyMethod = Method<any>;

/** Every built-in method, by id. */
export const METHODS: Readonly<Record<string, AnyMethod>> = byId([
  rl,
  reinforce,
  rloo,
  grpo,
  drGrpo,
  dapo,
  gspo,
  cispo,
  sft,
  dft,
  sftRl,
  rlSft,
  rlSftLoss,
  luffy,
  srft,
  chord,
  hpt,
  superrl,
  prefixRft,
  rlPlus,
  reliftAlways,
  reliftUniform,
  reliftRandom,
  relift,
]);

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

/** SFT on the demonstrations of one half of the questions, then RL on the other. */
const SFT_RL_V1 = {
  ...sftRl.config,
  steps: 69 + 80,
  sftSteps: 69, // 3 epochs of 23 batches
  sftQuestions: { from: 0, to: 0.5 },
  rlQuestions: { from: 0.5, to: 1 },
} as const;

/** Named settings: each method's own under its id, and those of other versions of its paper. */
export const PRESETS: Readonly<Record<string, MethodSettings>> = {
  ...Object.fromEntries(
    Object.values(METHODS).map(({ id, config }) => [id, { method: id, config }]),
  ),
  "rl-v1": { method: "rl", config: RL_V1 },
  "sft-rl-v1": { method: "sft-rl", config: SFT_RL_V1 },
  "relift-v1": { method: "relift", config: RELIFT_V1 },
};

/** Whether a text can name a method: it is a built-in one's id, or looks like a file. */
export function isMethodName(idOrFile: string): boolean {
  return Object.hasOwn(METHODS, idOrFile) || /\.[jt]s$/.test(idOrFile);
}

/**
 * A method by its id, or from a file of one's own whose default export is one.
 *
 * @throws {RangeError} When it is no id and does not look like a file.
 * @throws {Deno.errors.NotFound} When there is no such file.
 * @throws {SyntaxError} When the file cannot be loaded.
 * @throws {TypeError} When its default export is not a method.
 */
export async function openMethod(idOrFile: string): Promise<AnyMethod> {
  if (Object.hasOwn(METHODS, idOrFile)) return METHODS[idOrFile]!;
  if (!isMethodName(idOrFile)) {
    throw new RangeError(
      `Cannot train as a method must be ${Object.keys(METHODS).join(", ")} or a .ts file: ` +
        `current value is ${idOrFile}`,
    );
  }
  const own = await importDefault(idOrFile);
  if (typeof own !== "function" || !("step" in own && "config" in own && "check" in own)) {
    throw new TypeError(
      `Cannot train with ${idOrFile} as its default export must be made by method(): ` +
        `current value is ${own === undefined ? "none" : typeof own}`,
    );
  }
  return own as AnyMethod;
}

/** The default export of a file; what the file itself throws is not changed. */
async function importDefault(file: string): Promise<unknown> {
  await readBytes(file);
  try {
    return (await import(pathToFileURL(resolve(file)).href)).default;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (!(error instanceof SyntaxError) && code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new SyntaxError(
      `Cannot train with ${file} as it must load: ${stripVTControlCharacters(message)}`,
      { cause: error },
    );
  }
}

/**
 * Checks a method's settings before anything is made of them.
 *
 * @param dataset What it will be trained on, where that is known.
 * @throws {RangeError} When there is no such method or a setting is out of range.
 */
export async function checkSettings(
  { method, config }: MethodSettings,
  dataset?: Dataset,
): Promise<void> {
  (await openMethod(method)).check(config, dataset);
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
