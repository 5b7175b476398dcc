// deno task train --method relift --steps 60
// deno-lint-ignore-file no-console
import {
  baseAccuracies,
  basePolicy,
  continueRun,
  createAdapter,
  createRun,
  type Dataset,
  datasetFingerprint,
  demonstrationMetrics,
  demonstrationRow,
  type DeviceName,
  disposePolicy,
  disposeRun,
  encodePrompt,
  evaluate,
  type EvaluationSummary,
  evaluationTable,
  findDuplicates,
  isMethodName,
  isPublishedSize,
  LORA_TARGETS,
  type LoraConfig,
  METHODS,
  type MethodSettings,
  openCheckedDataset,
  openDataset,
  openDevice,
  openMethod,
  openPolicy,
  openProgress,
  openTeacher,
  parameterCount,
  PLAIN_SAMPLING,
  type Policy,
  policyFingerprint,
  policyPath,
  preflight,
  preflightText,
  PRESETS,
  publicAddress,
  type Question,
  questionsOf,
  questionsOfBatch,
  readRunConfig,
  resumeRun,
  type Run,
  type RunConfig,
  runConfig,
  saveRun,
  sizedFor,
  slice,
  statusLine,
  subset,
  summarize,
  type Teacher,
  withAdapter,
  withSettings,
  withTeacher,
  writeWhole,
} from "../mod.ts";
import { type Command, type Flag, runTask, UsageError, type Values } from "./_cli.ts";
import { checkpointOf, DATASET, DEVICE, POLICY, PROMPT, promptFor, promptOf } from "./_flags.ts";

/** Samples of each validation question, before and after. */
const SAMPLES = 8;

/** Questions that a published model is judged on unless told otherwise: each takes it seconds. */
const PUBLISHED_QUESTIONS = 16;

/** Where it is kept what a set's check found, so that the next run starts at once. */
const CHECKS = { cache: "downloads/checks" };

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

type TrainFlags = Values<typeof command.flags>;

/** Trains and evaluates. */
async function train(flags: TrainFlags): Promise<void> {
  const say = flags.quiet ? () => {} : (text: string) => console.log(text);
  const { method = "relift", dataset = DATASET.default, seed = 1 } = flags;
  checkTeacher(flags);
  const name = dataset.split(/[\\/]/).at(-1)!.replace(/\.\w+$/, "");
  const id = method.split(/[\\/]/).at(-1)!.replace(/\.[jt]s$/, "");
  const out = flags.out ?? `runs/${id}-${name}-${seed}`;
  const run = flags.resume ? await reopen(out, flags) : await begin(out, flags, say);
  say(`${run.config.device.description}; run folder ${out}`);
  const judged = await openJudge(run, flags.validation, say);
  if (judged) say("sampling the policy it begins with");
  const before = judged && await judged.base();

  const finished = await steps(await withTeacherOf(run, flags, say), flags);
  if (!finished) {
    say(`stopped after step ${run.state.step}; to go on: deno task train --resume --out ${out}`);
    Deno.exit(130);
  }
  if (judged) say("sampling the policy it ends with");
  const after = await judged?.judge(run.policy);
  const used = demonstrationMetrics(run.state, run.dataset);
  const taught = judged && await judgeTaught(run, judged);
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

/** Judges policies on validation questions, by the base policy's difficulty. */
interface Judge {
  /** Of the policy the run began with; first, as it decides what is difficult. */
  base(): Promise<EvaluationSummary>;
  judge(policy: Policy): Promise<EvaluationSummary>;
  /** On other questions, whose difficulty is not known. */
  judgeOn(dataset: Dataset, policy: Policy): Promise<EvaluationSummary>;
}

/** Opens the validation questions of a run; undefined where none are wanted. */
async function openJudge(
  run: Run,
  wanted: number | undefined,
  say: (text: string) => void,
): Promise<Judge | undefined> {
  const count = wanted ?? (isPublishedSize(parameterCount(run.policy)) ? PUBLISHED_QUESTIONS : 240);
  if (count === 0) return;
  const { dataset: all } = await openCheckedDataset(run.config.dataset, "validation", CHECKS);
  const validation = slice(all, 0, Math.min(count, all.size));
  const shared = findDuplicates(run.dataset, validation);
  if (shared.length > 0) {
    say(
      `${shared.length} of ${validation.size} validation questions are trained on, too, such as ` +
        `question ${shared[0]!.id}: how they are solved tells what was learned by heart`,
    );
  }
  const { maxNewTokens } = run.config.settings.config;
  let strata: Readonly<Record<string, number>> = {};
  const sampled = (policy: Policy, dataset: Dataset) =>
    evaluate(policy, dataset, {
      ...PLAIN_SAMPLING,
      samples: SAMPLES,
      maxNewTokens,
      seed: EVALUATION_SEED,
    });
  const judge = async (policy: Policy) => summarize(await sampled(policy, validation), strata);
  const base = async () => {
    // beside the adapter that learns, the policy it began with is there still
    const { lora, policy: path, prompt } = run.config;
    const policy = lora ? basePolicy(run.policy) : await openPolicy(path, { prompt });
    strata = await baseAccuracies(policy, validation, { maxNewTokens });
    const summary = await judge(policy);
    if (!lora) disposePolicy(policy);
    return summary;
  };
  const judgeOn = async (dataset: Dataset, policy: Policy) =>
    summarize(await sampled(policy, dataset));
  return { base, judge, judgeOn };
}

/** How questions that were taught are solved; not where all were, nor where none was. */
async function judgeTaught(run: Run, { judgeOn }: Judge): Promise<EvaluationSummary | undefined> {
  const indices = Object.keys(run.state.taught).map(Number);
  const { kind } = await openMethod(run.config.settings.method);
  if (indices.length === 0 || kind === "sft") return;
  const judged = isPublishedSize(parameterCount(run.policy))
    ? indices.slice(0, PUBLISHED_QUESTIONS)
    : indices;
  return await judgeOn(subset(run.dataset, judged), run.policy);
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
    return !demonstrationRow(policy, question, config.maxNewTokens);
  }).length;
}

/**
 * The preset that flags ask for.
 *
 * @throws {UsageError} When the method is unknown or the preset is another's.
 */
async function presetOf(flags: TrainFlags): Promise<{
  readonly method: string;
  readonly preset: string;
  readonly config: MethodSettings["config"];
}> {
  const { method = "relift", preset = method } = flags;
  if (!isMethodName(method)) {
    throw new UsageError(
      `--method must be ${Object.keys(METHODS).join(", ")} or a .ts file: ` +
        `current value is ${JSON.stringify(method)}`,
    );
  }
  const named = PRESETS[preset] ?? { method, config: (await openMethod(method)).config };
  if (named.method !== method) {
    throw new UsageError(
      `--preset must be one of --method ${method}: current value is ${preset}, of ${named.method}`,
    );
  }
  return { method, preset, config: named.config };
}

/** The settings that flags ask for, of a policy of this many parameters. */
function configOf(
  flags: TrainFlags,
  config: MethodSettings["config"],
  parameters: number,
): MethodSettings["config"] {
  const sized = sizedFor(config, parameters);
  const changed = {
    ...sized,
    seed: flags.seed ?? 1,
    steps: flags.steps ?? sized.steps,
    maxNewTokens: flags["max-new-tokens"] ?? sized.maxNewTokens,
    questionsPerStep: flags["questions-per-step"] ?? sized.questionsPerStep,
  };
  return withSettings(changed, flags.set ?? "");
}

/** The adapter that flags ask for, if any. */
function loraOf(flags: TrainFlags): LoraConfig | undefined {
  const { lora: r, "lora-alpha": alpha, "lora-targets": targets } = flags;
  if (r === undefined) {
    const given = ["lora-alpha", "lora-targets"] as const;
    const stray = given.find((name) => flags[name] !== undefined);
    if (stray) throw new UsageError(`--${stray} needs --lora, the adapter's rank`);
    return;
  }
  const target_modules = targets?.split(",").map((name) => name.trim()) ?? LORA_TARGETS;
  return { r, lora_alpha: alpha ?? 2 * r, target_modules };
}

/** Starts a new run; tells what of its questions was dropped or cannot be taught. */
async function begin(
  out: string,
  flags: TrainFlags,
  say: (text: string) => void,
): Promise<Run> {
  const { dataset: datasetName = DATASET.default, policy: policyName = POLICY.default } = flags;
  const { method, preset, config: named } = await presetOf(flags);
  const [lora, prompt] = [loraOf(flags), await promptFor(flags, policyName)];
  const { dataset, report } = await openCheckedDataset(datasetName, "train", CHECKS);
  report.forEach(say);
  if (flags.validation !== 0) await openDataset(datasetName, "validation"); // is it there?
  const device = await openDevice({ prefer: flags.device });
  const path = await policyPath(policyName);
  const base = await openPolicy(path, { prompt });
  if (lora && base.adapter) {
    throw new UsageError(
      `--lora needs a policy without an adapter: deno task export merges that of ${policyName}`,
    );
  }
  const settings = { method, config: configOf(flags, named, parameterCount(base)) };
  const teacher = teacherOf(flags);
  const config = await runConfig(
    { settings, preset, dataset: datasetName, policy: path, prompt, lora, teacher, device },
    { policy: base, dataset },
  );
  const policy = lora === undefined ? base : withAdapter(
    base,
    createAdapter(base.config, lora, {
      base: await checkpointOf(path) ?? path,
      seed: settings.config.seed,
    }),
  );
  const unusable = countUnusable(policy, dataset, settings); // before anything is written
  if (unusable > 0) {
    say(
      `${unusable} of ${dataset.size} questions have no usable demonstration (missing or too ` +
        `long) and are ${teacher ? "taught only by what the teacher gives" : "never taught"}`,
    );
  }
  if (isPublishedSize(parameterCount(policy))) {
    say(preflightText(await preflight(policy, dataset.question(0))));
  }
  return await createRun(out, config, policy, dataset);
}

/** Opens a run again, with the settings and on the device it began with. */
async function reopen(out: string, flags: TrainFlags): Promise<Run> {
  const config = await readRunConfig(out);
  const device = config.device.name as DeviceName;
  await checkBegan(out, config, flags);
  const { dataset } = await openCheckedDataset(config.dataset, "train", CHECKS);
  const fingerprint = datasetFingerprint(dataset);
  if (fingerprint !== config.datasetFingerprint) {
    throw new RangeError(
      `Cannot resume ${out} as ${config.dataset} must hold the questions it began with: ` +
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

/**
 * Checks that flags given with `--resume` are those that a run began with.
 *
 * @throws {UsageError} Naming the first that is not.
 */
async function checkBegan(out: string, config: RunConfig, flags: TrainFlags): Promise<void> {
  const { settings, preset, dataset, policy, lora, prompt, teacher } = config;
  const { steps, seed, maxNewTokens, questionsPerStep } = settings.config;
  const changed = withSettings(settings.config, flags.set ?? "");
  const asSet = JSON.stringify(changed) === JSON.stringify(settings.config);
  const began = {
    method: settings.method,
    preset,
    dataset,
    policy,
    steps,
    seed,
    "questions-per-step": questionsPerStep,
    "max-new-tokens": maxNewTokens,
    lora: lora?.r,
    "lora-alpha": lora?.lora_alpha,
    "lora-targets": lora?.target_modules.join(","),
    template: prompt?.template,
    system: prompt?.system,
    "teacher-model": teacher?.model, // its address may be another
    set: asSet ? flags.set : "told in its config.json",
    device: config.device.name as DeviceName,
  };
  const now = { ...flags, ...await promptOf(flags) };
  for (const [name, value] of Object.entries(began)) {
    const given = now[name as keyof typeof began];
    const same = given === value || (name === "policy" && value?.toString().endsWith(`/${given}`));
    if (given !== undefined && !same && given !== "auto") {
      throw new UsageError(
        `--${name} must be what the run in ${out} began with, ${value ?? "none"}: ` +
          `current value is ${given}`,
      );
    }
  }
}

/** A run, and who is asked for demonstrations meanwhile. */
interface TaughtRun extends Run {
  readonly teacher?: Teacher;
}

/**
 * Checks the flags of the teacher, who is asked only when the run has begun.
 *
 * @throws {UsageError} When one lacks the other, or there is no such address.
 */
function checkTeacher({ teacher, "teacher-model": model }: TrainFlags): void {
  if ((teacher === undefined) !== (model === undefined)) {
    throw new UsageError("--teacher and --teacher-model go together: one is not given");
  }
  if (teacher !== undefined && !/^https?:$/.test(URL.parse(teacher)?.protocol ?? "")) {
    throw new UsageError(
      `--teacher must be an address of http or https: current value is ${teacher}`,
    );
  }
}

/** The teacher that flags ask for, as it is stored. */
function teacherOf({ teacher: url, "teacher-model": model }: TrainFlags): RunConfig["teacher"] {
  return url === undefined || model === undefined ? undefined : { url: publicAddress(url), model };
}

/** Opens the teacher that flags ask for, or the one that the run began with. */
async function withTeacherOf(
  run: Run,
  flags: TrainFlags,
  say: (text: string) => void,
): Promise<TaughtRun> {
  const { policy, dataset, config: { settings, teacher: began, ...about } } = run;
  const { teacher: url = began?.url, "teacher-model": model = began?.model } = flags;
  if (url === undefined || model === undefined) return run;
  const { config } = settings;
  const fits = (question: Question, demonstration: string) =>
    demonstrationRow(policy, { ...question, demonstration }, config.maxNewTokens) !== undefined;
  const teacher = await openTeacher({
    url,
    key: Deno.env.get("RELIFT_TEACHER_KEY") || undefined,
    model,
    dataset,
    store: `${run.folder}/teacher.jsonl`,
    // The same wherever the folder is, and another where its store is given to another run.
    run: [about.preset, about.datasetFingerprint, about.policyFingerprint, config.seed].join("-"),
    seed: config.seed,
    fits,
    warn: say,
  });
  return { ...run, dataset: withTeacher(dataset, teacher), teacher };
}

/** Runs the steps that are left; false when an interrupt ended them early. */
async function steps(run: TaughtRun, flags: TrainFlags): Promise<boolean> {
  const { quiet, "checkpoint-every": checkpointEvery } = flags;
  const total = run.config.settings.config.steps;
  await using teacher = run.teacher;
  await teacher?.beginStep(run.state.step);
  let interrupted = false;
  const interrupt = () => void (interrupted = true);
  Deno.addSignalListener("SIGINT", interrupt);
  using progress = openProgress({ total, start: run.state.step, quiet });
  for await (const metrics of continueRun(run, checkpointEvery)) {
    progress.step(run.state.step, statusLine(metrics));
    await teacher?.beginStep(run.state.step);
    if (interrupted) break;
  }
  Deno.removeSignalListener("SIGINT", interrupt);
  if (interrupted) await saveRun(run);
  return run.state.step === total;
}

/** What a run learned, as text. */
function report(
  run: Run,
  before: EvaluationSummary | undefined,
  after: EvaluationSummary | undefined,
  taught: EvaluationSummary | undefined,
): string {
  const { settings: { config }, preset, dataset } = run.config;
  const distinct = Object.keys(run.state.taught).length;
  const { rollouts, optimizerSteps, flops } = run.state.budget;
  const about = `${preset} on ${dataset}, ${config.steps} steps, seed ${config.seed}`;
  const isOwn = /\.\w+$/.test(dataset);
  return [
    ...(before && after
      ? [
        `${about}: ${before.questions} ${
          isOwn ? "questions, those it trained on" : "validation questions"
        }, avg@${before.samples}`,
        evaluationTable(before, after),
      ]
      : [about]),
    `demonstrations used: ${distinct} of ${run.dataset.size} ` +
    `(${(100 * distinct / run.dataset.size).toFixed(1)} %), SFT events: ${run.state.sftEvents}`,
    `cost: ${rollouts} rollouts, ${optimizerSteps} optimizer steps, ` +
    `${flops.toExponential(2).replace("+", "")} FLOPs`,
    ...(taught
      ? [
        `taught questions now: avg@${taught.samples} ${taught.average.mean.toFixed(3)} on ` +
        `${taught.questions} of ${distinct}`,
      ]
      : []),
  ].join("\n");
}

if (import.meta.main) await runTask(command, train);
