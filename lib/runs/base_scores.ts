/**
 * What policies did on each question, in the few numbers that a study keeps, and those of base
 * policies, which many cells share.
 *
 * @module
 */
import { z } from "zod";
import { PLAIN_SAMPLING } from "../compute/ops/sample.ts";
import { type Dataset, questionsOf } from "../data/question.ts";
import { datasetFingerprint, evaluate } from "../evaluation/evaluate.ts";
import { STRATA, type Stratum } from "../evaluation/strata.ts";
import { makeFolder, readJsonAs, writeWhole } from "../files.ts";
import { policyFingerprint } from "../model/io/policy_folder.ts";
import type { Policy } from "../model/policy.ts";
import type { DynamicsRow, QuestionRow } from "./study.ts";

/** What a policy did on one question. */
export interface Score {
  /** Right ones of `samples` completions. */
  readonly right: number;
  readonly samples: number;
  /** Mean length of the completions, tokens. */
  readonly tokens: number;
  /** Mean entropy of the policy over all these tokens, nats. */
  readonly entropy: number;
}

/** Scores by question id. */
export type Scores = Readonly<Record<string, Score>>;

/** How questions are scored. */
export interface ScoreOptions {
  /** Completions of each question. */
  readonly samples: number;
  readonly maxNewTokens: number;
}

/** Seed of every evaluation of a study; difficulty strata come from other samples. */
const SEED = 1001;

/** Samples a policy on questions, always with the same random streams. */
export async function scoresOf(
  policy: Policy,
  dataset: Dataset,
  options: ScoreOptions,
): Promise<Scores> {
  const evaluated = await evaluate(policy, dataset, { ...PLAIN_SAMPLING, ...options, seed: SEED });
  return Object.fromEntries(evaluated.map(({ id, samples }) => {
    const sum = (of: (sample: typeof samples[number]) => number) =>
      samples.reduce((sum, sample) => sum + of(sample), 0);
    const tokens = sum((sample) => sample.tokens);
    const score: Score = {
      right: sum(({ correct }) => Number(correct)),
      samples: samples.length,
      tokens: tokens / samples.length,
      entropy: sum((sample) => sample.entropy * sample.tokens) / tokens,
    };
    return [id, score];
  }));
}

const scoresSchema = z.record(z.object({
  right: z.number().int().nonnegative(),
  samples: z.number().int().positive(),
  tokens: z.number().nonnegative(),
  entropy: z.number(),
}));

/**
 * {@linkcode scoresOf} of a base policy: sampled once and kept in a file named by dataset,
 * questions, weights and options; read from there afterwards. Processes that need it at the same
 * time each make it, and write the same.
 *
 * @param folder Where the file is kept.
 * @throws {SyntaxError} When the file is garbled.
 */
export async function baseScores(
  base: Policy,
  dataset: Dataset,
  options: ScoreOptions,
  folder: string,
): Promise<Scores> {
  const name = dataset.name.replaceAll(/[^\w-]+/g, "_");
  const fingerprints = `${datasetFingerprint(dataset)}-${await policyFingerprint(base)}`;
  const { maxNewTokens, samples } = options;
  const path = `${folder}/${name}-${fingerprints}-${maxNewTokens}-${samples}.json`;
  try {
    return await readJsonAs(path, scoresSchema);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const scores = await scoresOf(base, dataset, options);
  await makeFolder(folder);
  await writeWhole(path, JSON.stringify(scores) + "\n");
  return scores;
}

/** Accuracy, length and entropy over all questions and over those of each stratum that has any. */
export function dynamicsRows(
  step: number,
  scores: Scores,
  strata: Readonly<Record<string, Stratum>>,
): DynamicsRow[] {
  return ([...STRATA, "all"] as const).flatMap((stratum) => {
    const chosen = Object.entries(scores)
      .filter(([id]) => stratum === "all" || strata[id] === stratum).map(([, score]) => score);
    if (chosen.length === 0) return [];
    const mean = (of: (score: Score) => number) =>
      chosen.reduce((sum, score) => sum + of(score), 0) / chosen.length;
    const tokens = mean((score) => score.tokens);
    return [{
      step,
      stratum,
      questions: chosen.length,
      accuracy: mean(({ right, samples }) => right / samples),
      tokens,
      entropy: mean((score) => score.entropy * score.tokens) / tokens,
    }];
  });
}

/** What {@linkcode questionRows} sets side by side. */
export interface Compared {
  readonly split: QuestionRow["split"];
  /** Of each question under the base policy, by other samples than `before`. */
  readonly strata: Readonly<Record<string, Stratum>>;
  /** Of the base policy. */
  readonly before: Scores;
  /** Of the trained policy. */
  readonly after: Scores;
}

/** Each question of a dataset with what the base policy and the trained one did on it. */
export function questionRows(dataset: Dataset, compared: Compared): QuestionRow[] {
  const { split, strata, before, after } = compared;
  return questionsOf(dataset).map(({ id }) => ({
    split,
    question: id,
    stratum: strata[id]!,
    baseRight: before[id]!.right,
    baseSamples: before[id]!.samples,
    right: after[id]!.right,
    samples: after[id]!.samples,
    tokens: after[id]!.tokens,
  }));
}
