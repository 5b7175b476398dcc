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
  help: "operators, countdown, addition, multiplication, or a .csv or .jsonl file of your own",
} as const;

/** A policy's folder. */
export const POLICY = {
  kind: "text",
  value: "DIR",
  default: "models/operators-base",
  help: "Folder of the policy: config.json, model.safetensors, tokenizer.json",
} as const;
