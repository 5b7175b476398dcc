// deno task sample --prompt "37+58-21:" --samples 4
// deno-lint-ignore-file no-console
import {
  disposePolicy,
  openDataset,
  openDevice,
  openPolicy,
  type Question,
  randomKey,
  rollout,
  type Split,
} from "../mod.ts";
import { type Command, type Flag, runTask, type Values } from "./_cli.ts";
import {
  DATASET,
  DEVICE,
  POLICY,
  PROMPT,
  promptOf,
  SAMPLING,
  samplingOf,
  SPLIT,
} from "./_flags.ts";

const command = {
  name: "sample",
  about: "shows what a policy answers: completions, their log-probabilities and rewards.",
  flags: {
    policy: POLICY,
    prompt: { kind: "text", value: "TEXT", help: "A prompt of your own, in place of --dataset" },
    dataset: DATASET,
    split: SPLIT,
    questions: { kind: "integer", min: 1, default: 4, help: "Questions of --dataset to ask" },
    samples: { kind: "integer", min: 1, default: 4, help: "Completions of each" },
    ...SAMPLING,
    ...PROMPT,
    seed: { kind: "integer", min: 0, default: 1, help: "Names the random streams" },
    device: DEVICE,
    json: { kind: "switch", help: "One JSON object for each completion, a line each" },
  },
  examples: [
    'deno task sample --prompt "37+58-21:"',
    "deno task sample --policy runs/relift-operators-1 --questions 8 --temperature 0",
  ],
} as const satisfies Command<Record<string, Flag>>;

/** Samples a policy and prints the completions. */
async function main(flags: Values<typeof command.flags>): Promise<void> {
  const dataset = await openDataset(flags.dataset, flags.split as Split);
  await openDevice({ prefer: flags.device });
  const policy = await openPolicy(flags.policy, { prompt: await promptOf(flags) });
  const own: Question | undefined = flags.prompt === undefined
    ? undefined
    : { id: "prompt", prompt: flags.prompt, answer: "" };
  const count = Math.min(flags.questions, dataset.size);
  const questions = own
    ? [own]
    : Array.from({ length: count }, (_, index) => dataset.question(index));
  const rollouts = await rollout(policy, questions, {
    groupSize: flags.samples,
    ...samplingOf(flags),
    random: (question, sample) => randomKey(flags.seed, "sample", question, sample),
  });
  for (const { question, completions } of rollouts) {
    if (!flags.json) {
      console.log(own ? question.prompt : `${question.prompt}  (${question.answer})`);
    }
    for (const { text, tokens, logProbs, finishReason } of completions) {
      const reward = own ? undefined : await dataset.reward(question, text);
      const logProb = logProbs.reduce((sum, value) => sum + value, 0);
      if (flags.json) {
        const { prompt, answer } = question;
        console.log(
          JSON.stringify({
            prompt,
            answer,
            text,
            tokens: tokens.length,
            logProb,
            finishReason,
            reward,
          }),
        );
      } else {
        const mark = reward === undefined ? " " : reward.correct ? "+" : "-";
        console.log(
          `  ${mark} ${text}  [${
            logProb.toFixed(2)
          } nats, ${tokens.length} tokens, ${finishReason}]`,
        );
      }
    }
  }
  disposePolicy(policy);
}

if (import.meta.main) await runTask(command, main);
