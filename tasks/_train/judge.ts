import {
  baseAccuracies,
  basePolicy,
  type Dataset,
  disposePolicy,
  evaluate,
  type EvaluationSummary,
  evaluationTable,
  findDuplicates,
  isPublishedSize,
  openCheckedDataset,
  openMethod,
  openPolicy,
  parameterCount,
  PLAIN_SAMPLING,
  type Policy,
  type Run,
  slice,
  subset,
  summarize,
} from "../../mod.ts";
import { CHECKS } from "./flags.ts";

/** Samples of each validation question, before and after. */
const SAMPLES = 8;

/** Questions that a published model is judged on unless told otherwise: each takes it seconds. */
const PUBLISHED_QUESTIONS = 16;

/** Seed of the samples before and after; `deno task evaluate` uses the same unless told otherwise. */
const EVALUATION_SEED = 1001;

/** Judges policies on validation questions, by the base policy's difficulty. */
export interface Judge {
  /** Of the policy the run began with; first, as it decides what is difficult. */
  base(): Promise<EvaluationSummary>;
  judge(policy: Policy): Promise<EvaluationSummary>;
  /** On other questions, whose difficulty is not known. */
  judgeOn(dataset: Dataset, policy: Policy): Promise<EvaluationSummary>;
}

/** Opens the validation questions of a run; undefined where none are wanted. */
export async function openJudge(
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
export async function judgeTaught(
  run: Run,
  { judgeOn }: Judge,
): Promise<EvaluationSummary | undefined> {
  const indices = Object.keys(run.state.taught).map(Number);
  const { kind } = await openMethod(run.config.settings.method);
  if (indices.length === 0 || kind === "sft") return;
  const judged = isPublishedSize(parameterCount(run.policy))
    ? indices.slice(0, PUBLISHED_QUESTIONS)
    : indices;
  return await judgeOn(subset(run.dataset, judged), run.policy);
}

/** What a run learned, as text. */
export function report(
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
