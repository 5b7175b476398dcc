/**
 * Dr. GRPO, GRPO done right (arXiv:2503.20783, §3.2): {@link grpo} without its two biases. Rewards
 * are centred and not divided by their group's standard deviation, which overweights questions that
 * are nearly always or nearly never solved; and a completion's sum is divided by a constant instead
 * of its own length, which lets long wrong completions off lightly.
 *
 * Differences from the paper and from the authors' code:
 * 1. The constant is the token limit, as in the code; the paper allows any.
 * 2. A completion that is cut keeps its reward; the code gives it 0. The built-in questions do so
 *    too, as what is cut has no answer.
 * 3. Groups without signal cost nothing and take no step, see {@link optimizerStep}.
 *
 * @module
 */
import { groupAdvantages } from "../objectives/advantages.ts";
import { clippedSurrogate } from "../objectives/objective.ts";
import { constantLength } from "../objectives/weigh.ts";
import type { ClipConfig } from "./grpo.ts";
import { checkGroups, type Method, method } from "./method.ts";
import { GROUP_DEFAULTS } from "./rl.ts";
import { rolloutStep } from "./rollouts.ts";
import type { Metrics } from "./training.ts";
import { policyTerm, policyUpdate } from "./update.ts";

/** Trains a policy with Dr. GRPO. */
export const drGrpo: Method<ClipConfig> = method<ClipConfig>({
  id: "dr-grpo",
  title: "Dr. GRPO",
  paper: "arXiv:2503.20783",
  about: "GRPO with rewards only centred and sums divided by a constant length",
  kind: "rl",
  config: { ...GROUP_DEFAULTS, clip: 0.2 },
  check: checkGroups,
  async step(training): Promise<Metrics> {
    const { clip, maxNewTokens } = training.config;
    const { groups, metrics } = await rolloutStep(training);
    const update = await policyUpdate(training, groups, (part) => [policyTerm(part, {
      advantages: groupAdvantages,
      weigh: constantLength(maxNewTokens),
      objective: clippedSurrogate({ low: clip, high: clip, dual: null }),
    })]);
    return { ...metrics, ...update };
  },
});
