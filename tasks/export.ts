// deno task export --policy runs/relift-gsm8k-1 --out models/mine
// deno-lint-ignore-file no-console
import { basename, dirname, resolve } from "node:path";
import {
  disposePolicy,
  exists,
  makeFolder,
  openDevice,
  openPolicy,
  openRuns,
  parameterCount,
  samplesToParquet,
  saveAdapter,
  savePolicy,
} from "../mod.ts";
import { type Command, type Flag, runTask, UsageError, type Values } from "./_cli.ts";
import { POLICY } from "./_flags.ts";

const command = {
  name: "export",
  about: "saves a policy as a Hugging Face folder, which transformers and vLLM load; an adapter " +
    "is merged into the weights, or saved alone as PEFT does; or saves a run's completions.",
  flags: {
    policy: POLICY,
    out: { kind: "text", value: "PATH", help: "The new folder or file; it must not be there yet" },
    format: {
      kind: "choice",
      choices: ["F32", "BF16", "F16"],
      default: "F32",
      help: "How weights are stored; F32 keeps every bit",
    },
    adapter: { kind: "switch", help: "Save the adapter alone" },
    samples: {
      kind: "switch",
      help: "Save the completions that the run --policy kept, as Parquet in the layout of the " +
        "paper's data",
    },
  },
  examples: [
    "deno task export --policy runs/relift-gsm8k-1 --out models/mine --format BF16",
    "deno task export --policy runs/relift-gsm8k-1 --out models/mine-adapter --adapter",
    "deno task export --policy runs/relift-gsm8k-1 --out samples.parquet --samples",
  ],
} as const satisfies Command<Record<string, Flag>>;

/** Saves a policy elsewhere. */
async function exportPolicy(flags: Values<typeof command.flags>): Promise<void> {
  const { out, format } = flags;
  if (out === undefined) throw new UsageError("--out lacks its value: it must be a folder");
  if (await exists(out)) {
    throw new UsageError(`--out must be new: current value is ${out}, which is there`);
  }
  if (flags.samples && flags.adapter) {
    throw new UsageError("--samples and --adapter are two exports: give one of them");
  }
  if (flags.samples) return await exportSamples(flags.policy, out);
  await openDevice({ prefer: "wasm" });
  const policy = await openPolicy(flags.policy);
  if (flags.adapter && !policy.adapter) {
    throw new UsageError(`--adapter needs a policy that has one: ${flags.policy} has none`);
  }
  await makeFolder(dirname(out));
  if (flags.adapter) await saveAdapter(policy.adapter!, out);
  else await savePolicy(policy, out, {}, { format });
  const size = parameterCount(policy).toLocaleString("en");
  console.log(`${out}: ${flags.adapter ? "an adapter" : `${size} numbers as ${format}`}`);
  disposePolicy(policy);
}

/** Saves the completions that were kept of a run. */
async function exportSamples(folder: string, out: string): Promise<void> {
  const path = resolve(folder);
  const { samples, faults } = await openRuns(dirname(path)).samples(basename(path));
  if (samples.length === 0) {
    throw new UsageError(
      `--samples needs --policy to be a run that kept completions: current value is ${folder}`,
    );
  }
  faults.forEach((fault) => console.error(`note: ${fault}`));
  await makeFolder(dirname(out));
  await samplesToParquet(basename(path), samples, out);
  console.log(`${out}: ${samples.length.toLocaleString("en")} completions`);
}

if (import.meta.main) await runTask(command, exportPolicy);
