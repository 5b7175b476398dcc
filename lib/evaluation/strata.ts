/**
 * Difficulty strata: questions sorted by how often the base policy solves them, as in the analysis
 * of "Learning What Reinforcement Learning Can't" (arXiv:2506.07527), which draws 8 samples per
 * question: Easy ≥ 6/8, Medium 3–5/8, Hard 1–2/8, Hardest 0/8.
 *
 * Here an accuracy, from any number of samples, decides: Easy ≥ 0.75, Medium ≥ 0.375, Hard > 0,
 * Hardest = 0; with 8 samples that is the paper's table. More samples make Hardest rarer, since a
 * single lucky sample takes a question out: compare only strata of as many samples.
 *
 * Accuracies are keyed by question id, so that two evaluations can be compared whatever their
 * order.
 *
 * @module
 */
import { z } from "zod";

/** How hard a question is for the base policy. */
export type Stratum = "easy" | "medium" | "hard" | "hardest";

/** Every stratum, easiest first: the order of tables, figures and matrices. */
export const STRATA: readonly Stratum[] = ["easy", "medium", "hard", "hardest"];

/** Share of a question's samples that are right, in `[0, 1]`, by question id. */
export type Accuracies = Readonly<Record<string, number>>;

/** Questions and their mean accuracy; the mean is null where there is no question. */
export interface StratumAccuracy {
  readonly questions: number;
  readonly accuracy: number | null;
}

/** `moves[before][after]`: questions that were in one stratum and are now in another. */
export type StrataMoves = Readonly<Record<Stratum, Readonly<Record<Stratum, number>>>>;

/** What training took away; see {@linkcode forgetting}. */
export interface Forgetting {
  /** Questions that were Easy or Medium under the base policy. */
  readonly known: number;
  /** Those of them that are Hard or Hardest now. */
  readonly lost: number;
  /** `lost / known`; null when the base policy knew none. */
  readonly share: number | null;
  /** Mean over the known questions of accuracy before minus accuracy now; negative for a gain. */
  readonly accuracyDrop: number | null;
}

/** One value for each stratum. */
function byStratum<T>(value: (stratum: Stratum) => T): Record<Stratum, T> {
  return {
    easy: value("easy"),
    medium: value("medium"),
    hard: value("hard"),
    hardest: value("hardest"),
  };
}

/** Looks a question of a later evaluation up in an earlier one. */
function lookUp<T>(earlier: Readonly<Record<string, T>>, id: string): T {
  if (!Object.hasOwn(earlier, id)) {
    throw new RangeError(
      `Cannot compare evaluations as the earlier one must hold every question: current value is ${id}`,
    );
  }
  return earlier[id]!;
}

function meanOrNull(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
}

/**
 * The stratum an accuracy belongs to.
 *
 * @param accuracy Share of samples that are right, in `[0, 1]`.
 * @throws {RangeError} When it is not.
 *
 * @example The paper's eight samples
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { stratumOf } from "./strata.ts";
 *
 * assertEquals([6, 3, 1, 0].map((right) => stratumOf(right / 8)), [
 *   "easy",
 *   "medium",
 *   "hard",
 *   "hardest",
 * ]);
 * ```
 */
export function stratumOf(accuracy: number): Stratum {
  if (!(accuracy >= 0 && accuracy <= 1)) {
    throw new RangeError(
      `Cannot place a question as its accuracy must be in [0, 1]: current value is ${accuracy}`,
    );
  }
  if (accuracy >= 0.75) return "easy";
  if (accuracy >= 0.375) return "medium";
  return accuracy > 0 ? "hard" : "hardest";
}

/**
 * The stratum of each question.
 *
 * @param accuracies Of the base policy.
 */
export function strataOf(accuracies: Accuracies): Record<string, Stratum> {
  return Object.fromEntries(
    Object.entries(accuracies).map(([id, accuracy]) => [id, stratumOf(accuracy)]),
  );
}

/**
 * How many questions each stratum holds.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { countStrata } from "./strata.ts";
 *
 * const accuracies = { q1: 1, q2: 0, q3: 0.125, q4: 0 };
 * assertEquals(countStrata(accuracies), { easy: 1, medium: 0, hard: 1, hardest: 2 });
 * ```
 */
export function countStrata(accuracies: Accuracies): Record<Stratum, number> {
  const counts = byStratum(() => 0);
  for (const accuracy of Object.values(accuracies)) counts[stratumOf(accuracy)]++;
  return counts;
}

/**
 * How a policy does on each stratum of the base policy.
 *
 * @param strata Of the base policy, from {@linkcode strataOf}.
 * @param results Accuracies of the policy in question; may cover a part of the questions.
 * @throws {RangeError} When a question of `results` has no stratum.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { accuracyByStratum, strataOf } from "./strata.ts";
 *
 * const strata = strataOf({ q1: 1, q2: 0, q3: 0 });
 * const { easy, medium, hardest } = accuracyByStratum(strata, { q1: 0.75, q2: 0.5, q3: 0 });
 * assertEquals(easy, { questions: 1, accuracy: 0.75 });
 * assertEquals(hardest, { questions: 2, accuracy: 0.25 });
 * assertEquals(medium, { questions: 0, accuracy: null });
 * ```
 */
export function accuracyByStratum(
  strata: Readonly<Record<string, Stratum>>,
  results: Accuracies,
): Record<Stratum, StratumAccuracy> {
  const groups = byStratum<number[]>(() => []);
  for (const [id, accuracy] of Object.entries(results)) groups[lookUp(strata, id)].push(accuracy);
  return byStratum((stratum) => ({
    questions: groups[stratum].length,
    accuracy: meanOrNull(groups[stratum]),
  }));
}

/**
 * How many questions went from each stratum to each: a 4 × 4 matrix of counts.
 *
 * @param before Accuracies of the base policy.
 * @param after Accuracies now; may cover a part of the questions.
 * @returns `moves[before][after]`; the diagonal stayed.
 * @throws {RangeError} When a question of `after` is missing from `before`.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { strataMoves } from "./strata.ts";
 *
 * const moves = strataMoves({ q1: 1, q2: 0 }, { q1: 1, q2: 0.5 });
 * assertEquals(moves.easy.easy, 1);
 * assertEquals(moves.hardest.medium, 1); // learned what the base policy never solved
 * ```
 */
export function strataMoves(before: Accuracies, after: Accuracies): StrataMoves {
  const moves = byStratum(() => byStratum(() => 0));
  for (const [id, accuracy] of Object.entries(after)) {
    moves[stratumOf(lookUp(before, id))][stratumOf(accuracy)]++;
  }
  return moves;
}

/**
 * What a policy can no longer do. A question is *known* when it was Easy or Medium under the base
 * policy and *lost* when it is known and Hard or Hardest now; Easy to Medium is not a loss.
 *
 * Accuracies of a few samples are noisy, and questions picked for doing well do a little worse
 * when drawn again: even the base policy, evaluated anew with another seed, shows some loss. Take
 * that as the zero of the scale.
 *
 * @param before Accuracies of the base policy.
 * @param after Accuracies now; may cover a part of the questions, and only those count.
 * @throws {RangeError} When a question of `after` is missing from `before`.
 *
 * @example One of two known questions is lost
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { forgetting } from "./strata.ts";
 *
 * const before = { easy: 1, medium: 0.5, hard: 0.25 };
 * const after = { easy: 0.25, medium: 0.75, hard: 0 };
 * // (1 - 0.25 + 0.5 - 0.75) / 2 = 0.25
 * assertEquals(forgetting(before, after), { known: 2, lost: 1, share: 0.5, accuracyDrop: 0.25 });
 * ```
 */
export function forgetting(before: Accuracies, after: Accuracies): Forgetting {
  const drops: number[] = [];
  let lost = 0;
  for (const [id, now] of Object.entries(after)) {
    const then = lookUp(before, id);
    if (!isKnown(then)) continue;
    drops.push(then - now);
    if (!isKnown(now)) lost++;
  }
  return {
    known: drops.length,
    lost,
    share: drops.length === 0 ? null : lost / drops.length,
    accuracyDrop: meanOrNull(drops),
  };
}

function isKnown(accuracy: number): boolean {
  const stratum = stratumOf(accuracy);
  return stratum === "easy" || stratum === "medium";
}

/** A field that says in the house's words what it must be. */
const must = (be: string): z.RawCreateParams => ({
  errorMap: () => ({ message: `must be ${be}` }),
});

const text = z.string(must("a text")).min(1);
const strataRecord = z.object({
  policy: text,
  dataset: text,
  datasetFingerprint: text,
  samplesPerQuestion: z.number(must("a whole number >= 1")).int().min(1),
  temperature: z.number(must("a number >= 0")).nonnegative().finite(),
  seed: z.number(must("a whole number >= 0")).int().min(0).safe(),
  accuracies: z.record(z.number(must("in [0, 1]")).min(0).max(1), must("numbers by question id"))
    .refine((accuracies) => Object.keys(accuracies).length > 0, "must hold a question"),
}, must("an object"));

/** A base policy's accuracies with all it takes to know whether they still apply. */
export interface StrataRecord {
  /** Fingerprint of the base policy's weights. */
  readonly policy: string;
  /** Name of the dataset. */
  readonly dataset: string;
  /** Fingerprint of its questions and answers. */
  readonly datasetFingerprint: string;
  /** k, samples drawn for each question. */
  readonly samplesPerQuestion: number;
  /** Sampling temperature; 0 is greedy. */
  readonly temperature: number;
  /** Seed of the samples. */
  readonly seed: number;
  /** Share of the samples that are right, by question id. */
  readonly accuracies: Accuracies;
}

/**
 * Reads a record stored as JSON.
 *
 * @param text JSON of a {@linkcode StrataRecord}; fields it does not have are left out.
 * @param where Where the text comes from, for the error.
 * @throws {SyntaxError} With one line that names the first field at fault.
 *
 * @example Usage
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { parseStrataRecord, type StrataRecord } from "./strata.ts";
 *
 * const record: StrataRecord = {
 *   policy: "9f2c", dataset: "chains", datasetFingerprint: "77aa",
 *   samplesPerQuestion: 8, temperature: 1, seed: 1, accuracies: { q1: 0.25 },
 * };
 * assertEquals(parseStrataRecord(JSON.stringify(record), "strata.json"), record);
 * assertThrows(() => parseStrataRecord("{}", "strata.json"), SyntaxError, "policy must be a text");
 * ```
 */
export function parseStrataRecord(text: string, where: string): StrataRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(
      `Cannot read strata as ${where} must be JSON: ${(error as Error).message}`,
      { cause: error },
    );
  }
  const result = strataRecord.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  const current = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], value);
  throw new SyntaxError(
    `Cannot read strata from ${where} as ${path.join(".") || "it"} ${message}: current value is ${
      JSON.stringify(current)?.slice(0, 80)
    }`,
  );
}
