// deno task pretrain --out models/operators-base
// deno-lint-ignore-file no-console
import { dirname } from "node:path";
import {
  accuraciesOf,
  ADAMW_DEFAULTS,
  charTokenizer,
  countStrata,
  createPolicy,
  currentCommit,
  type Device,
  disposePolicy,
  disposeState,
  evaluate,
  evaluationTable,
  exists,
  makeFolder,
  modelConfig,
  openDataset,
  openDevice,
  openProgress,
  operatorsPractice,
  parameterCount,
  PLAIN_SAMPLING,
  type Policy,
  savePolicy,
  sft,
  statusLine,
  STRATA,
  summarize,
  trainingState,
} from "../mod.ts";
import { type Command, type Flag, runTask, type Values } from "./_cli.ts";
import { DEVICE } from "./_flags.ts";

const command = {
  name: "pretrain",
  about: "makes the base policy of the built-in questions, with its model card.",
  flags: {
    out: {
      kind: "text",
      value: "DIR",
      default: "models/operators-base",
      help: "Folder of the policy; replaced whole when the training is done",
    },
    seed: { kind: "integer", min: 0, default: 1, help: "Names every random stream" },
    steps: { kind: "integer", min: 1, default: 600, help: "Steps of clean practice" },
    "noisy-steps": { kind: "integer", min: 1, default: 200, help: "Steps of unreliable practice" },
    device: DEVICE,
    quiet: { kind: "switch", help: "Show no progress" },
  },
  examples: ["deno task pretrain", "deno task pretrain --seed 2 --out runs/base-2"],
} as const satisfies Command<Record<string, Flag>>;

/** Chains practised in one step. */
const BATCH = 128;

/** How often a worked step of the unreliable source is wrong, by its sign. */
const NOISE = { plus: 0.04, minus: 0.2 };

/** Longest sequence the policy reads: prompts of 21 tokens and completions with room to spare. */
const CONTEXT = 256;

/** Tokens of a completion in the card's evaluation, as in training. */
const MAX_NEW_TOKENS = 64;

/** Fails at once, rather than after the training, where the policy cannot or must not be written. */
async function checkOut(out: string): Promise<void> {
  if (await exists(out) && !await exists(`${out}/model.safetensors`)) {
    throw new RangeError(
      `Cannot write ${out} as --out must be new or a policy's folder: current value holds something else`,
    );
  }
  await makeFolder(dirname(out));
}

/** Practises and saves the base policy. */
async function main(flags: Values<typeof command.flags>): Promise<void> {
  await checkOut(flags.out);
  const device = await openDevice({ prefer: flags.device });
  const tokenizer = charTokenizer();
  const config = modelConfig({
    vocab_size: tokenizer.vocabSize,
    hidden_size: 96,
    intermediate_size: 256,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    max_position_embeddings: CONTEXT,
  });
  const policy = createPolicy(config, tokenizer, flags.seed);
  const commit = await currentCommit() ?? "unknown";
  const started = performance.now();
  const { steps, "noisy-steps": noisySteps, seed } = flags;
  using progress = openProgress({ total: steps + noisySteps, quiet: flags.quiet });
  const phases = [
    { steps, rate: 3e-3, noise: { plus: 0, minus: 0 }, seed },
    { steps: noisySteps, rate: 3e-4, noise: NOISE, seed: seed + 1 },
  ];
  let done = 0;
  for (const { steps, rate, noise, seed } of phases) {
    const state = trainingState();
    const practice = operatorsPractice({ size: steps * BATCH, seed, noise });
    const settings = {
      seed,
      steps,
      questionsPerStep: BATCH,
      maxNewTokens: MAX_NEW_TOKENS,
      maxTokens: 8192,
      entropyCoefficient: 0,
      learningRate: { peak: rate, warmupSteps: 20, shape: "cosine" },
      adamw: ADAMW_DEFAULTS,
      questions: { from: 0, to: 1 },
    } as const;
    for await (const metrics of sft(policy, practice, settings, state)) {
      progress.step(++done, statusLine(metrics));
    }
    disposeState(state);
  }
  progress.close();
  const minutes = (performance.now() - started) / 60_000;
  const card = await modelCard(policy, device, flags, commit, minutes);
  await savePolicy(policy, flags.out, { "README.md": card });
  disposePolicy(policy);
  console.log(card);
}

/** The model card: how the policy was made and what it can do. */
async function modelCard(
  policy: Policy,
  device: Device,
  flags: Values<typeof command.flags>,
  commit: string,
  minutes: number,
): Promise<string> {
  const validation = await openDataset("operators", "validation");
  const options = { ...PLAIN_SAMPLING, samples: 8, maxNewTokens: MAX_NEW_TOKENS };
  const base = accuraciesOf(await evaluate(policy, validation, { ...options, seed: 1000 }));
  const summary = summarize(await evaluate(policy, validation, { ...options, seed: 1001 }), base);
  const counts = countStrata(base);
  const shares = STRATA.map((stratum) =>
    `${stratum} ${(100 * counts[stratum] / summary.questions).toFixed(0)} %`
  );
  const { hidden_size, num_hidden_layers, num_attention_heads } = policy.config;
  return `# operators-base

A decoder-only transformer of Llama's kind with ${
    parameterCount(policy).toLocaleString("en")
  } numbers
(width ${hidden_size}, ${num_hidden_layers} layers, ${num_attention_heads} heads, characters as tokens),
the base policy of the built-in \`operators\` questions.

## How it was made

\`deno task pretrain --seed ${flags.seed} --steps ${flags.steps} --noisy-steps ${
    flags["noisy-steps"]
  }\` in ${minutes.toFixed(1)} minutes on ${device.description}
(commit ${commit}).

1. ${flags.steps} AdamW steps on ${BATCH} worked questions each: half chains of 1 to 4 \`+\` and \`-\`, half the six
   practised operators. Peak rate 3e-3, cosine, 20 steps of warm-up.
2. ${
    flags["noisy-steps"]
  } steps at a peak rate of 3e-4 on a source whose steps are wrong with probability ${NOISE.plus}
   (\`+\`) and ${NOISE.minus} (\`-\`). So it knows these operations and is often wrong.

It has never seen the operators \`@\` and \`&\`, nor chains longer than 4.

## What it can do

${summary.questions} validation questions, 8 samples each at temperature 1. Strata come from 8 other samples of
each question: ${shares.join(", ")}.

\`\`\`
${evaluationTable(summary)}
\`\`\`

Licence: MIT, as this project.
`;
}

if (import.meta.main) await runTask(command, main);
