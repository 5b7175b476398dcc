/**
 * Demonstrations as rows to learn from, and the supervised step on them.
 *
 * @module
 */
import type { Question } from "../data/question.ts";
import type { Policy } from "../model/policy.ts";
import type { TrainingRow } from "../objectives/batch.ts";
import { likelihood, type Objective } from "../objectives/objective.ts";
import { tokenMean } from "../objectives/weigh.ts";
import type { AdamwConfig } from "../optim/adamw.ts";
import type { Schedule } from "../optim/schedule.ts";
import { demonstrationIds, promptIds } from "../rollout/encode.ts";
import type { Training } from "./method.ts";
import { mean, type Metrics, type TrainingState } from "./training.ts";
import { type Learner, optimizerStep } from "./update.ts";

/** Settings of supervised steps. */
export interface SupervisedConfig {
  /** α, weight of the mean entropy that is subtracted from the loss; nats are worth α nats. */
  readonly entropyCoefficient: number;
  readonly learningRate: Schedule;
  readonly adamw: AdamwConfig;
}

/**
 * A question's demonstration as a row to learn from; undefined when it has none or it does not fit.
 * That it is right was seen when the questions were opened.
 */
export function demonstrationRow(
  policy: Policy,
  question: Question,
  maxNewTokens: number,
): TrainingRow | undefined {
  if (question.demonstration === undefined) return;
  const { tokenizer, config: { max_position_embeddings: room } } = policy;
  const prompt = promptIds(policy, question);
  const completion = [...demonstrationIds(policy, question, prompt), tokenizer.eosTokenId];
  if (completion.length > maxNewTokens || prompt.length + completion.length > room) return;
  return { prompt, completion, advantage: 1 };
}

/** A demonstration to teach and the index of its question. */
export interface Demonstration {
  readonly index: number;
  readonly row: TrainingRow;
}

/** The usable demonstrations of questions. */
export function demonstrationsOf(
  { policy, config }: Training,
  drawn: readonly { readonly index: number; readonly question: Question }[],
): Demonstration[] {
  return drawn.flatMap(({ index, question }) => {
    const row = demonstrationRow(policy, question, config.maxNewTokens);
    return row ? [{ index, row }] : [];
  });
}

/** How a supervised step is taken. */
export interface SupervisedOptions extends SupervisedConfig {
  /** Rate of this step. */
  readonly rate: number;
  /** `sft`, with moments of its own, unless given. */
  readonly optimizer?: "rl" | "sft";
  /** The negative log-likelihood unless given. */
  readonly objective?: Objective;
}

/** One optimizer step on the token mean over demonstrations. */
export async function supervisedStep(
  learner: Learner,
  rows: readonly TrainingRow[],
  options: SupervisedOptions,
): Promise<Metrics> {
  if (rows.length === 0) return { "sft/demonstrations": 0 };
  const { rate, optimizer = "sft", objective = likelihood, entropyCoefficient, adamw } = options;
  const term = { name: "sft", rows: tokenMean(rows), objective, entropyCoefficient } as const;
  const report = await optimizerStep(learner, [term], { optimizer, learningRate: rate, adamw });
  return {
    ...report.terms,
    "sft/loss": report.loss,
    "sft/grad_norm": report.gradNorm,
    "sft/learning_rate": rate,
    "sft/skipped_steps": report.skipped ? 1 : 0,
    "sft/demonstrations": rows.length,
    "sft/demonstration_tokens": mean(rows.map((row) => row.completion.length)),
  };
}

/**
 * Notes that questions were taught, unless every optimizer step on them was skipped.
 *
 * @param updates What the optimizer steps on them told.
 */
export function countTaught(
  state: TrainingState,
  indices: readonly number[],
  updates: readonly Metrics[],
): void {
  const taken = updates.some((update) =>
    "rl/optimizer_steps" in update
      ? update["rl/optimizer_steps"]! > 0
      : !update["sft/skipped_steps"]
  );
  if (!taken) return;
  for (const index of indices) state.taught[index] = (state.taught[index] ?? 0) + 1;
}
