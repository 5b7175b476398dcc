/**
 * Bad input, case by case: each command runs as a person would run it, in a folder of its own, and
 * must answer with one line on stderr and the right exit code, and leave every file as it was.
 *
 * @module
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  adamwState,
  charTokenizer,
  createPolicy,
  createRun,
  datasetFingerprint,
  disposePolicy,
  disposeRun,
  loadPolicy,
  modelConfig,
  openDataset,
  openDevice,
  policyFingerprint,
  PRESETS,
  savePolicy,
  saveRun,
  versions,
} from "../../mod.ts";
import { type Outcome, runCommand, type RunOptions } from "./_command.ts";

const root = new URL("../../", import.meta.url);

/** A mistake, and what its one line must say. */
interface Case {
  readonly name: string;
  /** The command and its flags, as typed after `deno task`. */
  readonly args: readonly string[];
  /** What is wrong in the folder: it holds `policy/`, `questions.csv` and `run/` otherwise. */
  readonly prepare?: (folder: string) => Promise<void> | void;
  /** 2 for usage, 1 for files and settings. */
  readonly code: 1 | 2;
  /** What the line must name: the flag or the file, the line and the field. */
  readonly includes: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The file whose disk is full, by the end of its name. */
  readonly full?: string;
  readonly ignore?: boolean;
}

/** A mistake on the command line. */
const usage = (name: string, args: string, ...includes: string[]): Case => ({
  name,
  args: words(args),
  code: 2,
  includes,
});

const EVALUATE = words("evaluate --policy policy --dataset questions.csv --device cpu");
const TRAIN = words(
  "train --policy policy --dataset questions.csv --device cpu --method sft --out new",
);
const RESUME = words("train --resume --out run");

/** A question file that cannot be read. */
const file = (name: string, path: string, content: string | Uint8Array, where: string): Case => ({
  name,
  args: words(`evaluate --policy policy --device cpu --dataset ${path}`),
  prepare: (folder) => write(`${folder}/${path}`, content),
  code: 1,
  includes: [where],
});

/** A policy folder that cannot be loaded. */
const policy = (name: string, prepare: Case["prepare"], ...includes: string[]): Case => ({
  name,
  args: EVALUATE,
  prepare,
  code: 1,
  includes,
});

/** A run that cannot go on. */
const resume = (name: string, prepare: Case["prepare"], ...includes: string[]): Case => ({
  name,
  args: RESUME,
  prepare,
  code: 1,
  includes,
});

const USAGE: Case[] = [
  usage("an unknown flag", "train --stepz 3", "--stepz"),
  usage("an unknown flag with =", "evaluate --polcy=x", "--polcy"),
  usage("an unknown short flag", "sample -x", "-x"),
  usage("a flag of another command", "doctor --steps 3", "--steps"),
  usage("an unknown flag of bench", "bench --quik", "--quik"),
  usage("an unknown flag of gallery", "gallery --outt x", "--outt"),
  usage("an argument without a flag", "train my_questions.csv", "my_questions.csv"),
  usage("an argument after --", "train -- my_questions.csv", "unexpected argument"),
  usage("a flag without its value at the end", "train --steps", "--steps"),
  usage("a flag without its value before another", "train --out --quiet", "--out"),
  usage("a flag given twice", "train --steps 3 --steps 4", "--steps", "once"),
  usage("a flag given twice in two ways", "train --seed 3 --seed=4", "--seed", "once"),
  usage("a switch given a value", "train --quiet=no", "--quiet"),
  usage("a switch negated", "train --no-quiet", "--no-quiet"),
  usage("steps that are no number", "train --steps ten", "--steps", '"ten"'),
  usage("negative steps", "train --steps -5", "--steps", "-5"),
  usage("negative steps with =", "train --steps=-5", "--steps", "-5"),
  usage("no steps", "train --steps 0", "--steps", '"0"'),
  usage("no steps of practice", "pretrain --noisy-steps 0", "--noisy-steps"),
  usage("half a step", "train --steps 1.5", "--steps", "1.5"),
  usage("steps in powers of ten", "train --steps 1e3", "--steps", "1e3"),
  usage("a seed past 2^53", "train --seed 99999999999999999999", "--seed"),
  usage("an empty value", "train --steps=", "--steps"),
  usage("an unknown method", "train --method ppo", "--method", "relift", '"ppo"'),
  usage("a method with a name that objects have", "train --method toString", "--method"),
  usage("an unknown preset", "train --preset relift-v9", "--preset", "relift-v1", '"relift-v9"'),
  usage("a preset of another method", "train --method sft --preset rl-v1", "--preset", "sft"),
  usage("an unknown device", "train --device cuda", "--device", "webgpu", '"cuda"'),
  usage("an unknown split", "evaluate --split test", "--split", "validation"),
  usage("no samples", "evaluate --samples 0", "--samples", '"0"'),
  usage("a negative temperature", "evaluate --temperature -1", "--temperature", "-1"),
  usage("a temperature that is no number", "sample --temperature warm", "--temperature"),
  usage("an endless temperature", "sample --temperature Infinity", "--temperature"),
  usage("a top-p of 0", "evaluate --top-p 0", "--top-p", "0"),
  usage("a top-p above 1", "evaluate --top-p 1.5", "--top-p", "1.5"),
  usage("a negative top-k", "sample --top-k -1", "--top-k", "-1"),
  usage("no new tokens", "sample --max-new-tokens 0", "--max-new-tokens"),
  {
    name: "another device than the run began on",
    args: [...RESUME, "--device", "wasm"],
    code: 2,
    includes: ["--device", "cpu", "wasm"],
  },
  {
    name: "another number of steps than the run began with",
    args: [...RESUME, "--steps", "9"],
    code: 2,
    includes: ["--steps", "4", "9"],
  },
  {
    name: "another number of questions than the run began with",
    args: [...RESUME, "--questions-per-step", "8"],
    code: 2,
    includes: ["--questions-per-step", "32", "8"],
  },
  {
    name: "another token limit than the run began with",
    args: [...RESUME, "--max-new-tokens", "9"],
    code: 2,
    includes: ["--max-new-tokens", "8", "9"],
  },
];

const QUESTIONS: Case[] = [
  {
    name: "an unknown dataset",
    args: words("train --dataset algebra"),
    code: 1,
    includes: ["algebra", "operators"],
  },
  {
    name: "a question file that is missing",
    args: words("train --dataset none.csv"),
    code: 1,
    includes: ["none.csv"],
  },
  {
    name: "a question file that is a folder",
    args: words("evaluate --dataset folder.csv"),
    prepare: (folder) => Deno.mkdir(`${folder}/folder.csv`),
    code: 1,
    includes: ["folder.csv"],
  },
  file("an unknown extension", "questions.xlsx", "PK", "questions.xlsx"),
  file("an empty CSV file", "bad.csv", "", "bad.csv"),
  file("a CSV file of a header alone", "bad.csv", "question,answer\n", "bad.csv"),
  file("a column that is missing", "bad.csv", "question,result\n1+1=,2\n", "bad.csv:1:answer"),
  file("a column twice", "bad.csv", "question,answer,answer\n1,2,3\n", "bad.csv:1:answer"),
  file("a ragged row", "bad.csv", "question,answer\n1+1=,2\n2+2=\n", "bad.csv:3:answer"),
  file("a row too long", "bad.csv", "question,answer\n1+1=,2,3\n", "bad.csv:2"),
  file("an unclosed quote", "bad.csv", 'question,answer\n1+1=,"2\n', "bad.csv:2:answer"),
  file("a quote inside a cell", "bad.csv", 'question,answer\n1"1,2\n', "bad.csv:2"),
  file("an empty answer", "bad.csv", "question,answer\n1+1=,2\n2+2=,\n", "bad.csv:3:answer"),
  file("an id twice", "bad.csv", "id,question,answer\nq,1,2\nq,3,4\n", "bad.csv:3:id"),
  file("bytes that are not UTF-8", "bad.csv", Uint8Array.of(0x71, 0xff, 0xfe), "bad.csv"),
  file("an empty JSON Lines file", "bad.jsonl", "\n", "bad.jsonl"),
  file(
    "a line that is not JSON",
    "bad.jsonl",
    '{"question":"1+1=","answer":2}\n{"question":"2+2=",\n',
    "bad.jsonl:2",
  ),
  file("a line that is no object", "bad.jsonl", "[1, 2]\n", "bad.jsonl:1"),
  file(
    "a field of a wrong type",
    "bad.jsonl",
    '{"question":3,"answer":"4"}',
    "bad.jsonl:1:question",
  ),
  file("a field that is missing", "bad.jsonl", '{"question":"1+1="}', "bad.jsonl:1:answer"),
  {
    name: "questions that the optimizer steps cannot share",
    args: words(TRAIN.join(" ").replace("sft", "rl") + " --questions-per-step 3"),
    prepare: (folder) => write(`${folder}/questions.csv`, csv(32)),
    code: 1,
    includes: ["optimizerSteps", "questionsPerStep 3"],
  },
  {
    name: "fewer questions than a step takes",
    args: TRAIN,
    prepare: (folder) => write(`${folder}/questions.csv`, csv(5)),
    code: 1,
    includes: ["questions", "32", "5"],
  },
  {
    name: "fewer questions than a step takes in a part of them",
    args: words(TRAIN.join(" ").replace("sft", "sft-rl")),
    code: 1,
    includes: ["sftQuestions", "32", "8"],
  },
  {
    name: "a prompt with a character the policy cannot read",
    args: [...words("sample --policy policy --device cpu --prompt"), "1×1="],
    code: 1,
    includes: ["1×1=", '"×"'],
  },
  {
    name: "a question with a character the policy cannot read, to evaluate",
    args: EVALUATE,
    prepare: (folder) => write(`${folder}/questions.csv`, csv(32) + "1×1=,1,#1\n"),
    code: 1,
    includes: ["question 32", '"×"'],
  },
  {
    name: "a question with a character the policy cannot read, to train on",
    args: TRAIN,
    prepare: (folder) => write(`${folder}/questions.csv`, csv(32) + "1×1=,1,#1\n"),
    code: 1,
    includes: ["question 32", '"×"'],
  },
  {
    name: "a demonstration with a character the policy cannot write",
    args: TRAIN,
    prepare: (folder) => write(`${folder}/questions.csv`, csv(32) + "1+0=,1,1×1#1\n"),
    code: 1,
    includes: ["question 32", '"×"'],
  },
  {
    name: "more new tokens than the policy has positions",
    args: [...EVALUATE, "--max-new-tokens", "1000"],
    code: 1,
    includes: ["128", "1000"],
  },
];

/** A method of one's own that cannot be used. */
const method = (name: string, content: string | undefined, ...includes: string[]): Case => ({
  name,
  args: words(TRAIN.join(" ").replace("sft", "mine.ts")),
  prepare: (folder) => content === undefined ? undefined : write(`${folder}/mine.ts`, content),
  code: 1,
  includes: ["mine.ts", ...includes],
});

const METHODS: Case[] = [
  method("a method's file that is missing", undefined, "no such file"),
  method("a method's file that is garbled", "export default 3 +;", "1:19"),
  method("a method's file that imports what is not there", 'import "./none.ts";', "none.ts"),
  method("a method's file without a default export", "export const mine = 1;", "none"),
  method("a method's file whose default export is no method", "export default 3;", "number"),
];

const POLICIES: Case[] = [
  policy("a policy folder that is missing", remove("policy"), "the policy policy", "fetch model"),
  policy("a policy folder that is a file", async (folder) => {
    await Deno.remove(`${folder}/policy`, { recursive: true });
    await write(`${folder}/policy`, "");
  }, "policy/config.json"),
  policy("a garbled config.json", cut("policy/config.json"), "policy/config.json"),
  policy(
    "a config.json that is no object",
    (folder) => write(`${folder}/policy/config.json`, "null"),
    "policy/config.json",
  ),
  policy(
    "a config.json with a wrong field",
    edit("policy/config.json", { num_hidden_layers: "one" }),
    "policy/config.json",
    "num_hidden_layers",
    '"one"',
  ),
  policy(
    "a config.json of another kind of model",
    edit("policy/config.json", { model_type: "gpt2" }),
    "policy/config.json",
    "model_type",
    '"gpt2"',
  ),
  policy("no weights", remove("policy/model.safetensors"), "policy/model.safetensors"),
  policy(
    "weights cut in half",
    cut("policy/model.safetensors"),
    "policy/model.safetensors",
  ),
  policy(
    "weights cut in their header",
    cut("policy/model.safetensors", 20),
    "policy/model.safetensors",
  ),
  policy(
    "a tensor of a wrong shape",
    edit("policy/config.json", { intermediate_size: 9 }),
    "policy/model.safetensors",
    "mlp",
    "[9,8]",
  ),
  policy(
    "a tensor that is missing",
    edit("policy/config.json", { num_hidden_layers: 2 }),
    "policy/model.safetensors",
    "layers.1",
    "missing",
  ),
  policy(
    "a tensor of a wrong type",
    async (folder) => {
      const path = `${folder}/policy/model.safetensors`;
      const bytes = await Deno.readFile(path);
      const header = new TextDecoder("latin1").decode(bytes);
      bytes.set(new TextEncoder().encode("I32"), header.indexOf("F32"));
      await write(path, bytes);
    },
    "policy/model.safetensors",
    "F32",
    "I32",
  ),
  policy(
    "a vocabulary smaller than the tokenizer's",
    edit("policy/config.json", { vocab_size: 3 }),
    "vocab_size",
    "3",
  ),
  policy("no tokenizer.json", remove("policy/tokenizer.json"), "policy/tokenizer.json"),
  policy("a garbled tokenizer.json", cut("policy/tokenizer.json"), "policy/tokenizer.json"),
  policy(
    "a tokenizer.json of another kind",
    edit("policy/tokenizer.json", { model: { type: "Morse", vocab: {} } }),
    "policy/tokenizer.json",
  ),
  {
    name: "a garbled strata file",
    args: [...EVALUATE, ...words("--samples 1 --max-new-tokens 4 --strata --base policy")],
    prepare: async (folder) => await write(await strataFile(folder), '{"policy": "9f'),
    code: 1,
    includes: ["runs/strata/questions-"],
  },
  {
    name: "a strata file with a wrong field",
    args: [...EVALUATE, ...words("--samples 1 --max-new-tokens 4 --strata --base policy")],
    prepare: async (folder) => await write(await strataFile(folder), '{"policy": 3}'),
    code: 1,
    includes: ["runs/strata/questions-", "policy"],
  },
  {
    name: "a strata folder below a file",
    args: [...EVALUATE, ...words("--samples 1 --max-new-tokens 4 --strata --base policy")],
    prepare: (folder) => write(`${folder}/runs`, ""),
    code: 1,
    includes: ["runs/strata"],
  },
  {
    name: "no policy that defines the strata",
    args: [...EVALUATE, ...words("--samples 1 --max-new-tokens 4 --strata --base none")],
    code: 1,
    includes: ["the policy none"],
  },
];

const RUNS: Case[] = [
  {
    name: "an --out that holds a run already",
    args: [...TRAIN.slice(0, -1), "run"],
    code: 1,
    includes: ["run", "--resume", "--out"],
  },
  {
    name: "an --out that holds a policy",
    args: [...TRAIN.slice(0, -1), "policy"],
    code: 1,
    includes: ["policy", "--out"],
  },
  {
    name: "an --out that is a file",
    args: [...TRAIN.slice(0, -1), "questions.csv"],
    code: 1,
    includes: ["questions.csv"],
  },
  {
    name: "an --out below a file",
    args: [...TRAIN.slice(0, -1), "questions.csv/new"],
    code: 1,
    includes: ["questions.csv/new"],
  },
  {
    name: "an --out below a file, to pretrain",
    args: words("pretrain --steps 1 --noisy-steps 1 --out questions.csv/new --device wasm"),
    code: 1,
    includes: ["questions.csv"],
  },
  {
    name: "an --out that holds something else than a policy, to pretrain",
    args: words("pretrain --steps 1 --noisy-steps 1 --out run --device wasm"),
    code: 1,
    includes: ["run", "policy"],
  },
  {
    name: "a run to resume that is missing",
    args: words("train --resume --out none"),
    code: 1,
    includes: ["none/config.json"],
  },
  {
    name: "a run to resume that is a policy",
    args: words("train --resume --out policy"),
    code: 1,
    includes: ["policy/config.json", "settings"],
  },
  resume("a garbled config of the run", cut("run/config.json"), "run/config.json"),
  resume(
    "a config of the run with a wrong field",
    edit("run/config.json", { settings: { method: 7, config: {} } }),
    "run/config.json",
    "settings.method",
  ),
  resume(
    "a config of the run with an unknown device",
    edit("run/config.json", { device: { name: "cuda", description: "" } }),
    "run/config.json",
    "device",
  ),
  resume(
    "a config of the run with an unknown method",
    edit("run/config.json", { settings: { method: "ppo", config: PRESETS.rl!.config } }),
    "method",
    "ppo",
  ),
  resume(
    "the file of the run's own method gone",
    edit("run/config.json", { settings: { method: "mine.ts", config: PRESETS.rl!.config } }),
    "mine.ts",
  ),
  resume("no checkpoint", remove("run/checkpoint"), "run/checkpoint/"),
  resume(
    "a checkpoint's state cut in half",
    cut("run/checkpoint/state.json"),
    "run/checkpoint/state.json",
  ),
  resume(
    "a checkpoint's state with a wrong field",
    edit("run/checkpoint/state.json", { step: -1 }),
    "run/checkpoint/state.json",
    "step",
  ),
  resume(
    "a checkpoint's state past the questions",
    edit("run/checkpoint/state.json", { hardest: [{ index: 999, step: 0 }] }),
    "run/checkpoint/state.json",
    "999",
  ),
  resume(
    "a checkpoint's state past the last step",
    edit("run/checkpoint/state.json", { step: 99 }),
    "run/checkpoint/state.json",
    "99",
  ),
  resume(
    "a checkpoint's optimizers cut in half",
    cut("run/checkpoint/optimizers.safetensors"),
    "run/checkpoint/optimizers.safetensors",
  ),
  resume(
    "a checkpoint's weights cut in half",
    cut("run/checkpoint/model.safetensors"),
    "run/checkpoint/model.safetensors",
  ),
  resume(
    "a question changed since the run began",
    (folder) => write(`${folder}/questions.csv`, csv(32) + "9+9=,18,#18\n"),
    "Cannot resume run as questions.csv",
  ),
  resume(
    "a demonstration changed since the run began",
    (folder) => write(`${folder}/questions.csv`, csv(32).replaceAll("#", "so #")),
    "Cannot resume run as questions.csv",
  ),
  resume("the questions gone since the run began", remove("questions.csv"), "questions.csv"),
  resume("the policy it began with gone", remove("policy"), "the policy policy"),
  resume("the policy it began with changed", async (folder) => {
    await Deno.copyFile(
      `${folder}/run/checkpoint/model.safetensors`,
      `${folder}/policy/model.safetensors`,
    );
  }, "Cannot resume run as policy"),
  resume("metrics corrupt in the middle", async (folder) => {
    const path = `${folder}/run/metrics.jsonl`;
    const lines = (await Deno.readTextFile(path)).split("\n");
    await write(path, lines.with(1, lines[1]!.slice(0, 9)).join("\n"));
  }, "run/metrics.jsonl:2"),
  resume(
    "metrics out of order",
    (folder) => write(`${folder}/run/metrics.jsonl`, '{"step":1}\n{"step":0}\n{"step":2}\n'),
    "run/metrics.jsonl:2",
    "step",
  ),
  resume(
    "samples corrupt in the middle",
    (folder) => write(`${folder}/run/samples.jsonl`, '{"step":0}\n{"ste\n{"step":9}\n'),
    "run/samples.jsonl:2",
  ),
];

const MACHINE: Case[] = [
  {
    name: "webgpu where there is no adapter",
    args: [...EVALUATE.slice(0, -1), "webgpu"],
    env: {
      VK_DRIVER_FILES: "/dev/null", // no Vulkan driver,
      VK_ICD_FILENAMES: "/dev/null",
      EGL_PLATFORM: "none", // and none of OpenGL
      __EGL_VENDOR_LIBRARY_FILENAMES: "/dev/null",
    },
    code: 1,
    includes: ["webgpu", "adapter"],
    ignore: Deno.build.os !== "linux",
  },
  ...[
    { name: "a disk full at the checkpoint of a new run", args: TRAIN, full: "/model.safetensors" },
    { name: "a disk full at the config of a new run", args: TRAIN, full: "/config.json.tmp" },
    {
      name: "a disk full at the metrics of a resumed run",
      args: RESUME,
      full: "metrics.jsonl.tmp",
    },
  ].map((each) => ({
    ...each,
    code: 1 as const,
    includes: ["the disk is full", each.args === RESUME ? "run/metrics.jsonl" : "new/"],
    ignore: Deno.build.os !== "linux", // no /dev/full
  })),
];

/** A program to run first: writes to some files end on a disk that is full. */
const FULL_DISK = `
const end = Deno.env.get("FULL");
const { open, writeFile } = Deno;
const disk = (path) => path.replace(/\\.\\d+-\\d+\\.tmp$/, ".tmp").endsWith(end) ? "/dev/full" : path;
Deno.open = (path, options) =>
  options?.write && disk(path) !== path ? open(disk(path), { write: true }) : open(path, options);
Deno.writeFile = (path, ...rest) => writeFile(disk(path), ...rest);
`;

Deno.test({
  name: "commands tell bad input in one line and change no file",
  sanitizeOps: false, // two cases at a time
  sanitizeResources: false,
  async fn(t): Promise<void> {
    const home = await Deno.makeTempDir();
    try {
      await makeFixture(`${home}/fixture`);
      await write(`${home}/full_disk.js`, FULL_DISK);
      const cases = [...USAGE, ...QUESTIONS, ...METHODS, ...POLICIES, ...RUNS, ...MACHINE];
      let next = 0;
      const worker = async () => {
        for (let at = next++; at < cases.length; at = next++) {
          const each = cases[at]!;
          await t.step({
            name: each.name,
            ignore: each.ignore ?? false,
            sanitizeOps: false,
            sanitizeResources: false,
            sanitizeExit: false,
            fn: () => check(each, home, `${home}/case-${at}`),
          });
        }
      };
      await Promise.all([worker(), worker()]);
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
});

Deno.test("train counts questions without a demonstration and goes on", async () => {
  const home = await Deno.makeTempDir();
  try {
    const folder = `${home}/fixture`;
    await makeFixture(folder);
    await write(`${folder}/questions.csv`, csv(32).replaceAll(/#\d+$/gm, ""));
    const args = [...TRAIN, ...words("--steps 1 --max-new-tokens 4")];
    const { code, stdout, stderr } = await run(args, folder);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "\ncost: 0 rollouts, 0 optimizer steps, 0.00e0 FLOPs\n");
    const [line] = (await Deno.readTextFile(`${folder}/new/metrics.jsonl`)).split("\n");
    assertEquals(JSON.parse(line!)["sft/without_demonstration"], 32);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("train takes a method of one's own and says what it cost", async () => {
  const home = await Deno.makeTempDir();
  try {
    const folder = `${home}/fixture`;
    await makeFixture(folder);
    const text = `import { method, rl } from "${new URL("mod.ts", root)}";
      export default method({ ...rl, id: "mine", config: { ...rl.config, optimizerSteps: 1 } });`;
    await write(`${folder}/mine.ts`, text);
    const args = [...TRAIN, ...words("--steps 1 --max-new-tokens 4")];
    const own = args.map((arg) => arg === "sft" ? "mine.ts" : arg);
    const { code, stdout, stderr } = await run(own, folder);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /\nmine\.ts on questions\.csv, 1 steps, seed 1: 32 questions/);
    // 32 questions with 8 completions each; the step may have had no signal
    assertMatch(stdout, /\ncost: 256 rollouts, [01] optimizer steps, \d\.\d\de\d FLOPs\n/);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

/** Runs a case in a copy of the fixture. */
async function check(each: Case, home: string, folder: string): Promise<void> {
  await copy(`${home}/fixture`, folder);
  await each.prepare?.(folder);
  const before = await snapshot(folder);
  const { code, stderr } = await run(each.args, folder, {
    env: { ...each.env, ...(each.full ? { FULL: each.full } : {}) },
    preload: each.full ? `${home}/full_disk.js` : undefined,
  });
  assertMatch(stderr, /^error: [^\n]+\n$/, "stderr must be one line that begins with error:");
  assertEquals(code, each.code, stderr);
  for (const part of each.includes) assertStringIncludes(stderr, part);
  assertEquals(await snapshot(folder), before, `files must be as they were after: ${stderr}`);
}

/** A command may take this long to say what is wrong, in milliseconds: less than its work would. */
const PATIENCE = 20_000;

/** Runs a command that is soon done. */
async function run(
  args: readonly string[],
  folder: string,
  options: RunOptions = {},
): Promise<Outcome> {
  return await runCommand(args.join(" "), folder, { ...options, patience: PATIENCE });
}

/** A folder with a policy, questions and a run that has one step of four to go. */
async function makeFixture(folder: string): Promise<void> {
  const device = await openDevice({ prefer: "cpu" });
  await Deno.mkdir(folder);
  await write(`${folder}/questions.csv`, csv(32));
  const tokenizer = charTokenizer("0123456789+=#so ");
  const shape = modelConfig({
    vocab_size: tokenizer.vocabSize,
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    max_position_embeddings: 128,
  });
  const base = createPolicy(shape, tokenizer, 1);
  await savePolicy(base, `${folder}/policy`);
  const dataset = await openDataset(`${folder}/questions.csv`);
  const run = await createRun(
    `${folder}/run`,
    {
      settings: {
        method: "sft",
        config: { ...PRESETS.sft!.config, steps: 4, maxNewTokens: 8 },
      },
      preset: "sft",
      dataset: "questions.csv",
      datasetFingerprint: datasetFingerprint(dataset),
      policy: "policy",
      policyFingerprint: await policyFingerprint(base),
      device,
      versions: versions(),
      commit: null,
    },
    createPolicy(shape, tokenizer, 2), // as if it had learned something
    dataset,
  );
  for (; run.state.step < 3; run.state.step++) await run.log.append({ step: run.state.step });
  run.state.optimizers.sft = adamwState(run.policy.weights);
  await saveRun(run);
  disposeRun(run);
  disposePolicy(base);
}

/** `count` sums with demonstrations. */
function csv(count: number): string {
  const rows = Array.from({ length: count }, (_, i) => `${i}+1=,${i + 1},#${i + 1}\n`);
  return `question,answer,demonstration\n${rows.join("")}`;
}

/** Where the strata of the fixture's policy and questions are kept, less the sampling's settings. */
async function strataFile(folder: string): Promise<string> {
  await Deno.mkdir(`${folder}/runs/strata`, { recursive: true });
  const dataset = await openDataset(`${folder}/questions.csv`);
  const base = await loadPolicy(`${folder}/policy`);
  const fingerprints = `${datasetFingerprint(dataset)}-${await policyFingerprint(base)}`;
  disposePolicy(base);
  return `${folder}/runs/strata/questions-${fingerprints}-4.json`;
}

function words(text: string): string[] {
  return text.split(" ");
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await Deno.writeFile(
    path,
    typeof content === "string" ? new TextEncoder().encode(content) : content,
  );
}

/** Cuts a file off in the middle, or after some bytes. */
function cut(path: string, length?: number): (folder: string) => Promise<void> {
  return async (folder) => {
    const { size } = await Deno.stat(`${folder}/${path}`);
    await Deno.truncate(`${folder}/${path}`, length ?? Math.floor(size / 2));
  };
}

function remove(path: string): (folder: string) => Promise<void> {
  return (folder) => Deno.remove(`${folder}/${path}`, { recursive: true });
}

/** Changes fields of a JSON file. */
function edit(path: string, fields: Record<string, unknown>): (folder: string) => Promise<void> {
  return async (folder) => {
    const value = JSON.parse(await Deno.readTextFile(`${folder}/${path}`));
    await write(`${folder}/${path}`, JSON.stringify({ ...value, ...fields }));
  };
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copy(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Every file under a folder and the SHA-256 of what it holds; folders end in a slash. */
async function snapshot(folder: string, prefix = ""): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const entries = [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory } of entries) {
    const path = `${folder}/${name}`;
    if (isDirectory) {
      found[`${prefix}${name}/`] = "";
      Object.assign(found, await snapshot(path, `${prefix}${name}/`));
    } else {
      const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
      found[prefix + name] = new Uint8Array(digest).toHex();
    }
  }
  return found;
}
