/**
 * A run that takes a second, of ReLIFT or another method, and a program that starts it or goes on
 * with it:
 *
 *     deno run -A tests/runs/_tiny_run.ts DEVICE METHOD FOLDER [stay | OPERATION FILE TIME]
 *
 * It tells how many steps are logged, at the start and after each. With `stay` it does not end by
 * itself, so that whoever kills it is never late. With the last three it kills itself, as `kill -9`
 * does, just before an operation on a file; for instance `rename checkpoint.tmp 2`: when it is
 * about to rename `checkpoint.tmp` a second time.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { type DeviceOptions, openDevice } from "../../lib/compute/device.ts";
import { binaryReward, type Dataset } from "../../lib/data/question.ts";
import { datasetFingerprint } from "../../lib/evaluation/evaluate.ts";
import { type MethodSettings, PRESETS } from "../../lib/methods/registry.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { policyFingerprint } from "../../lib/model/io/policy_folder.ts";
import { createPolicy, type Policy } from "../../lib/model/policy.ts";
import {
  continueRun,
  createRun,
  isRun,
  readRunConfig,
  resumeRun,
  type Run,
  type RunConfig,
  versions,
} from "../../lib/runs/run.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";

/** Steps of the run, and steps between two of its checkpoints. */
export const STEPS = 20, CHECKPOINT_EVERY = 3;

const tokenizer = charTokenizer("abcd=");

const shape = modelConfig({
  vocab_size: tokenizer.vocabSize,
  hidden_size: 8,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
});

/** A policy of one layer that knows nothing yet. */
function tinyPolicy(): Policy {
  return createPolicy(shape, tokenizer, 1);
}

/** Eight questions: an untrained policy solves the even ones at times, the odd ones never. */
export const tinyDataset: Dataset = {
  name: "tiny",
  size: 8,
  question: (index) => {
    const answer = `${"abcd"[index % 4]}${index % 2 === 0 ? "" : "ab"}`;
    const prompt = `${"abcd"[index % 4]}${"ab"[Math.floor(index / 4)]}=`;
    return { id: `q${index}`, prompt, answer, demonstration: answer };
  },
  reward: ({ answer }, completion) =>
    binaryReward(
      completion === answer ||
        answer.length === 1 && (completion.startsWith("=") || completion.startsWith(answer)),
    ),
};

/** Starts the run in a folder. */
export async function startTinyRun(
  folder: string,
  device: string,
  method = "relift",
): Promise<Run> {
  const policy = tinyPolicy();
  return await createRun(folder, await tinyConfig(policy, device, method), policy, tinyDataset);
}

/** Settings by which every part of a run's state is in use, of those that a method has. */
function tinySettings(method: string): MethodSettings {
  const { config } = PRESETS[method]!;
  const sizes = {
    seed: 5,
    steps: STEPS,
    groupSize: 4,
    questionsPerStep: 2,
    maxNewTokens: 4,
    learningRate: { peak: 0.003, warmupSteps: 5, shape: "cosine" },
    bufferSize: 3, // seldom empty
    order: "newest-first",
    recheck: true,
    sftSteps: 8, // the other phase begins between two checkpoints
    rlSteps: 8,
    overlongBuffer: 1,
  };
  const own = Object.entries(sizes).filter(([name]) => name in config);
  return { method, config: { ...config, ...Object.fromEntries(own) } };
}

async function tinyConfig(policy: Policy, device: string, method: string): Promise<RunConfig> {
  return {
    settings: tinySettings(method),
    preset: method,
    dataset: tinyDataset.name,
    datasetFingerprint: datasetFingerprint(tinyDataset),
    policy: "a fresh one",
    policyFingerprint: await policyFingerprint(policy),
    device: { name: device.split(" ")[0]!, description: device },
    versions: versions(),
    commit: null,
  };
}

const DEVICES: Readonly<Record<string, DeviceOptions>> = {
  "cpu": { prefer: "cpu" },
  "wasm": { prefer: "wasm", blas: false },
  "wasm with BLAS": { prefer: "wasm", blas: true },
  "webgpu": { prefer: "webgpu" },
};

/** Kills this process just before the n-th time it does something to a file of the run's folder. */
function dieBefore(operation: string, file: string, time: number): void {
  let times = 0;
  const watched = (name: string, path: unknown) => {
    const same = name === operation && String(path).includes(`/${file}`);
    if (same && ++times === time) Deno.kill(Deno.pid, "SIGKILL");
  };
  const { rename, remove, writeFile } = Deno;
  Object.assign(Deno, {
    rename: (from: string, to: string) => (watched("rename", from), rename(from, to)),
    remove: (path: string, options?: Deno.RemoveOptions) => (
      watched("remove", path), remove(path, options)
    ),
    writeFile: (path: string, data: Uint8Array) => (watched("write", path), writeFile(path, data)),
  });
}

if (import.meta.main) {
  const [device, method, folder, operation, file, time] = Deno.args as [
    string,
    string,
    string,
    ...string[],
  ];
  await openDevice(DEVICES[device]);
  if (operation && file) dieBefore(operation, file, Number(time));
  const run = await isRun(folder)
    ? await resumeRun(folder, await readRunConfig(folder), tinyDataset)
    : await startTinyRun(folder, device, method);
  console.log(run.state.step);
  for await (const _ of continueRun(run, CHECKPOINT_EVERY)) console.log(run.state.step);
  if (operation === "stay") await Array.fromAsync(Deno.stdin.readable);
}
