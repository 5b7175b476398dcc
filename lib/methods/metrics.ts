/**
 * What each metric of a training step means.
 *
 * @module
 */

/** Unit and meaning of a metric. */
export interface MetricMeaning {
  readonly unit: string;
  readonly meaning: string;
}

const metric = (unit: string, meaning: string): MetricMeaning => ({ unit, meaning });

/**
 * Every metric that a method yields, by name. `reward/<part>` stands for each named part of the
 * dataset's reward. A value that does not exist in a step (the loss of a step without an optimizer
 * step) is NaN in memory, null in JSON Lines and empty in CSV.
 */
export const METRICS: Readonly<Record<string, MetricMeaning>> = {
  "step": metric("steps", "steps done before this one"),
  "accuracy": metric("share", "right completions of this step's rollouts"),
  "reward/mean": metric("reward", "mean reward of the completions"),
  "reward/<part>": metric("share", "mean of one named part of the reward"),
  "reward/overlong": metric(
    "reward",
    "mean punishment of long completions; only the advantages have it, not reward/mean (dapo)",
  ),
  "groups/live": metric("groups", "groups whose completions earned different rewards"),
  "groups/dead": metric("groups", "groups without signal: all earned the same"),
  "groups/all_right": metric("groups", "groups in which every completion is right"),
  "groups/all_wrong": metric("groups", "groups in which every completion is wrong"),
  "groups/draws": metric("draws", "batches of questions drawn to find groups with signal (dapo)"),
  "groups/used": metric(
    "groups",
    "groups with signal that were learned from; fewer than a step takes if draws ran out (dapo)",
  ),
  "completion/tokens": metric("tokens", "mean length of completions, EOS included"),
  "completion/tokens_max": metric("tokens", "longest completion"),
  "completion/tokens_min": metric("tokens", "shortest completion"),
  "completion/tokens_right": metric("tokens", "mean length of right completions"),
  "completion/tokens_wrong": metric("tokens", "mean length of wrong completions"),
  "completion/entropy": metric("nats", "mean entropy of the policy when it drew a token"),
  "completion/stopped": metric("share", "completions that ended by EOS"),
  "completion/cut": metric("share", "completions that ran out of tokens"),
  "prompt/tokens": metric("tokens", "mean length of prompts"),
  "advantage/mean_abs": metric("reward", "mean size of advantages, dead groups included"),
  "advantage/max": metric("reward", "largest advantage"),
  "advantage/min": metric("reward", "smallest advantage"),
  "rl/loss": metric("reward", "what the RL optimizer minimized, entropy bonus included"),
  "rl/surrogate": metric(
    "reward",
    "the policy-gradient part of it: minus the mean advantage, weighted by ratio and length",
  ),
  "rl/grad_norm": metric("norm", "global norm of its gradient before clipping"),
  "rl/learning_rate": metric("rate", "learning rate of the RL optimizer"),
  "rl/ratio": metric("ratio", "mean probability ratio, new over old; 1 before the first update"),
  "rl/clip_fraction": metric(
    "share",
    "tokens whose gradient the clip removed; for cispo, whose weight it cut",
  ),
  "rl/approximate_kl": metric("nats", "k3 estimate of the divergence from the sampling policy"),
  "rl/reference_kl": metric("nats", "k3 estimate of the divergence from the reference (grpo)"),
  "rl/entropy": metric("nats", "mean entropy over the tokens trained on"),
  "rl/weight": metric("ratio", "mean weight of the entropy in their loss (srft)"),
  "rl/sampler_gap": metric("nats", "mean difference of sampler and trainer on the first update"),
  "rl/optimizer_steps": metric("steps", "RL optimizer steps taken"),
  "rl/empty_steps": metric("steps", "RL optimizer steps left out as no group had signal"),
  "rl/skipped_steps": metric("steps", "RL optimizer steps left out as the gradient was not finite"),
  "sft/events": metric("events", "times the buffer was taught, so far"),
  "sft/events_now": metric("events", "times the buffer was taught in this step"),
  "sft/loss": metric("nats", "what the SFT optimizer minimized, entropy term included"),
  "sft/surrogate": metric(
    "nats",
    "the part of the loss that demonstrations give as such, entropy term left out",
  ),
  "sft/nll": metric("nats", "mean negative log-likelihood of the demonstrations' tokens"),
  "sft/probability": metric("share", "mean probability of these tokens (dft)"),
  "sft/weight": metric("ratio", "mean weight of these tokens in their loss (srft, chord)"),
  "sft/entropy": metric("nats", "mean entropy over these tokens"),
  "sft/grad_norm": metric("norm", "global norm of its gradient before clipping"),
  "sft/learning_rate": metric("rate", "learning rate of the SFT optimizer"),
  "sft/demonstrations": metric("demonstrations", "demonstrations in one SFT optimizer step"),
  "sft/demonstration_tokens": metric("tokens", "their mean length, EOS included"),
  "sft/without_demonstration": metric(
    "questions",
    "drawn questions without a usable demonstration",
  ),
  "sft/skipped_steps": metric(
    "steps",
    "SFT optimizer steps left out as the gradient was not finite",
  ),
  "off/surrogate": metric(
    "reward",
    "the part of the loss that demonstrations give as members of their groups",
  ),
  "off/probability": metric("share", "mean probability of these demonstrations' tokens"),
  "off/ratio": metric(
    "ratio",
    "mean probability ratio there (rl-plus); of continued completions (prefix-rft)",
  ),
  "off/clip_fraction": metric("share", "their tokens whose gradient the clip removed (prefix-rft)"),
  "off/approximate_kl": metric("nats", "k3 of their ratio (prefix-rft)"),
  "off/sampler_gap": metric("nats", "mean size of their log-ratio (prefix-rft)"),
  "off/entropy": metric("nats", "mean entropy over their tokens"),
  "given/share": metric("share", "of a demonstration that a completion starts from (prefix-rft)"),
  "given/tokens": metric("tokens", "mean length of that (prefix-rft)"),
  "given/accuracy": metric("share", "right completions among those that start so (prefix-rft)"),
  "chord/mu": metric("share", "weight of demonstrations in the loss (chord)"),
  "buffer/length": metric("questions", "questions that wait to be taught, after the step"),
  "buffer/age": metric("steps", "mean number of steps they have waited"),
  "buffer/age_max": metric("steps", "longest wait"),
  "buffer/added": metric("questions", "questions that entered in this step"),
  "buffer/dropped": metric("questions", "questions that left for their age or the buffer's size"),
  "buffer/solved_since": metric("questions", "questions that left as a re-check solved them"),
  "buffer/without_demonstration": metric(
    "questions",
    "hardest questions without a usable demonstration",
  ),
  "demonstrations/used": metric("demonstrations", "demonstrations taught so far, repeats included"),
  "demonstrations/distinct": metric("demonstrations", "different ones among them"),
  "demonstrations/share": metric("share", "different ones, of the training set"),
  "taught/questions": metric(
    "questions",
    "questions of this step's rollouts that were taught before",
  ),
  "taught/solve_rate": metric("share", "right completions of these"),
  "budget/rollouts": metric("completions", "completions sampled to train on, so far"),
  "budget/optimizer_steps": metric("steps", "optimizer steps taken, so far; skipped ones left out"),
  "budget/flops": metric(
    "operations",
    "floating-point operations of sampling and training so far, counted from shapes",
  ),
  "time/rollout_s": metric("seconds", "sampling and grading"),
  "time/sft_s": metric("seconds", "teaching the buffer"),
  "time/step_s": metric("seconds", "the whole step"),
  "throughput/tokens_per_s": metric(
    "tokens/s",
    "sampled tokens per second of sampling; for sft, tokens read",
  ),
};

/** {@linkcode METRICS} as a table in Markdown. */
export function metricsTable(): string {
  const rows = Object.entries(METRICS).map(([name, { unit, meaning }]) =>
    `| \`${name}\` | ${unit} | ${meaning} |`
  );
  return ["| metric | unit | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}
