import {
  createAdapter,
  createRun,
  type Dataset,
  demonstrationRow,
  encodePrompt,
  isMethodName,
  isPublishedSize,
  LORA_TARGETS,
  type LoraConfig,
  METHODS,
  type MethodSettings,
  openCheckedDataset,
  openDataset,
  openDevice,
  openMethod,
  openPolicy,
  parameterCount,
  type Policy,
  policyPath,
  preflight,
  preflightText,
  PRESETS,
  questionsOf,
  questionsOfBatch,
  type Run,
  runConfig,
  sizedFor,
  withAdapter,
  withSettings,
} from "../../mod.ts";
import { UsageError } from "../_cli.ts";
import { checkpointOf, DATASET, POLICY, promptFor } from "../_flags.ts";
import { CHECKS, type TrainFlags } from "./flags.ts";
import { teacherOf } from "./teacher.ts";

/** Starts a new run; tells what of its questions was dropped or cannot be taught. */
export async function begin(
  out: string,
  flags: TrainFlags,
  say: (text: string) => void,
): Promise<Run> {
  const { dataset: datasetName = DATASET.default, policy: policyName = POLICY.default } = flags;
  const { method, preset, config: named } = await presetOf(flags);
  const [lora, prompt] = [loraOf(flags), await promptFor(flags, policyName)];
  const { dataset, report } = await openCheckedDataset(datasetName, "train", CHECKS);
  report.forEach(say);
  if (flags.validation !== 0) await openDataset(datasetName, "validation"); // is it there?
  const device = await openDevice({ prefer: flags.device });
  const path = await policyPath(policyName);
  const base = await openPolicy(path, { prompt });
  if (lora && base.adapter) {
    throw new UsageError(
      `--lora needs a policy without an adapter: deno task export merges that of ${policyName}`,
    );
  }
  const settings = { method, config: configOf(flags, named, parameterCount(base)) };
  const teacher = teacherOf(flags);
  const config = await runConfig(
    { settings, preset, dataset: datasetName, policy: path, prompt, lora, teacher, device },
    { policy: base, dataset },
  );
  const policy = lora === undefined ? base : withAdapter(
    base,
    createAdapter(base.config, lora, {
      base: await checkpointOf(path) ?? path,
      seed: settings.config.seed,
    }),
  );
  const unusable = countUnusable(policy, dataset, settings); // before anything is written
  if (unusable > 0) {
    say(
      `${unusable} of ${dataset.size} questions have no usable demonstration (missing or too ` +
        `long) and are ${teacher ? "taught only by what the teacher gives" : "never taught"}`,
    );
  }
  if (isPublishedSize(parameterCount(policy))) {
    say(preflightText(await preflight(policy, dataset.question(0))));
  }
  return await createRun(out, config, policy, dataset);
}

/**
 * How many questions cannot be taught.
 *
 * @throws {RangeError} When a question cannot be asked, or there are fewer than a step takes.
 */
function countUnusable(
  policy: Policy,
  dataset: Dataset,
  settings: MethodSettings,
): number {
  const { config } = settings;
  questionsOfBatch(dataset, config.questionsPerStep, config.seed, 0);
  return questionsOf(dataset).filter((question) => {
    encodePrompt(policy, question, config.maxNewTokens);
    return !demonstrationRow(policy, question, config.maxNewTokens);
  }).length;
}

/**
 * The preset that flags ask for.
 *
 * @throws {UsageError} When the method is unknown or the preset is another's.
 */
async function presetOf(flags: TrainFlags): Promise<{
  readonly method: string;
  readonly preset: string;
  readonly config: MethodSettings["config"];
}> {
  const { method = "relift", preset = method } = flags;
  if (!isMethodName(method)) {
    throw new UsageError(
      `--method must be ${Object.keys(METHODS).join(", ")} or a .ts file: ` +
        `current value is ${JSON.stringify(method)}`,
    );
  }
  const named = PRESETS[preset] ?? { method, config: (await openMethod(method)).config };
  if (named.method !== method) {
    throw new UsageError(
      `--preset must be one of --method ${method}: current value is ${preset}, of ${named.method}`,
    );
  }
  return { method, preset, config: named.config };
}

/** The settings that flags ask for, of a policy of this many parameters. */
function configOf(
  flags: TrainFlags,
  config: MethodSettings["config"],
  parameters: number,
): MethodSettings["config"] {
  const sized = sizedFor(config, parameters);
  const changed = {
    ...sized,
    seed: flags.seed ?? 1,
    steps: flags.steps ?? sized.steps,
    maxNewTokens: flags["max-new-tokens"] ?? sized.maxNewTokens,
    questionsPerStep: flags["questions-per-step"] ?? sized.questionsPerStep,
  };
  return withSettings(changed, flags.set ?? "");
}

/** The adapter that flags ask for, if any. */
function loraOf(flags: TrainFlags): LoraConfig | undefined {
  const { lora: r, "lora-alpha": alpha, "lora-targets": targets } = flags;
  if (r === undefined) {
    const given = ["lora-alpha", "lora-targets"] as const;
    const stray = given.find((name) => flags[name] !== undefined);
    if (stray) throw new UsageError(`--${stray} needs --lora, the adapter's rank`);
    return;
  }
  const target_modules = targets?.split(",").map((name) => name.trim()) ?? LORA_TARGETS;
  return { r, lora_alpha: alpha ?? 2 * r, target_modules };
}
