import type { Dataset, Reward } from "../data/question.ts";
import type { Rollout } from "../rollout/rollout.ts";

/** A question's completions and what each earned. */
export interface Group extends Rollout {
  /** One for each completion. */
  readonly rewards: readonly Reward[];
  /** Share of completions that are right, in `[0, 1]`. */
  readonly accuracy: number;
}

/** Grades every completion of every rollout; all at once where the verifier runs in workers. */
export async function scoreRollouts(
  rollouts: readonly Rollout[],
  dataset: Dataset,
): Promise<Group[]> {
  return await Promise.all(rollouts.map(async (rollout) => {
    const rewards = await Promise.all(
      rollout.completions.map(({ text }) => dataset.reward(rollout.question, text)),
    );
    const right = rewards.filter(({ correct }) => correct).length;
    return { ...rollout, rewards, accuracy: right / rewards.length };
  }));
}
