// deno task export --policy runs/relift-gsm8k-1 --out models/mine
// deno-lint-ignore-file no-console
import {
  disposePolicy,
  exists,
  openDevice,
  openPolicy,
  parameterCount,
  saveAdapter,
  savePolicy,
} from "../mod.ts";
import { type Command, type Flag, runTask, UsageError, type Values } from "./_cli.ts";
import { POLICY } from "./_flags.ts";

const command = {
  name: "export",
  about: "saves a policy as a Hugging Face folder, which transformers and vLLM load; an adapter " +
    "is merged into the weights, or saved alone as PEFT does.",
  flags: {
    policy: POLICY,
    out: { kind: "text", value: "DIR", help: "The new folder; it must not be there yet" },
    format: {
      kind: "choice",
      choices: ["F32", "BF16", "F16"],
      default: "F32",
      help: "How weights are stored; F32 keeps every bit",
    },
    adapter: { kind: "switch", help: "Save the adapter alone" },
  },
  examples: [
    "deno task export --policy runs/relift-gsm8k-1 --out models/mine --format BF16",
    "deno task export --policy runs/relift-gsm8k-1 --out models/mine-adapter --adapter",
  ],
} as const satisfies Command<Record<string, Flag>>;

/** Saves a policy elsewhere. */
async function exportPolicy(flags: Values<typeof command.flags>): Promise<void> {
  const { out, format } = flags;
  if (out === undefined) throw new UsageError("--out lacks its value: it must be a folder");
  if (await exists(out)) {
    throw new UsageError(`--out must be a new folder: current value is ${out}, which is there`);
  }
  await openDevice({ prefer: "wasm" });
  const policy = await openPolicy(flags.policy);
  if (flags.adapter) {
    if (!policy.adapter) {
      throw new UsageError(`--adapter needs a policy that has one: ${flags.policy} has none`);
    }
    await saveAdapter(policy.adapter, out);
  } else await savePolicy(policy, out, {}, { format });
  const size = parameterCount(policy).toLocaleString("en");
  console.log(`${out}: ${flags.adapter ? "an adapter" : `${size} numbers as ${format}`}`);
  disposePolicy(policy);
}

if (import.meta.main) await runTask(command, exportPolicy);
