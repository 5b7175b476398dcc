import { LORA_TARGETS, METHODS, PRESETS } from "../../mod.ts";
import type { Command, Flag, Values } from "../_cli.ts";
import { DATASET, DEVICE, POLICY, PROMPT } from "../_flags.ts";

/** Where it is kept what a set's check found, so that the next run starts at once. */
export const CHECKS = { cache: "downloads/checks" };

/** What `deno task train` takes. */
export const command = {
  name: "train",
  about: "trains a policy with RL, SFT, ReLIFT or another method, and says what it learned, by " +
    "difficulty, before and after.",
  flags: {
    method: {
      kind: "text",
      value: "NAME|FILE",
      help: `How to train: ${Object.keys(METHODS).join(", ")}, or a .ts file of your own; ` +
        "relift unless given",
    },
    preset: {
      kind: "choice",
      choices: Object.keys(PRESETS),
      help: "Named settings of the method; its own unless given",
    },
    dataset: { ...DATASET, default: undefined, help: `${DATASET.help}; operators unless given` },
    policy: {
      ...POLICY,
      default: undefined,
      help: `${POLICY.help}; ${POLICY.default} unless given`,
    },
    steps: { kind: "integer", min: 1, help: "Steps to train; the preset's number unless given" },
    seed: { kind: "integer", min: 0, help: "Names every random stream of the run; 1 unless given" },
    "questions-per-step": {
      kind: "integer",
      min: 1,
      help: "Questions of a step; the preset's 32 unless given",
    },
    "max-new-tokens": {
      kind: "integer",
      min: 1,
      help: "Tokens of a completion or demonstration; the preset's 64 unless given",
    },
    set: {
      kind: "text",
      value: "NAME=VALUE,...",
      help: "Other settings of the method: groupSize=4,learningRate.peak=1e-5",
    },
    lora: {
      kind: "integer",
      min: 1,
      help: "Train an adapter of this rank in place of all weights",
    },
    "lora-alpha": {
      kind: "number",
      min: 0,
      aboveMin: true,
      max: 1e6,
      help: "Its α; twice its rank unless given",
    },
    "lora-targets": {
      kind: "text",
      value: "NAME,...",
      help: `Projections it learns for; ${LORA_TARGETS.join(",")} unless given`,
    },
    ...PROMPT,
    teacher: {
      kind: "text",
      value: "URL",
      help: "OpenAI-compatible server that is asked for the demonstrations that hard questions " +
        "lack, while training goes on; its key is read from RELIFT_TEACHER_KEY",
    },
    "teacher-model": { kind: "text", value: "NAME", help: "The server's model" },
    validation: {
      kind: "integer",
      min: 0,
      help: "Validation questions, judged before and after; 240 unless given, 0 for none, and 16 " +
        "for published models",
    },
    device: DEVICE,
    out: {
      kind: "text",
      value: "DIR",
      help: "Folder of the run; runs/<method>-<dataset>-<seed> unless given",
    },
    "checkpoint-every": {
      kind: "integer",
      min: 1,
      default: 10,
      help: "Steps between two checkpoints",
    },
    resume: {
      kind: "switch",
      help: "Go on with the run in --out from its last checkpoint, with the settings it began with",
    },
    quiet: { kind: "switch", help: "Show neither progress nor results" },
  },
  examples: [
    "deno task train",
    "deno task train --method rl --steps 20 --seed 2",
    "deno task train --method relift --preset relift-v1",
    "deno task train --method my_method.ts",
    "deno task train --dataset my_questions.csv --out runs/mine",
    "deno task train --policy smollm2-135m-instruct --dataset gsm8k --lora 16",
    "deno task train --resume --out runs/mine",
  ],
} as const satisfies Command<Record<string, Flag>>;

/** Its flags, read. */
export type TrainFlags = Values<typeof command.flags>;
