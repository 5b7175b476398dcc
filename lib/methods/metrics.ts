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
  "groups/live": metric("groups", "groups whose completions earned different rewards"),
  "groups/dead": metric("groups", "groups without signal: all earned the same"),
  "groups/all_right": metric("groups", "groups in which every completion is right"),
  "groups/all_wrong": metric("groups", "groups in which every completion is wrong"),
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
  "rl/clip_fraction": metric("share", "tokens whose gradient the clip removed"),
  "rl/approximate_kl": metric("nats", "k3 estimate of the divergence from the sampling policy"),
  "rl/entropy": metric("nats", "mean entropy over the tokens trained on"),
  "rl/sampler_gap": metric("nats", "mean difference of sampler and trainer on the first update"),
  "rl/optimizer_steps": metric("steps", "RL optimizer steps taken"),
  "rl/empty_steps": metric("steps", "RL optimizer steps left out as no group had signal"),
  "rl/skipped_steps": metric("steps", "RL optimizer steps left out as the gradient was not finite"),
  "sft/events": metric("events", "times the buffer was taught, so far"),
  "sft/events_now": metric("events", "times the buffer was taught in this step"),
  "sft/loss": metric("nats", "what the SFT optimizer minimized, entropy term included"),
  "sft/nll": metric("nats", "mean negative log-likelihood of the demonstrations' tokens"),
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
