/**
 * The whole study: every method with seven seeds, ablations with three, and questions whose
 * demonstrations come in another style with five. About three hours on two cores.
 *
 * Budgets of the main table. RL takes 120 steps of 32 questions x 8 completions: 30,720 rollouts,
 * 240 optimizer steps, about 1.39e12 floating-point operations. Unless a title says otherwise,
 * another method samples as many completions (`dapo`, which may draw more in a step, stops when it
 * has; of LUFFY's relatives a demonstration is the eighth) and takes as many optimizer steps on
 * them; supervised steps of hybrids come on top. SFT has no rollouts and appears four times: three
 * epochs, as papers do; as many optimizer steps as RL; as many operations as RL; and on as few
 * demonstrations as ReLIFT uses. Of SFT then RL there are the two forms of ReLIFT's paper and one on
 * all demonstrations that costs what RL costs.
 *
 * @module
 */
import type { Grid, GridEntry } from "../../mod.ts";
import { type Changes, entry, rate, seeds } from "../_reproduce/entries.ts";

const STEPS = 120;

/** What as many steps of RL sample and cost (the latter a mean over seeds). */
const RL = { rollouts: STEPS * 32 * 8, optimizerSteps: STEPS * 2, flops: 1.39e12 };

/** Steps of SFT that cost as many operations, 2.654e9 each. */
const SFT_STEPS_OF_RL = 524;

/** Batches of 32 questions in an epoch of 1,500. */
const EPOCH = 46;

/** Questions whose demonstrations are about as many as ReLIFT teaches. */
const FEW = { from: 0, to: 0.24 };

const main = (
  id: string,
  preset: string,
  changes: Changes,
  more: Partial<GridEntry> = {},
): GridEntry =>
  entry(id, preset, changes, { family: "main", dataset: "operators", seeds: seeds(7), ...more });

/** A preset as it is, but for the number of steps. */
const plain = (id: string, more: Partial<GridEntry> = {}): GridEntry =>
  main(id, id, { steps: STEPS }, more);

const MAIN: readonly GridEntry[] = [
  plain("rl"),
  plain("rl-v1", { title: "RL, v1" }),
  plain("reinforce"),
  plain("rloo"),
  plain("grpo"),
  plain("dr-grpo"),
  plain("dapo", { budget: { rollouts: RL.rollouts } }),
  plain("gspo"),
  plain("cispo"),
  main("sft", "sft", { steps: 3 * EPOCH }, { title: "SFT, 3 epochs" }),
  main("sft-same-steps", "sft", { steps: RL.optimizerSteps }, { title: "SFT, RL's steps" }),
  main("sft-same-flops", "sft", { steps: SFT_STEPS_OF_RL }, { title: "SFT, RL's FLOPs" }),
  main("sft-few", "sft", { steps: RL.optimizerSteps, questions: FEW }, {
    title: "SFT, ReLIFT's demonstrations",
  }),
  main("dft", "dft", { steps: RL.optimizerSteps }, { title: "DFT, RL's steps" }),
  main("sft-rl", "sft-rl", { steps: 33 + STEPS }, { title: "SFT then RL, v2" }),
  main("sft-rl-v1", "sft-rl-v1", { steps: 69 + STEPS }, { title: "SFT then RL, v1" }),
  main("sft-rl-full", "sft-rl", {
    steps: RL.optimizerSteps + STEPS,
    sftSteps: RL.optimizerSteps,
    sftQuestions: { from: 0, to: 1 },
  }, { title: "SFT then RL, RL's FLOPs", budget: { flops: RL.flops } }),
  main("rl-sft", "rl-sft", { steps: STEPS + 3 * EPOCH, rlSteps: STEPS }, { title: "RL then SFT" }),
  plain("rl-sft-loss"),
  plain("luffy"),
  plain("srft"),
  plain("chord"),
  plain("hpt"),
  plain("superrl"),
  plain("prefix-rft"),
  plain("rl-plus"),
  plain("relift"),
  plain("relift-v1", { title: "ReLIFT, v1" }),
  main("relift-same-flops", "relift", { steps: STEPS }, {
    title: "ReLIFT, RL's FLOPs",
    budget: { flops: RL.flops },
  }),
];

const ablation = (id: string, title: string, changes: Changes, preset = "relift"): GridEntry =>
  entry(id, preset, { steps: STEPS, ...changes }, {
    family: "ablation",
    dataset: "operators",
    seeds: seeds(3),
    title,
  });

const ABLATIONS: readonly GridEntry[] = [
  ablation("relift-always", "SFT after every step", {}, "relift-always"),
  ablation("relift-uniform", "SFT every 6 steps", {}, "relift-uniform"),
  ablation("relift-random", "random questions", {}, "relift-random"),
  ablation("relift-newest", "newest first", { order: "newest-first" }),
  ablation("relift-recheck", "re-check before use", { recheck: true }),
  ablation("relift-shared", "shared optimizer", { sharedOptimizer: true }),
  ablation("relift-n16", "n = 16, half the questions", { groupSize: 16, questionsPerStep: 16 }),
  ablation("relift-one-pass", "one pass over each batch", { passes: 1 }),
  ablation("relift-alpha-0", "α = 0", { sft: { entropyCoefficient: 0 } }),
  ablation("relift-alpha-1e-5", "α = 1e-5", { sft: { entropyCoefficient: 1e-5 } }),
  ablation("relift-alpha-1e-3", "α = 1e-3", { sft: { entropyCoefficient: 1e-3 } }),
];

/** M x Q. */
const SIZE_GATE: readonly GridEntry[] = [8, 16, 32, 64].flatMap((bufferSize) =>
  [0, 1 / 8, 1 / 4].map((gate) =>
    entry(`relift-m${bufferSize}-q${8 * gate}`, "relift", { steps: STEPS, bufferSize, gate }, {
      family: "m-q",
      dataset: "operators",
      seeds: seeds(3),
      title: `M = ${bufferSize}, Q = ${8 * gate}/8`,
    })
  )
);

const tuning = (id: string, preset: string, title: string, changes: Changes): GridEntry =>
  entry(id, preset, changes, { family: "rates", dataset: "operators", seeds: seeds(3), title });

/** Were the rates of the main table good ones? Each beside a smaller and a larger one. */
const RATES: readonly GridEntry[] = [
  ...[1e-4, 4e-4].map((peak) =>
    tuning(`rl-rate-${peak}`, "rl", `RL, rate ${peak}`, {
      steps: STEPS,
      learningRate: rate("rl", peak),
    })
  ),
  ...[3e-4, 2e-3].map((peak) =>
    tuning(`sft-rate-${peak}`, "sft", `SFT, rate ${peak}`, {
      steps: RL.optimizerSteps,
      learningRate: rate("sft", peak),
    })
  ),
  ...[1e-4, 1e-3].map((peak) =>
    tuning(`relift-rate-${peak}`, "relift", `ReLIFT, SFT rate ${peak}`, {
      steps: STEPS,
      sft: { learningRate: { peak, warmupSteps: 4, shape: "constant" } },
    })
  ),
];

/** Questions whose demonstrations are twice as long, in a style the base policy never practised. */
const style = (
  id: string,
  preset: string,
  changes: Changes,
  more: Partial<GridEntry> = {},
): GridEntry =>
  entry(id, preset, { maxNewTokens: 128, ...changes }, {
    family: "style",
    dataset: "operators-checked",
    seeds: seeds(5),
    ...more,
  });

const STYLE: readonly GridEntry[] = [
  style("rl", "rl", { steps: STEPS }),
  style("sft", "sft", { steps: 3 * EPOCH }, { title: "SFT, 3 epochs" }),
  style("sft-same-steps", "sft", { steps: RL.optimizerSteps }, { title: "SFT, RL's steps" }),
  style("sft-rl-full", "sft-rl", {
    steps: RL.optimizerSteps + STEPS,
    sftSteps: RL.optimizerSteps,
    sftQuestions: { from: 0, to: 1 },
  }, { title: "SFT then RL" }),
  style("rl-sft-loss", "rl-sft-loss", { steps: STEPS }),
  style("luffy", "luffy", { steps: STEPS }),
  style("relift", "relift", { steps: STEPS }),
];

export default {
  name: "full",
  evaluation: { every: 15, samples: 4, finalSamples: 32 },
  entries: [...MAIN, ...ABLATIONS, ...SIZE_GATE, ...RATES, ...STYLE],
} as const satisfies Grid;
