/**
 * How the tokens of an optimizer batch share its loss.
 *
 * @module
 */
import { completionTokens, type TrainingRow } from "./batch.ts";

/** Gives the rows of a whole optimizer batch, dead ones included, the weight of their tokens. */
export type Weigh = <Row extends TrainingRow>(rows: readonly Row[]) => Row[];

/** Every token counts the same, in whatever row it is (DAPO, arXiv:2503.14476, eq. 12). */
export const tokenMean: Weigh = (rows) => {
  const weight = 1 / completionTokens(rows);
  return rows.map((row) => ({ ...row, weight }));
};

/**
 * Every row counts the same, and so do the tokens inside it (GRPO, arXiv:2402.03300, eq. 3): a token
 * of a long completion counts less.
 */
export const sequenceMean: Weigh = (rows) =>
  rows.map((row) => ({ ...row, weight: 1 / (rows.length * row.completion.length) }));

/** The sum over a row's tokens, averaged over rows: the log-probability of whole completions. */
export const sequenceSum: Weigh = (rows) =>
  rows.map((row) => ({ ...row, weight: 1 / rows.length }));

/**
 * Sums divided by a constant, averaged over rows (Dr. GRPO, arXiv:2503.20783, §3.2).
 *
 * @param limit Tokens a completion may have.
 */
export function constantLength(limit: number): Weigh {
  return (rows) => rows.map((row) => ({ ...row, weight: 1 / (rows.length * limit) }));
}

/** A way to share the loss, times a factor. */
export function scaled(weigh: Weigh, factor: number): Weigh {
  return (rows) => weigh(rows).map((row) => ({ ...row, weight: factor * (row.weight as number) }));
}
