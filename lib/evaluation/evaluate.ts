/**
 * Sampling a policy on a question set, and what the samples say.
 *
 * @module
 */
import { finalAnswer } from "../data/answer_reward.ts";
import { type Dataset, questionsOf } from "../data/question.ts";
import { scoreRollouts } from "../grading/group.ts";
import type { Policy } from "../model/policy.ts";
import { hashLines, randomKey } from "../random.ts";
import { rollout } from "../rollout/rollout.ts";
import type { SamplingOptions } from "../compute/ops/sample.ts";
import { averageAtK, type Estimate, majorityAtK, meanPassAtK } from "./metrics.ts";
import {
  type Accuracies,
  accuracyByStratum,
  type Forgetting,
  forgetting,
  STRATA,
  type StrataMoves,
  strataMoves,
  strataOf,
  type Stratum,
  type StratumAccuracy,
} from "./strata.ts";

/** How a policy is evaluated. */
export interface EvaluationOptions extends SamplingOptions {
  /** k, completions sampled for each question. */
  readonly samples: number;
  readonly maxNewTokens: number;
  /** Whole number >= 0. */
  readonly seed: number;
  /** Called with the questions done so far. */
  readonly onProgress?: (done: number) => void;
}

/** One graded completion. */
export interface EvaluatedSample {
  readonly text: string;
  readonly answer: string;
  readonly correct: boolean;
  /** Length in tokens, EOS included. */
  readonly tokens: number;
  /** Mean entropy of the policy over its tokens, nats. */
  readonly entropy: number;
  readonly finishReason: "stop" | "length";
}

/** A question and the policy's k answers. */
export interface EvaluatedQuestion {
  readonly id: string;
  readonly samples: readonly EvaluatedSample[];
}

/** Questions evaluated between two calls of `onProgress`. */
const BATCH = 64;

/** Samples every question `samples` times and grades the answers. */
export async function evaluate(
  policy: Policy,
  dataset: Dataset,
  options: EvaluationOptions,
): Promise<EvaluatedQuestion[]> {
  const questions = questionsOf(dataset);
  const evaluated: EvaluatedQuestion[] = [];
  for (let start = 0; start < questions.length; start += BATCH) {
    const rollouts = await rollout(policy, questions.slice(start, start + BATCH), {
      ...options,
      groupSize: options.samples,
      random: (question, sample) => randomKey(options.seed, "evaluate", start + question, sample),
    });
    for (const { question, completions, rewards } of await scoreRollouts(rollouts, dataset)) {
      const samples = completions.map((completion, i) => ({
        text: completion.text,
        answer: rewards[i]!.answer ?? finalAnswer(completion.text),
        correct: rewards[i]!.correct,
        tokens: completion.tokens.length,
        entropy: completion.entropy,
        finishReason: completion.finishReason,
      }));
      evaluated.push({ id: question.id, samples });
    }
    options.onProgress?.(evaluated.length);
  }
  return evaluated;
}

/** What an evaluation says. */
export interface EvaluationSummary {
  readonly questions: number;
  /** k, samples of each question. */
  readonly samples: number;
  /** avg@k and its standard error. */
  readonly average: Estimate;
  /** pass@j for j = 1, 2, 4, ... up to k. */
  readonly passAt: Readonly<Record<number, number>>;
  /** maj@k. */
  readonly majority: number;
  /** Mean length in tokens: of all answers, the right and the wrong; null where there are none. */
  readonly tokens: {
    readonly all: number;
    readonly right: number | null;
    readonly wrong: number | null;
  };
  /** Mean entropy of the policy over the tokens it drew, nats. */
  readonly entropy: number;
  /** Share of answers that ended by EOS. */
  readonly stopped: number;
  /** By stratum of the base policy, when its accuracies are given. */
  readonly strata?: {
    readonly byStratum: Readonly<
      Record<Stratum, StratumAccuracy & { readonly tokens: number | null }>
    >;
    readonly moves: StrataMoves;
    readonly forgetting: Forgetting;
  };
}

/** Share of right answers by question. */
export function accuraciesOf(evaluated: readonly EvaluatedQuestion[]): Accuracies {
  return Object.fromEntries(
    evaluated.map((
      { id, samples },
    ) => [id, meanOf(samples.map(({ correct }) => Number(correct)))!]),
  );
}

/**
 * Summarizes an evaluation.
 *
 * @param base The base policy's accuracies on the same questions; they define the strata and must
 * come from other samples than the ones evaluated, or the base itself would seem to change.
 */
export function summarize(
  evaluated: readonly EvaluatedQuestion[],
  base?: Accuracies,
): EvaluationSummary {
  const correct = evaluated.map(({ samples }) => samples.map((sample) => sample.correct));
  const all = evaluated.flatMap(({ samples }) => samples);
  const k = correct[0]?.length ?? 0;
  const powers = Array.from({ length: Math.floor(Math.log2(k)) + 1 }, (_, i) => 2 ** i);
  const tokensOf = (samples: readonly EvaluatedSample[]) => meanOf(samples.map((s) => s.tokens));
  return {
    questions: evaluated.length,
    samples: k,
    average: averageAtK(correct),
    passAt: Object.fromEntries(powers.map((j) => [j, meanPassAtK(correct, j)])),
    majority: meanOf(
      evaluated.map(({ samples }) =>
        majorityAtK(
          samples.map(({ answer, finishReason }) => finishReason === "stop" ? answer : undefined),
          samples.map((sample) => sample.correct),
        )
      ),
    )!,
    tokens: {
      all: tokensOf(all)!,
      right: tokensOf(all.filter((sample) => sample.correct)),
      wrong: tokensOf(all.filter((sample) => !sample.correct)),
    },
    entropy: meanOf(all.map((sample) => sample.entropy))!,
    stopped: meanOf(all.map(({ finishReason }) => Number(finishReason === "stop")))!,
    ...(base ? { strata: summarizeStrata(evaluated, base) } : {}),
  };
}

function summarizeStrata(
  evaluated: readonly EvaluatedQuestion[],
  base: Accuracies,
): NonNullable<EvaluationSummary["strata"]> {
  const strata = strataOf(base);
  const accuracies = accuraciesOf(evaluated);
  const byStratum = accuracyByStratum(strata, accuracies);
  const tokens = (stratum: Stratum) =>
    meanOf(
      evaluated.filter(({ id }) => strata[id] === stratum)
        .flatMap(({ samples }) => samples.map((sample) => sample.tokens)),
    );
  return {
    byStratum: Object.fromEntries(
      STRATA.map((stratum) => [stratum, { ...byStratum[stratum], tokens: tokens(stratum) }]),
    ) as NonNullable<EvaluationSummary["strata"]>["byStratum"],
    moves: strataMoves(base, accuracies),
    forgetting: forgetting(base, accuracies),
  };
}

/** Mean of numbers; null of none. */
function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A fingerprint of a dataset's questions and answers, in order: the same only for the same set. */
export function datasetFingerprint(dataset: Dataset): string {
  function* lines(): Generator<string> {
    for (let index = 0; index < dataset.size; index++) {
      const { prompt, answer, demonstration } = dataset.question(index);
      yield JSON.stringify([prompt, answer, demonstration]);
    }
  }
  return hashLines(lines).toString(16).padStart(8, "0");
}
