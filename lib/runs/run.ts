/**
 * A training run and its folder: `config.json`, `metrics.jsonl` and `metrics.csv`,
 * `samples.jsonl`, `checkpoint/`.
 *
 * @module
 */
import { z } from "zod";
import denoJson from "../../deno.json" with { type: "json" };
import type { Dataset } from "../data/question.ts";
import { datasetFingerprint } from "../evaluation/evaluate.ts";
import { exists, makeFolder, readJsonAs, writeWhole } from "../files.ts";
import { checkSettings, type MethodSettings, startMethod } from "../methods/registry.ts";
import {
  disposeState,
  type DrawnGroup,
  type Metrics,
  type TrainingState,
  trainingState,
} from "../methods/training.ts";
import type { LoraConfig } from "../model/adapter.ts";
import { ADAPTER_CONFIG } from "../model/io/adapter_folder.ts";
import { type LoadOptions, loadPolicy, policyFingerprint } from "../model/io/policy_folder.ts";
import { disposePolicy, type Policy } from "../model/policy.ts";
import { loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
import type { PromptOptions } from "../text/prompt_template.ts";
import { type MetricsLog, openMetricsLog } from "./metrics_log.ts";

/** What a run was started with: `config.json`. */
export interface RunConfig {
  /** Method and every one of its settings, the seed and the number of steps among them. */
  readonly settings: MethodSettings;
  readonly preset: string;
  /** A built-in dataset's name or a file. */
  readonly dataset: string;
  readonly datasetFingerprint: string;
  /** Folder or file of the policy it began with. */
  readonly policy: string;
  readonly policyFingerprint: string;
  /** How questions are asked; as the policy's own template has it unless given. */
  readonly prompt?: PromptOptions;
  /** Of the adapter that learns; all weights learn unless given. */
  readonly lora?: LoraConfig;
  /** Who is asked for demonstrations meanwhile; nobody unless given. */
  readonly teacher?: TeacherAddress;
  /** Device by name, and what stood behind it. */
  readonly device: { readonly name: string; readonly description: string };
  /** Versions of this toolkit, Deno and TensorFlow.js. */
  readonly versions: Readonly<Record<string, string>>;
  /** Commit of this toolkit, with `-dirty` when files differed; null outside a git checkout. */
  readonly commit: string | null;
}

/** A server that demonstrates, less what lets one in. */
export interface TeacherAddress {
  readonly url: string;
  readonly model: string;
}

const text = z.string();
const whole = z.number().int();

const configSchema = z.object({
  settings: z.object({
    method: text,
    config: z.object({
      seed: whole,
      steps: whole,
      questionsPerStep: whole,
      maxNewTokens: whole,
      maxTokens: whole,
    }).passthrough(),
  }),
  preset: text,
  dataset: text,
  datasetFingerprint: text,
  policy: text,
  policyFingerprint: text,
  prompt: z.object({ template: text.optional(), system: text.optional() }).optional(),
  lora: z.object({ r: z.number(), lora_alpha: z.number(), target_modules: z.array(text) })
    .optional(),
  teacher: z.object({ url: text, model: text }).optional(),
  device: z.object({ name: z.enum(["webgpu", "wasm", "cpu"]), description: text }),
  versions: z.record(text),
  commit: text.nullable(),
});

/** A run that is open. */
export interface Run {
  readonly folder: string;
  readonly config: RunConfig;
  readonly policy: Policy;
  readonly dataset: Dataset;
  readonly state: TrainingState;
  readonly log: MetricsLog;
  /** Lines of `samples.jsonl` so far. */
  readonly samples: string[];
}

/** Names and versions of what a run stands on. */
export function versions(): Record<string, string> {
  return {
    relift: denoJson.version,
    deno: Deno.version.deno,
    tfjs: denoJson.imports["@tensorflow/tfjs"].split("@").at(-1)!,
  };
}

/** Commit of the checkout this file lies in; null when git cannot tell. */
export async function currentCommit(): Promise<string | null> {
  try {
    const git = async (...args: string[]): Promise<string> => {
      const cwd = new URL(".", import.meta.url);
      const { success, stdout } = await new Deno.Command("git", { args, cwd, stderr: "null" })
        .output();
      if (!success) throw new Error(args.join(" "));
      return new TextDecoder().decode(stdout).trim();
    };
    const commit = await git("rev-parse", "HEAD");
    return await git("status", "--porcelain", "--untracked-files=no") ? `${commit}-dirty` : commit;
  } catch {
    return null; // no git, or no checkout
  }
}

/** Completes what a run is started with by what its policy, its dataset and this checkout tell. */
export async function runConfig(
  given: Omit<RunConfig, "datasetFingerprint" | "policyFingerprint" | "versions" | "commit">,
  { policy, dataset }: { readonly policy: Policy; readonly dataset: Dataset },
): Promise<RunConfig> {
  return {
    settings: given.settings,
    preset: given.preset,
    dataset: given.dataset,
    datasetFingerprint: datasetFingerprint(dataset),
    policy: given.policy,
    policyFingerprint: await policyFingerprint(policy),
    prompt: given.prompt,
    lora: given.lora,
    teacher: given.teacher,
    device: given.device,
    versions: versions(),
    commit: await currentCommit(),
  };
}

/** Whether a folder holds a run. */
export async function isRun(folder: string): Promise<boolean> {
  return await isFile(`${folder}/config.json`);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** Where fetched models lie, each in a folder of its name. */
const MODELS = "downloads/models";

/**
 * Where a policy is: the path itself, or the folder of a model that was fetched under this name.
 *
 * @throws {Deno.errors.NotFound} When there is neither; says how it is fetched.
 */
export async function policyPath(nameOrPath: string): Promise<string> {
  const fetched = `${MODELS}/${nameOrPath}`;
  for (const path of [nameOrPath, fetched]) if (await exists(path)) return path;
  throw new Deno.errors.NotFound(
    `Cannot open the policy ${nameOrPath} as it must be a folder, a .gguf file or a fetched model: ` +
      `there is neither that nor ${fetched}, where deno task fetch model NAME brings one`,
  );
}

/**
 * Loads a policy by its path or the name it was fetched under; or the one a run trained, from the
 * run's folder, which is asked as it was in training.
 *
 * @throws As {@linkcode policyPath} and {@linkcode loadPolicy}.
 */
export async function openPolicy(nameOrPath: string, options: LoadOptions = {}): Promise<Policy> {
  const path = await policyPath(nameOrPath);
  // The second stands in for the first while a run that is going on replaces it.
  for (const checkpoint of [`${path}/checkpoint`, `${path}/checkpoint.old`]) {
    for (const file of ["config.json", ADAPTER_CONFIG]) {
      if (!await isFile(`${checkpoint}/${file}`)) continue;
      const { prompt } = await readRunConfig(path);
      return await loadPolicy(checkpoint, { ...options, prompt: options.prompt ?? prompt });
    }
  }
  return await loadPolicy(path, options);
}

/**
 * Starts a run in a new folder.
 *
 * @throws {RangeError} When the folder holds a run already or a setting is out of range; nothing is
 * changed.
 */
export async function createRun(
  folder: string,
  config: RunConfig,
  policy: Policy,
  dataset: Dataset,
): Promise<Run> {
  if (await isRun(folder)) {
    throw new RangeError(
      `Cannot start a run in ${folder} as it holds one: continue it with --resume or name another --out`,
    );
  }
  await checkSettings(config.settings, dataset);
  const wasThere = await exists(folder);
  await makeFolder(folder);
  try {
    const run = {
      folder,
      config,
      policy,
      dataset,
      state: trainingState(),
      log: await openMetricsLog(folder),
      samples: [],
    };
    await saveRun(run); // a run can be resumed from its first moment
    await writeWhole(`${folder}/config.json`, JSON.stringify(config, null, 2) + "\n");
    return run;
  } catch (error) {
    if (!wasThere) await Deno.remove(folder, { recursive: true });
    throw error;
  }
}

/**
 * Reads what a run was started with.
 *
 * @throws {Deno.errors.NotFound} When the folder holds no run.
 * @throws {SyntaxError} When the file is garbled.
 * @throws {TypeError} When it is not a run's.
 */
export async function readRunConfig(folder: string): Promise<RunConfig> {
  return await readJsonAs(`${folder}/config.json`, configSchema) as unknown as RunConfig;
}

/** Opens a run where its last checkpoint left it; what was logged after that is dropped. */
export async function resumeRun(
  folder: string,
  config: RunConfig,
  dataset: Dataset,
): Promise<Run> {
  await checkSettings(config.settings, dataset);
  const { prompt } = config;
  const { policy, state } = await loadCheckpoint(`${folder}/checkpoint`, { prompt });
  try {
    checkState(`${folder}/checkpoint/state.json`, state, config, dataset);
    const log = await openMetricsLog(folder);
    const samples = await readSamples(`${folder}/samples.jsonl`, state.step);
    await log.truncateTo(state.step - 1); // the first thing that is written
    return { folder, config, policy, dataset, state, log, samples };
  } catch (error) {
    disposeRun({ policy, state });
    throw error;
  }
}

/** Checks that a checkpoint can be of a run. */
function checkState(
  path: string,
  state: TrainingState,
  { settings: { config: { steps } } }: RunConfig,
  { size }: Dataset,
): void {
  if (state.step > steps) {
    throw new RangeError(
      `Cannot read ${path} as step must be at most the run's ${steps}: current value is ${state.step}`,
    );
  }
  const waiting = [...state.hardest, ...state.wanted].map(({ index }) => index);
  const indices = [...waiting, ...Object.keys(state.taught)];
  const outside = indices.find((index) => Number(index) >= size);
  if (outside !== undefined) {
    throw new RangeError(
      `Cannot read ${path} as questions must be in [0, ${size}): current value is ${outside}`,
    );
  }
}

async function readSamples(path: string, step: number): Promise<string[]> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return text.split("\n").filter((line, i) => {
    if (line === "") return false;
    try {
      return JSON.parse(line).step < step;
    } catch (error) {
      throw new SyntaxError(
        `Cannot read ${path}:${i + 1} as it must be JSON: ${(error as Error).message}`,
      );
    }
  });
}

/** Groups of which samples are kept at each step, and completions of each. */
const SAMPLED_GROUPS = 2, SAMPLED_COMPLETIONS = 2;

/**
 * Goes on with a run to its last step. Metrics and samples are on disk when a step is yielded; a
 * checkpoint is saved every `checkpointEvery` steps and at the end. Whoever leaves the loop early
 * calls {@linkcode saveRun}.
 */
export async function* continueRun(run: Run, checkpointEvery: number): AsyncGenerator<Metrics> {
  const { config, policy, dataset, state, log, samples } = run;
  const keepSamples = (step: number, groups: readonly DrawnGroup[]) => {
    for (const group of groups.slice(0, SAMPLED_GROUPS)) {
      group.completions.slice(0, SAMPLED_COMPLETIONS).forEach((completion, i) => {
        const { question: { id, prompt, answer }, rewards } = group;
        const { text, tokens, finishReason } = completion;
        const { total, correct, parts } = rewards[i]!;
        samples.push(JSON.stringify({
          step,
          question: id,
          prompt,
          answer,
          completion: text,
          tokens: tokens.length,
          finishReason,
          reward: total,
          correct,
          parts,
        }));
      });
    }
  };
  for await (const metrics of startMethod(config.settings, policy, dataset, state, keepSamples)) {
    await log.append(metrics as Metrics & { step: number });
    await writeWhole(`${run.folder}/samples.jsonl`, samples.map((line) => line + "\n").join(""));
    const last = state.step === config.settings.config.steps;
    if (last || state.step % checkpointEvery === 0) await saveRun(run);
    yield metrics;
  }
}

/** Saves a checkpoint of a run between two steps. */
export async function saveRun({ folder, policy, state }: Run): Promise<void> {
  await saveCheckpoint(`${folder}/checkpoint`, policy, state);
}

/** Frees the tensors of a run. */
export function disposeRun({ policy, state }: Pick<Run, "policy" | "state">): void {
  disposePolicy(policy);
  disposeState(state);
}
