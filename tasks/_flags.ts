import {
  exists,
  type PromptOptions,
  readBytes,
  readRunConfig,
  type SamplingOptions,
} from "../mod.ts";
import type { Values } from "./_cli.ts";

/** Flags that several commands share. */
export const DEVICE = {
  kind: "choice",
  choices: ["auto", "webgpu", "wasm", "cpu"],
  default: "auto",
  help: "Where tensors live; auto takes a hardware WebGPU adapter, else wasm",
} as const;

/** A built-in question set or a file. */
export const DATASET = {
  kind: "text",
  value: "NAME|FILE",
  default: "operators",
  help: "A built-in set (operators, operators-checked, countdown, addition, multiplication), a " +
    "published one that was fetched (gsm8k, ...), or a .csv, .jsonl, .json or .parquet file",
} as const;

/** A policy. */
export const POLICY = {
  kind: "text",
  value: "NAME|PATH",
  default: "models/operators-base",
  help: "The policy: a Hugging Face folder, a .gguf file, a run, an adapter of PEFT, or the name " +
    "of a model that was fetched",
} as const;

/** How questions are asked. */
export const PROMPT = {
  template: {
    kind: "text",
    value: "NAME|FILE",
    help: "What questions are asked in: chat (the policy's own template), none, relift, " +
      "relift-llama, or a .jinja file; the policy's own, if it has one, unless given",
  },
  system: { kind: "text", value: "TEXT", help: "System message; the template's own unless given" },
} as const;

/** {@linkcode PROMPT} as the toolkit names it; undefined when nothing is given. */
export async function promptOf(flags: Values<typeof PROMPT>): Promise<PromptOptions | undefined> {
  const { template, system } = flags;
  if (template === undefined && system === undefined) return;
  const isFile = template?.endsWith(".jinja") ?? false;
  return {
    template: isFile ? new TextDecoder().decode(await readBytes(template!)) : template,
    system,
  };
}

/** How a policy is asked: as flags say, or else as the run was that it comes from. */
export async function promptFor(
  flags: Values<typeof PROMPT>,
  policy: string,
): Promise<PromptOptions | undefined> {
  const given = await promptOf(flags);
  if (given || !await checkpointOf(policy)) return given;
  return (await readRunConfig(policy)).prompt;
}

/** The folder of the weights that a run trained; undefined where a policy is no run. */
export async function checkpointOf(policy: string): Promise<string | undefined> {
  const checkpoint = `${policy}/checkpoint`;
  return await exists(checkpoint) ? checkpoint : undefined;
}

/** Part of a built-in question set. */
export const SPLIT = {
  kind: "choice",
  choices: ["validation", "train", "ood"],
  default: "validation",
  help: "Part of a built-in question set; a file has one part",
} as const;

/** How completions are drawn. */
export const SAMPLING = {
  temperature: { kind: "number", min: 0, max: 100, default: 1, help: "0 is greedy" },
  "top-p": {
    kind: "number",
    min: 0,
    aboveMin: true,
    max: 1,
    default: 1,
    help: "Probability that is kept, above 0; 1 keeps all",
  },
  "top-k": { kind: "integer", min: 0, default: 0, help: "Tokens that are kept; 0 keeps all" },
  "max-new-tokens": { kind: "integer", min: 1, default: 64, help: "Tokens of a completion" },
} as const;

/** {@linkcode SAMPLING} as the toolkit names it. */
export function samplingOf(
  flags: Values<typeof SAMPLING>,
): SamplingOptions & { readonly maxNewTokens: number } {
  return {
    temperature: flags.temperature,
    topP: flags["top-p"],
    topK: flags["top-k"],
    maxNewTokens: flags["max-new-tokens"],
  };
}
