// deno task train --method relift --steps 60
// deno-lint-ignore-file no-console
import {
  baseAccuracies,
  continueRun,
  createRun,
  type Dataset,
  datasetFingerprint,
  DATASETS,
  demonstrationMetrics,
  demonstrationRow,
  type DeviceName,
  disposePolicy,
  disposeRun,
  encodePrompt,
  evaluate,
  type EvaluationSummary,
  evaluationTable,
  isMethodName,
  METHODS,
  type MethodSettings,
  openDataset,
  openDevice,
  openMethod,
  openPolicy,
  openProgress,
  PLAIN_SAMPLING,
  type Policy,
  policyFingerprint,
  PRESETS,
  questionsOf,
  questionsOfBatch,
  readRunConfig,
  resumeRun,
  type Run,
  runConfig,
  saveRun,
  statusLine,
  subset,
  summarize,
  writeWhole,
} from "../mod.ts";
import { type Command, type Flag, runTask, UsageError, type Values } from "./_cli.ts";
import { DATASET, DEVICE, POLICY } from "./_flags.ts";

/** Samples of each validation question, before and after. */
const SAMPLES = 8;

/** Seed of the samples before and after; `deno task evaluate` uses the same unless told otherwise. */
const EVALUATION_SEED = 1001;

const command = {
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
    "deno task train --resume --out runs/mine",
  ],
} as const satisfies Command<Record<string, Flag>>;

type TrainFlags = Values<typeof command.flags>;

/** Trains and evaluates. */
async function train(flags: TrainFlags): Promise<void> {
  const say = flags.quiet ? () => {} : (text: string) => console.log(text);
  const { method = "relift", dataset = DATASET.default, seed = 1 } = flags;
  const name = dataset.split(/[\\/]/).at(-1)!.replace(/\.\w+$/, "");
  const id = method.split(/[\\/]/).at(-1)!.replace(/\.[jt]s$/, "");
  const out = flags.out ?? `runs/${id}-${name}-${seed}`;
  const run = flags.resume ? await reopen(out, flags) : await begin(out, flags, say);
  say(`${run.config.device.description}; run folder ${out}`);
  say("sampling the policy it begins with");
  const validation = await openDataset(run.config.dataset, "validation");
  const base = await openPolicy(run.config.policy);
  const { maxNewTokens } = run.config.settings.config;
  const strata = await baseAccuracies(base, validation, { maxNewTokens });
  const judge = async (policy: Policy, dataset: Dataset = validation) =>
    await evaluate(policy, dataset, {
      ...PLAIN_SAMPLING,
      samples: SAMPLES,
      maxNewTokens,
      seed: EVALUATION_SEED,
    });
  const before = summarize(await judge(base), strata);
  disposePolicy(base);

  const finished = await steps(run, flags.quiet, flags["checkpoint-every"]);
  if (!finished) {
    say(`stopped after step ${run.state.step}; to go on: deno task train --resume --out ${out}`);
    Deno.exit(130);
  }
  const after = summarize(await judge(run.policy), strata);
  const taughtIndices = Object.keys(run.state.taught).map(Number);
  const { kind } = await openMethod(run.config.settings.method);
  const taught = taughtIndices.length > 0 && kind !== "sft" // which would ask all it trained on
    ? summarize(await judge(run.policy, subset(run.dataset, taughtIndices)))
    : undefined;
  const used = demonstrationMetrics(run.state, run.dataset);
  const outcome = {
    before,
    after,
    taught,
    demonstrations: used["demonstrations/used"],
    demonstrationShare: used["demonstrations/share"],
  };
  await writeWhole(`${out}/evaluation.json`, JSON.stringify(outcome, null, 2) + "\n");
  say(report(run, before, after, taught));
  disposeRun(run);
}

/**
 * How many questions cannot be taught.
 *
 * @throws {RangeError} When a question cannot be asked, or there are fewer than a step takes.
 */
function countUnusable(
  policy: Policy,
  dataset: Dataset,
  settings: MethodSettings,
): number {
  const { config } = settings;
  questionsOfBatch(dataset, config.questionsPerStep, config.seed, 0);
  return questionsOf(dataset).filter((question) => {
    encodePrompt(policy, question, config.maxNewTokens);
    return !demonstrationRow(policy, dataset, question, config.maxNewTokens);
  }).length;
}

/** Starts a new run; tells how many of its questions cannot be taught. */
async function begin(
  out: string,
  flags: TrainFlags,
  say: (text: string) => void,
): Promise<Run> {
  const { method = "relift", seed = 1 } = flags;
  const { dataset: datasetName = DATASET.default, policy: folder = POLICY.default } = flags;
  if (!isMethodName(method)) {
    throw new UsageError(
      `--method must be ${Object.keys(METHODS).join(", ")} or a .ts file: ` +
        `current value is ${JSON.stringify(method)}`,
    );
  }
  const { config: defaults } = await openMethod(method);
  const preset = flags.preset ?? method;
  const { method: owner, config: scaled } = PRESETS[preset] ?? { method, config: defaults };
  if (owner !== method) {
    throw new UsageError(
      `--preset must be one of --method ${method}: current value is ${preset}, of ${owner}`,
    );
  }
  const dataset = await openDataset(datasetName);
  const device = await openDevice({ prefer: flags.device });
  const policy = await openPolicy(folder);
  const settings: MethodSettings = {
    method,
    config: {
      ...scaled,
      seed,
      steps: flags.steps ?? scaled.steps,
      maxNewTokens: flags["max-new-tokens"] ?? scaled.maxNewTokens,
      questionsPerStep: flags["questions-per-step"] ?? scaled.questionsPerStep,
    },
  };
  const config = await runConfig(
    { settings, preset, dataset: datasetName, policy: folder, device },
    { policy, dataset },
  );
  const unusable = countUnusable(policy, dataset, settings); // before anything is written
  if (unusable > 0) {
    say(
      `${unusable} of ${dataset.size} questions have no usable demonstration (missing, too long ` +
        `or graded wrong) and are never taught`,
    );
  }
  return await createRun(out, config, policy, dataset);
}

/** Opens a run again, with the settings and on the device it began with. */
async function reopen(out: string, flags: TrainFlags): Promise<Run> {
  const config = await readRunConfig(out);
  const { settings, preset, dataset: datasetName } = config;
  const { steps, seed, maxNewTokens, questionsPerStep } = settings.config;
  const device = config.device.name as DeviceName;
  const began = {
    method: settings.method,
    preset,
    dataset: datasetName,
    policy: config.policy,
    steps,
    seed,
    "questions-per-step": questionsPerStep,
    "max-new-tokens": maxNewTokens,
    device,
  };
  for (const [name, value] of Object.entries(began)) {
    const given = flags[name as keyof typeof began];
    if (given !== undefined && given !== value && given !== "auto") {
      throw new UsageError(
        `--${name} must be what the run in ${out} began with, ${value}: current value is ${given}`,
      );
    }
  }
  const dataset = await openDataset(datasetName);
  const fingerprint = datasetFingerprint(dataset);
  if (fingerprint !== config.datasetFingerprint) {
    throw new RangeError(
      `Cannot resume ${out} as ${datasetName} must hold the questions it began with: ` +
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

/** Runs the steps that are left; false when an interrupt ended them early. */
async function steps(run: Run, quiet: boolean, checkpointEvery: number): Promise<boolean> {
  const total = run.config.settings.config.steps;
  let interrupted = false;
  const interrupt = () => void (interrupted = true);
  Deno.addSignalListener("SIGINT", interrupt);
  using progress = openProgress({ total, start: run.state.step, quiet });
  for await (const metrics of continueRun(run, checkpointEvery)) {
    progress.step(run.state.step, statusLine(metrics));
    if (interrupted) break;
  }
  Deno.removeSignalListener("SIGINT", interrupt);
  if (interrupted) await saveRun(run);
  return run.state.step === total;
}

/** What a run learned, as text. */
function report(
  run: Run,
  before: EvaluationSummary,
  after: EvaluationSummary,
  taught: EvaluationSummary | undefined,
): string {
  const { settings: { config }, preset, dataset } = run.config;
  const distinct = Object.keys(run.state.taught).length;
  const { rollouts, optimizerSteps, flops } = run.state.budget;
  return [
    `${preset} on ${dataset}, ${config.steps} steps, seed ${config.seed}: ${before.questions} ` +
    `${dataset in DATASETS ? "validation questions" : "questions, those it trained on"}, ` +
    `avg@${before.samples}`,
    evaluationTable(before, after),
    `demonstrations used: ${distinct} of ${run.dataset.size} ` +
    `(${(100 * distinct / run.dataset.size).toFixed(1)} %), SFT events: ${run.state.sftEvents}`,
    `cost: ${rollouts} rollouts, ${optimizerSteps} optimizer steps, ` +
    `${flops.toExponential(2).replace("+", "")} FLOPs`,
    ...(taught
      ? [`taught questions now: avg@${taught.samples} ${taught.average.mean.toFixed(3)}`]
      : []),
  ].join("\n");
}

if (import.meta.main) await runTask(command, train);
