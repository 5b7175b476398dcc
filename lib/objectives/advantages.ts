/** What to do with a group's spread when its rewards become advantages. */
export interface AdvantageOptions {
  /**
   * Divide by the group's standard deviation plus 1e-6, as GRPO does (arXiv:2402.03300, §4.1.2).
   * ReLIFT's scripts do not: it overweights questions that are nearly always or nearly never solved
   * (Dr. GRPO, arXiv:2503.20783).
   */
  readonly normalizeStd?: boolean;
}

/**
 * Group-relative advantages: each reward minus the mean of its group, so that a completion is
 * judged against its siblings and no value network is needed.
 *
 * @param rewards One group, `[group]`.
 * @returns `[group]`; sums to 0, and all exactly 0 when every completion earned the same.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { groupAdvantages } from "./advantages.ts";
 *
 * assertEquals(groupAdvantages([1, 0, 0, 1]), [0.5, -0.5, -0.5, 0.5]);
 * assertEquals(groupAdvantages([0, 0]), [0, 0]); // unsolved: RL learns nothing from it
 * ```
 */
export function groupAdvantages(
  rewards: readonly number[],
  { normalizeStd = false }: AdvantageOptions = {},
): number[] {
  if (!isLive(rewards)) return rewards.map(() => 0); // (0.1 + 0.1 + 0.1) / 3 is not 0.1
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const centered = rewards.map((reward) => reward - mean);
  if (!normalizeStd) return centered;
  const squares = centered.reduce((sum, x) => sum + x * x, 0);
  const std = Math.sqrt(squares / (rewards.length - 1)); // unbiased, as torch.std
  return centered.map((x) => x / (std + 1e-6));
}

/**
 * Leave-one-out advantages: each reward minus the mean of the others in its group (RLOO,
 * arXiv:2402.14740, §2), which is G / (G − 1) times {@linkcode groupAdvantages}.
 *
 * @param rewards One group of two or more, `[group]`.
 * @returns `[group]`; sums to 0, and all exactly 0 when every completion earned the same.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { leaveOneOut } from "./advantages.ts";
 *
 * assertEquals(leaveOneOut([1, 0, 0]), [1, -0.5, -0.5]); // 1 - 0, then 0 - (1 + 0) / 2
 * ```
 */
export function leaveOneOut(rewards: readonly number[]): number[] {
  if (!isLive(rewards)) return rewards.map(() => 0);
  const sum = rewards.reduce((sum, reward) => sum + reward, 0);
  return rewards.map((reward) => reward - (sum - reward) / (rewards.length - 1));
}

/** Whether a group's completions earned different rewards: only then does RL learn from it. */
export function isLive(rewards: readonly number[]): boolean {
  return rewards.some((reward) => reward !== rewards[0]);
}
