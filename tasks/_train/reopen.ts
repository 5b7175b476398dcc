// deno-lint-ignore-file no-console
import {
  datasetFingerprint,
  type DeviceName,
  disposePolicy,
  openCheckedDataset,
  openDevice,
  openPolicy,
  policyFingerprint,
  readRunConfig,
  resumeRun,
  type Run,
  type RunConfig,
  withSettings,
} from "../../mod.ts";
import { UsageError } from "../_cli.ts";
import { promptOf } from "../_flags.ts";
import { CHECKS, type TrainFlags } from "./flags.ts";

/** Opens a run again, with the settings and on the device it began with. */
export async function reopen(out: string, flags: TrainFlags): Promise<Run> {
  const config = await readRunConfig(out);
  const device = config.device.name as DeviceName;
  await checkBegan(out, config, flags);
  const { dataset } = await openCheckedDataset(config.dataset, "train", CHECKS);
  const fingerprint = datasetFingerprint(dataset);
  if (fingerprint !== config.datasetFingerprint) {
    throw new RangeError(
      `Cannot resume ${out} as ${config.dataset} must hold the questions it began with: ` +
        `current fingerprint is ${fingerprint}, not ${config.datasetFingerprint}`,
    );
  }
  const { description } = await openDevice({ prefer: device });
  if (description !== config.device.description) {
    console.error(
      `note: the run began on ${config.device.description} and goes on with ${description}: ` +
        "its numbers may differ in the last digits from those of a run left alone",
    );
  }
  const base = await openPolicy(config.policy);
  const weights = await policyFingerprint(base);
  disposePolicy(base);
  if (weights !== config.policyFingerprint) {
    throw new RangeError(
      `Cannot resume ${out} as ${config.policy} must hold the policy it began with: ` +
        `current fingerprint is ${weights}, not ${config.policyFingerprint}`,
    );
  }
  return await resumeRun(out, config, dataset);
}

/**
 * Checks that flags given with `--resume` are those that a run began with.
 *
 * @throws {UsageError} Naming the first that is not.
 */
async function checkBegan(out: string, config: RunConfig, flags: TrainFlags): Promise<void> {
  const { settings, preset, dataset, policy, lora, prompt, teacher } = config;
  const { steps, seed, maxNewTokens, questionsPerStep } = settings.config;
  const changed = withSettings(settings.config, flags.set ?? "");
  const asSet = JSON.stringify(changed) === JSON.stringify(settings.config);
  const began = {
    method: settings.method,
    preset,
    dataset,
    policy,
    steps,
    seed,
    "questions-per-step": questionsPerStep,
    "max-new-tokens": maxNewTokens,
    lora: lora?.r,
    "lora-alpha": lora?.lora_alpha,
    "lora-targets": lora?.target_modules.join(","),
    template: prompt?.template,
    system: prompt?.system,
    "teacher-model": teacher?.model, // its address may be another
    set: asSet ? flags.set : "told in its config.json",
    device: config.device.name as DeviceName,
  };
  const now = { ...flags, ...await promptOf(flags) };
  for (const [name, value] of Object.entries(began)) {
    const given = now[name as keyof typeof began];
    const same = given === value || (name === "policy" && value?.toString().endsWith(`/${given}`));
    if (given !== undefined && !same && given !== "auto") {
      throw new UsageError(
        `--${name} must be what the run in ${out} began with, ${value ?? "none"}: ` +
          `current value is ${given}`,
      );
    }
  }
}
