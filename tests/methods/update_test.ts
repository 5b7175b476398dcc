import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { disposeState, trainingState } from "../../lib/methods/training.ts";
import {
  optimizerStep,
  policyRows,
  policyTerm,
  policyUpdate,
  type StepOptions,
  type Term,
  type UpdateReport,
} from "../../lib/methods/update.ts";
import { trainingFlops } from "../../lib/model/flops.ts";
import { createPolicy, disposePolicy, type Policy } from "../../lib/model/policy.ts";
import { groupAdvantages } from "../../lib/objectives/advantages.ts";
import { tokenBatch, type TrainingRow } from "../../lib/objectives/batch.ts";
import { scoreTokens } from "../../lib/objectives/log_probs.ts";
import { clippedSurrogate, likelihood } from "../../lib/objectives/objective.ts";
import { constantLength, sequenceMean, tokenMean } from "../../lib/objectives/weigh.ts";
import { ADAMW_DEFAULTS } from "../../lib/optim/adamw.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { shape, tokenizer, trainingOf, valuesOf } from "./_puzzles.ts";
import {
  assertGradient,
  CONFIG,
  GRADIENT_ADAMW,
  groupOf,
  scoresOf,
  startsWith,
  withPolicy,
} from "./_rl.ts";

const OBJECTIVE = clippedSurrogate({ low: 0.2, high: 0.28, dual: 3 });
const DATASET = startsWith("a", "b");
const OPTIONS: StepOptions = { optimizer: "rl", learningRate: 0.01, adamw: GRADIENT_ADAMW };

/** Rows as a term of RL, their mean over tokens unless told otherwise. */
function rlTerm(rows: readonly TrainingRow[], changes: Partial<Term> = {}): Term {
  return { name: "rl", rows: tokenMean(rows), objective: OBJECTIVE, ...changes };
}

/** Completions as if sampled, by text with their rewards, as rows with centred advantages. */
async function rowsOf(policy: Policy, rewards: Record<string, number>): Promise<TrainingRow[]> {
  return policyRows(await groupOf(policy, rewards), groupAdvantages(Object.values(rewards)));
}

/** What one step on a copy of the policy did. */
interface Stepped extends UpdateReport {
  /** By weight; nothing when no step was taken. */
  readonly gradient: Record<string, number[]>;
  readonly weights: Record<string, number[]>;
  /** Steps of the optimizer. */
  readonly taken: number;
}

/** One step on a copy of the policy; its report, the gradient and the weights after it. */
async function stepOn(terms: readonly Term[], maxTokens = 1024): Promise<Stepped> {
  const [policy, state] = [createPolicy(shape, tokenizer, 1), trainingState()];
  const report = await optimizerStep({ policy, state, config: { maxTokens } }, terms, OPTIONS);
  const optimizer = state.optimizers.rl;
  const gradient = await valuesOf(optimizer?.m ?? {});
  const weights = await valuesOf(policy.weights);
  disposeState(state);
  disposePolicy(policy);
  return { ...report, gradient, weights, taken: optimizer?.step ?? 0 };
}

eachDevice(
  "optimizerStep() divides by the tokens of dead groups but spends nothing on them",
  () =>
    withPolicy(async (policy) => {
      const live = await rowsOf(policy, { "aba": 1, "cd": 0 });
      const dead = await rowsOf(policy, { "abcd": 1, "d": 1 });
      const all = await stepOn([rlTerm([...dead, ...live])]);
      assertEquals(all.rows, 2); // of four
      // On-policy ratios are 1, so the loss is -Σ A len / tokens = (-0.5 * 3 + 0.5 * 2) / (3+2+4+1)
      assertClose([all.loss, all.terms["rl/surrogate"]!], [-0.05, -0.05], 1e-5);
      // Only the divisor differs from the live rows alone: 10 tokens, not 5.
      const alone = await stepOn([rlTerm(live)]);
      assertClose([alone.loss], [-0.1], 1e-5);
      assertGradient(all.gradient, alone.gradient, 5 / 10);
    }),
);

eachDevice(
  "optimizerStep() follows the sum of −A ρ over live tokens, divided by all tokens",
  () =>
    withPolicy(async (policy) => {
      // Old log-probabilities a little off the policy's, inside the clip, so that ratios count.
      const off = (rows: TrainingRow[]) =>
        rows.map((row) => ({ ...row, oldLogProbs: Array.from(row.oldLogProbs!, (x) => x - 0.1) }));
      const live = off(await rowsOf(policy, { "aba": 1, "cd": 0, "b": 0 }));
      const dead = off(await rowsOf(policy, { "abcd": 0, "dd": 0 }));
      const tokens = 3 + 2 + 1 + 4 + 2;
      // One row at a time, unpadded batches of one, no clip, no micro-batches, no reduction code.
      let loss = 0;
      for (const row of live) {
        const { logProbs } = await scoresOf(policy, row);
        logProbs.forEach((logProb, t) => {
          loss -= row.advantage * Math.exp(logProb - row.oldLogProbs[t]!) / tokens;
        });
      }
      const { value, grads } = tf.variableGrads(() =>
        tf.tidy(() =>
          tf.addN(live.map((row) => {
            const batch = tokenBatch([row], tokenizer.padTokenId);
            const { logProbs } = scoreTokens(policy, batch);
            const ratio = tf.exp(tf.sub(logProbs, batch.oldLogProbs));
            return tf.sum(tf.mul(tf.mul(ratio, batch.mask), -row.advantage / tokens));
          })) as tf.Scalar
        ), Object.values(policy.weights));
      const byName = Object.fromEntries(
        Object.entries(policy.weights).map(([name, weight]) => [name, grads[weight.name]!]),
      );
      const gradient = await valuesOf(byName);
      tf.dispose([value, grads]);

      const step = await stepOn([rlTerm([...live, ...dead])]);
      assertClose([step.loss], [loss], 1e-5);
      assertClose([step.terms["rl/ratio"]!], [Math.exp(0.1)], 1e-5);
      assertClose([step.terms["rl/approximate_kl"]!], [Math.exp(0.1) - 1 - 0.1], 1e-5);
      assertClose([step.terms["rl/sampler_gap"]!], [0.1], 1e-4);
      assertEquals(step.terms["rl/clip_fraction"], 0);
      assertGradient(step.gradient, gradient);
      const norm = Math.hypot(...Object.values(gradient).flat());
      assertClose([step.gradNorm], [norm], 1e-5);
    }),
);

eachDevice(
  "optimizerStep() gives the same mean whatever the micro-batches and the order of rows",
  () =>
    withPolicy(async (policy) => {
      const rows = [
        ...await rowsOf(policy, { "aba": 1, "cd": 0, "ddba": 0, "b": 1 }),
        ...await rowsOf(policy, { "abcd": 1, "d": 0 }),
      ];
      const whole = await stepOn([rlTerm(rows)]);
      const parts = await stepOn([rlTerm(rows.toReversed())], 8); // a row at a time
      assertClose([parts.loss], [whole.loss], 1e-5);
      assertEquals(Object.keys(parts.terms), Object.keys(whole.terms));
      assertClose(Object.values(parts.terms), Object.values(whole.terms), 1e-5);
      assertGradient(parts.gradient, whole.gradient);
    }),
);

eachDevice(
  "optimizerStep() divides each completion's sum by the token limit, constant-length",
  () =>
    withPolicy(async (policy) => {
      const rows = [
        ...await rowsOf(policy, { "aba": 1, "cd": 0 }),
        ...await rowsOf(policy, { "abcd": 0, "d": 0 }),
      ];
      // Four rows of at most 4 tokens: (-0.5 * 3 + 0.5 * 2) / (4 * 4) = -1 / 32
      const step = await stepOn([rlTerm(rows, { rows: constantLength(4)(rows) })]);
      assertClose([step.loss, step.terms["rl/surrogate"]!], [-1 / 32, -1 / 32], 1e-5);
      // A limit of 8 halves it.
      const longer = await stepOn([rlTerm(rows, { rows: constantLength(8)(rows) })]);
      assertClose([longer.loss], [-1 / 64], 1e-5);
      assertGradient(longer.gradient, step.gradient, 0.5);
    }),
);

eachDevice(
  "optimizerStep() weighs each token by the weight of its row",
  () =>
    withPolicy(async (policy) => {
      const rows = await rowsOf(policy, { "aba": 1, "cd": 0 });
      // Two rows of the same share: (-0.5 + 0.5) / 2
      const step = await stepOn([rlTerm(rows, { rows: sequenceMean(rows) })]);
      assertClose([step.loss], [0], 1e-6);
      const weighted = rows.map((row, i) => ({ ...row, weight: [[0.5, 0, 0.25], 0.125][i]! }));
      const tokens = await stepOn([rlTerm(rows, { rows: weighted })]);
      assertClose([tokens.loss], [-0.5 * 0.75 + 0.5 * 2 * 0.125], 1e-6); // Σ -A weight
      assertClose([tokens.terms["rl/ratio"]!], [1], 1e-5); // a plain mean, whatever the weights
    }),
);

eachDevice(
  "optimizerStep() lets dead rows take part when there is an entropy bonus",
  () =>
    withPolicy(async (policy) => {
      const rows = await rowsOf(policy, { "abcd": 0, "d": 0 });
      const step = await stepOn([rlTerm(rows, { entropyCoefficient: 0.1 })]);
      const scores = await Promise.all(rows.map((row) => scoresOf(policy, row)));
      const sum = scores.flatMap(({ entropy }) => [...entropy]).reduce((a, b) => a + b);
      assertEquals([step.rows, step.taken], [2, 1]);
      assertClose([step.terms["rl/entropy"]!, step.loss], [sum / 5, -0.1 * sum / 5], 1e-5); // 4 + 1
      assertClose([step.terms["rl/surrogate"]!], [0], 1e-7);
      assertGradient(step.gradient, step.gradient); // not 0
      assertNotEquals(step.weights, await valuesOf(policy.weights));
    }),
);

eachDevice(
  "optimizerStep() minimizes the sum of its terms and tells each by its name",
  () =>
    withPolicy(async (policy) => {
      const own = rlTerm(await rowsOf(policy, { "aba": 1, "cd": 0 }));
      const demonstrations = ["abc", "d"].map((text) => ({
        prompt: tokenizer.encode("cb="),
        completion: tokenizer.encode(text),
        advantage: 1,
      }));
      const off: Term = { name: "off", rows: tokenMean(demonstrations), objective: likelihood };
      const [first, second] = [await stepOn([own]), await stepOn([off])];
      const both = await stepOn([own, off]);
      assertEquals(both.rows, 4);
      assertClose([both.loss], [first.loss + second.loss], 1e-6);
      assertEquals(both.terms, { ...first.terms, ...second.terms });
      assertClose([both.terms["off/nll"]!], [both.terms["off/surrogate"]!], 1e-6); // a token mean
      const sums = Object.fromEntries(
        Object.entries(first.gradient).map(([name, values]) => [
          name,
          values.map((x, i) => x + second.gradient[name]![i]!),
        ]),
      );
      assertGradient(both.gradient, sums);
    }),
);

eachDevice(
  "optimizerStep() counts what it cost, dead rows as nothing",
  () =>
    withPolicy(async (policy) => {
      const state = trainingState();
      const learner = { policy, state, config: { maxTokens: 1024 } };
      const live = await rowsOf(policy, { "aba": 1, "cd": 0 });
      const dead = await rowsOf(policy, { "abcd": 1, "d": 1 });
      await optimizerStep(learner, [rlTerm([...live, ...dead])], OPTIONS);
      const cost = trainingFlops(shape, 3, 3) + trainingFlops(shape, 3, 2); // prompts "ab="
      assertEquals(state.budget, { rollouts: 0, optimizerSteps: 1, flops: cost });
      const idle = await optimizerStep(learner, [rlTerm(dead)], OPTIONS);
      assertEquals([idle.rows, idle.skipped], [0, false]);
      assertEquals(state.budget, { rollouts: 0, optimizerSteps: 1, flops: cost });
      disposeState(state);
    }),
  { devices: ["cpu"] },
);

eachDevice(
  "optimizerStep() keeps optimizers of different names apart",
  () =>
    withPolicy(async (policy) => {
      const state = trainingState();
      const learner = { policy, state, config: { maxTokens: 1024 } };
      const terms = [rlTerm(await rowsOf(policy, { "aba": 1, "cd": 0 }))];
      await optimizerStep(learner, terms, OPTIONS);
      const before = await valuesOf(state.optimizers.rl!.m);
      await optimizerStep(learner, terms, { ...OPTIONS, optimizer: "sft" });
      await optimizerStep(learner, terms, { ...OPTIONS, optimizer: "sft" });
      assertEquals([state.optimizers.rl!.step, state.optimizers.sft!.step], [1, 2]);
      assertEquals(await valuesOf(state.optimizers.rl!.m), before);
      disposeState(state);
    }),
  { devices: ["cpu"] },
);

eachDevice(
  "policyTerm() has a row for each completion of each group, weighed together",
  () =>
    withPolicy(async (policy) => {
      const groups = [
        await groupOf(policy, { "aba": 1, "cd": 0 }),
        await groupOf(policy, { "abcd": 1, "d": 1 }),
      ];
      const { name, rows, objective, entropyCoefficient } = policyTerm(groups, {
        advantages: (rewards) => rewards.map((reward) => 2 * reward),
        weigh: tokenMean,
        objective: OBJECTIVE,
        entropyCoefficient: 0.5,
      });
      assertEquals([name, objective, entropyCoefficient], ["rl", OBJECTIVE, 0.5]);
      const completions = groups.flatMap(({ completions }) => completions);
      assertEquals(
        rows.map(({ completion }) => completion),
        completions.map(({ tokens }) => tokens),
      );
      assertEquals(
        rows.map(({ oldLogProbs }) => oldLogProbs),
        completions.map(({ logProbs }) => logProbs),
      );
      assertEquals(rows.map(({ prompt }) => prompt), rows.map(() => tokenizer.encode("ab=")));
      assertEquals(rows.map(({ advantage }) => advantage), [2, 0, 2, 2]);
      assertEquals(rows.map(({ weight }) => weight), [0.1, 0.1, 0.1, 0.1]); // 3 + 2 + 4 + 1 tokens
    }),
  { devices: ["cpu"] },
);

/** The term of some groups, as the updates below learn from them. */
const termOf = (groups: Parameters<typeof policyTerm>[0]): Term[] => [policyTerm(groups, {
  advantages: (rewards) => groupAdvantages(rewards),
  weigh: tokenMean,
  objective: OBJECTIVE,
})];

eachDevice(
  "policyUpdate() takes no step on a batch of dead groups, not even along its momentum",
  () =>
    withPolicy(async (policy) => {
      const state = trainingState();
      const training = trainingOf(policy, DATASET, { ...CONFIG, adamw: ADAMW_DEFAULTS }, state);
      const live = await groupOf(policy, { "aba": 1, "cd": 0 });
      const dead = [
        await groupOf(policy, { "abcd": 1, "d": 1 }),
        await groupOf(policy, { "a": 0, "b": 0 }),
      ];
      const first = await policyUpdate(training, [live], termOf);
      assertEquals([first["rl/optimizer_steps"], first["rl/empty_steps"]], [1, 0]);
      const { rl } = state.optimizers;
      const everything = () => Promise.all([policy.weights, rl!.m, rl!.v].map(valuesOf));
      const before = await everything();
      const update = await policyUpdate(training, dead, termOf);
      assertEquals(await everything(), before);
      assertEquals(rl!.step, 1);
      assertEquals([update["rl/optimizer_steps"], update["rl/empty_steps"]], [0, 1]);
      assertEquals([update["rl/skipped_steps"], update["rl/loss"]], [0, NaN]);
      assertEquals(update["advantage/mean_abs"], 0);
      disposeState(state);
    }),
);

eachDevice(
  "policyUpdate() skips and counts a step whose gradient is not finite",
  () =>
    withPolicy(async (policy) => {
      const groups = [await groupOf(policy, { "aba": 1, "cd": 0 })];
      const spoiled = policy.weights["model.layers.0.mlp.up_proj.weight"]!;
      const values = (await spoiled.data()).slice();
      values[3] = NaN;
      tf.tidy(() => void spoiled.assign(tf.tensor(values, spoiled.shape)));
      const state = trainingState();
      const before = await valuesOf(policy.weights);
      const training = trainingOf(policy, DATASET, CONFIG, state);
      const update = await policyUpdate(training, groups, termOf);
      assertEquals(await valuesOf(policy.weights), before);
      assertEquals([update["rl/optimizer_steps"], update["rl/skipped_steps"]], [0, 1]);
      assertEquals([update["rl/empty_steps"], update["rl/grad_norm"]], [0, NaN]);
      assertEquals(state.budget.optimizerSteps, 0);
      const { step, m, v } = state.optimizers.rl!;
      const moments = [...Object.values(await valuesOf(m)), ...Object.values(await valuesOf(v))];
      assertEquals([step, Math.max(...moments.flat()), Math.min(...moments.flat())], [0, 0, 0]);
      disposeState(state);
    }),
);

eachDevice(
  "policyUpdate() gives each optimizer step an equal part of the groups, in order",
  () =>
    withPolicy(async (policy) => {
      const group = await groupOf(policy, { "aba": 1, "cd": 0 });
      const partsOf = async (count: number, optimizerSteps: number): Promise<number[][]> => {
        const state = trainingState();
        const training = trainingOf(policy, DATASET, { ...CONFIG, optimizerSteps }, state);
        const groups = Array.from({ length: count }, (_, index) => ({ ...group, index }));
        const parts: number[][] = [];
        await policyUpdate(training, groups, (part) => {
          parts.push(part.map(({ index }) => index));
          return [];
        });
        disposeState(state);
        return parts;
      };
      assertEquals(await partsOf(6, 3), [[0, 1], [2, 3], [4, 5]]);
      assertEquals(await partsOf(5, 2), [[0, 1], [2, 3, 4]]); // as equal as it can be
      assertEquals(await partsOf(1, 2), [[], [0]]);
      assertEquals(await partsOf(10, 3), [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]);
      assertEquals(await partsOf(0, 2), [[], []]);
    }),
  { devices: ["cpu"] },
);

eachDevice(
  "policyUpdate() tells means over the steps it took, and the first sampler gap",
  () =>
    withPolicy(async (policy) => {
      const groups = [
        await groupOf(policy, { "abcd": 0, "d": 0 }), // dead: no step
        await groupOf(policy, { "aba": 1, "cd": 0 }),
        await groupOf(policy, { "b": 1, "ddd": 0.5 }),
      ];
      const state = trainingState();
      const config = {
        ...CONFIG,
        optimizerSteps: 3,
        learningRate: { peak: 0.02, warmupSteps: 4, shape: "constant" as const },
      };
      const training = { ...trainingOf(policy, DATASET, config, state), step: 1 };
      const update = await policyUpdate(training, groups, termOf);
      assertEquals([update["rl/optimizer_steps"], update["rl/empty_steps"]], [2, 1]);
      assertClose([update["rl/learning_rate"]!], [0.01], 1e-9); // the second of four warm-up steps
      // 0, 0, 0.5, -0.5, 0.25, -0.25
      assertClose([update["advantage/mean_abs"]!], [1.5 / 6], 1e-9);
      assertEquals([update["advantage/max"], update["advantage/min"]], [0.5, -0.5]);
      assert(update["rl/sampler_gap"]! < 1e-5); // before the first update
      assert(update["rl/approximate_kl"]! > 1e-5); // mean with the second, whose policy has moved
      assertEquals(state.budget.optimizerSteps, 2);
      disposeState(state);
    }),
  { devices: ["cpu"] },
);

eachDevice(
  "policyUpdate() on no groups takes no step and has no advantages",
  () =>
    withPolicy(async (policy) => {
      const config = { ...CONFIG, optimizerSteps: 2 };
      const training = trainingOf(policy, DATASET, config, trainingState());
      const update = await policyUpdate(training, [], termOf);
      assertEquals([update["rl/optimizer_steps"], update["rl/empty_steps"]], [0, 2]);
      const none = ["mean_abs", "max", "min"].map((name) => update[`advantage/${name}`]);
      assertEquals([...none, update["rl/loss"], update["rl/surrogate"]], [NaN, NaN, NaN, NaN, NaN]);
    }),
  { devices: ["cpu"] },
);
