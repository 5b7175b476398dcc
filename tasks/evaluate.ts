// deno task evaluate --policy runs/relift-operators-1 --strata
// deno-lint-ignore-file no-console
import {
  type Accuracies,
  baseAccuracies,
  type Dataset,
  disposePolicy,
  evaluate,
  evaluationTable,
  openCheckedDataset,
  openDevice,
  openPolicy,
  openProgress,
  slice,
  type Split,
  summarize,
} from "../mod.ts";
import { type Command, type Flag, runTask, type Values } from "./_cli.ts";
import {
  DATASET,
  DEVICE,
  POLICY,
  PROMPT,
  promptFor,
  promptOf,
  SAMPLING,
  samplingOf,
  SPLIT,
} from "./_flags.ts";

const command = {
  name: "evaluate",
  about: "samples a policy on a question set: avg@k, pass@k, maj@k, lengths, and by difficulty.",
  flags: {
    policy: POLICY,
    dataset: DATASET,
    split: SPLIT,
    questions: { kind: "integer", min: 1, help: "Only the first so many; all unless given" },
    samples: { kind: "integer", min: 1, default: 8, help: "k, completions of each question" },
    ...SAMPLING,
    ...PROMPT,
    strata: {
      kind: "switch",
      help: "Also by difficulty under --base, which is sampled once (8 samples) and remembered",
    },
    base: { ...POLICY, help: "Policy that defines the difficulty for --strata" },
    seed: { kind: "integer", min: 0, default: 1001, help: "Names the random streams" },
    device: DEVICE,
    json: { kind: "switch", help: "Print the summary as JSON" },
    quiet: { kind: "switch", help: "Show no progress" },
  },
  examples: [
    "deno task evaluate --policy runs/relift-operators-1 --strata",
    "deno task evaluate --dataset countdown --samples 32 --json",
    "deno task evaluate --policy smollm2-135m-instruct --dataset gsm8k --questions 200 " +
    "--samples 1 --temperature 0 --max-new-tokens 320",
  ],
} as const satisfies Command<Record<string, Flag>>;

type EvaluateFlags = Values<typeof command.flags>;

/** Evaluates a policy and prints what it found. */
async function main(flags: EvaluateFlags): Promise<void> {
  const { dataset: all, dropped, report } = await openCheckedDataset(
    flags.dataset,
    flags.split as Split,
  );
  if (dropped.length > 0) report.forEach((line) => console.error(line));
  const count = flags.questions ?? all.size;
  const dataset = count < all.size ? slice(all, 0, count) : all;
  const device = await openDevice({ prefer: flags.device });
  const prompt = await promptFor(flags, flags.policy);
  const policy = await openPolicy(flags.policy, { prompt });
  const sampling = {
    ...samplingOf(flags),
    samples: flags.samples,
    seed: flags.seed,
  };
  const base = flags.strata ? await strataBase(flags, dataset) : undefined;
  using progress = openProgress({ total: dataset.size, quiet: flags.quiet });
  const onProgress = (done: number) => progress.step(done, "questions");
  const evaluated = await evaluate(policy, dataset, { ...sampling, onProgress });
  progress.close();
  const summary = summarize(evaluated, base);
  disposePolicy(policy);
  const about = {
    policy: flags.policy,
    prompt,
    dataset: dataset.name,
    device: device.description,
    sampling,
  };
  console.log(
    flags.json
      ? JSON.stringify({ ...about, ...summary })
      : `${flags.policy} on ${dataset.name}, ${device.description}\n${evaluationTable(summary)}`,
  );
}

/** The base policy's accuracies, which define the strata. */
async function strataBase(flags: EvaluateFlags, dataset: Dataset): Promise<Accuracies> {
  const base = await openPolicy(flags.base, { prompt: await promptOf(flags) });
  const maxNewTokens = flags["max-new-tokens"];
  const accuracies = await baseAccuracies(base, dataset, { maxNewTokens });
  disposePolicy(base);
  return accuracies;
}

if (import.meta.main) await runTask(command, main);
