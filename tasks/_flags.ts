import type { SamplingOptions } from "../mod.ts";
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
  help:
    "operators, operators-checked, countdown, addition, multiplication, or a .csv or .jsonl file of your own",
} as const;

/** A policy's folder. */
export const POLICY = {
  kind: "text",
  value: "DIR",
  default: "models/operators-base",
  help: "Folder of the policy (config.json, model.safetensors, tokenizer.json) or of a run",
} as const;

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
