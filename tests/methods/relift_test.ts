/**
 * ReLIFT, and one test for each defect of the authors' code that could come back here; they are
 * numbered as in the notes this toolkit was written from: 1 an empty buffer, 2 questions found by a
 * row's place, 3 the scale of the SFT gradient, 4 and 5 an SFT step that disturbs RL's numbers,
 * 7 an SFT loss that is dropped, 8 the clip of the SFT gradient.
 */
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { binaryReward, type Dataset, type Question } from "../../lib/data/question.ts";
import type { DrawnGroup } from "../../lib/methods/grpo.ts";
import {
  bufferHardest,
  relift,
  type ReliftConfig,
  teachHardest,
} from "../../lib/methods/relift.ts";
import { demonstrationRow, sft, type SftConfig, supervisedStep } from "../../lib/methods/sft.ts";
import {
  disposeState,
  type Metrics,
  type TrainingState,
  trainingState,
} from "../../lib/methods/training.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { createPolicy, disposePolicy, type Policy } from "../../lib/model/policy.ts";
import { tokenBatch } from "../../lib/objectives/batch.ts";
import { scoreTokens } from "../../lib/objectives/log_probs.ts";
import { ADAMW_DEFAULTS, adamwState, disposeAdamw } from "../../lib/optim/adamw.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { assertClose, eachDevice, TINY } from "../_devices.ts";

const tokenizer = charTokenizer("abcd=");
const shape = modelConfig({ ...TINY, vocab_size: tokenizer.vocabSize });

const config: ReliftConfig = {
  seed: 1,
  steps: 4,
  groupSize: 4,
  questionsPerStep: 2,
  maxNewTokens: 6,
  optimizerSteps: 1,
  clip: null,
  reduction: "token-mean",
  normalizeStd: false,
  entropyCoefficient: 0,
  learningRate: { peak: 0.01, warmupSteps: 0, shape: "constant" },
  adamw: ADAMW_DEFAULTS,
  maxTokens: 1024,
  gate: 0,
  bufferSize: 2,
  order: "oldest-first",
  maxBuffered: null,
  maxAge: null,
  recheck: false,
  drain: "one",
  passes: 1,
  sharedOptimizer: false,
  sft: {
    entropyCoefficient: 0,
    learningRate: { peak: 0.01, warmupSteps: 0, shape: "constant" },
    adamw: ADAMW_DEFAULTS,
  },
};

const LETTERS = [..."abcd"];

/** Sixteen puzzles no guess solves; `isSolved` makes any completion right. */
function puzzles(options: {
  readonly demonstrations?: Readonly<Record<number, string | undefined>>;
  readonly isSolved?: (question: Question, completion: string) => boolean;
} = {}): Dataset {
  const { demonstrations = {}, isSolved = () => false } = options;
  return {
    name: "puzzles",
    size: 16,
    question: (index) => {
      const prompt = `${LETTERS[index % 4]}${LETTERS[Math.floor(index / 4)]}=`;
      const answer = `${prompt[1]}${prompt[0]}dab`.slice(0, 2 + index % 4); // 2 to 5 letters
      const demonstration = index in demonstrations ? demonstrations[index] : answer;
      return { id: `q${index}`, prompt, answer, demonstration };
    },
    reward: (question, completion) =>
      binaryReward(completion === question.answer || isSolved(question, completion)),
  };
}

/** Any completion of these questions is right. */
const solved = (indices: readonly number[]) => ({ id }: Question): boolean =>
  indices.includes(Number(id.slice(1)));

/** Groups of which only the question and the accuracy matter, by index. */
function groupsOf(dataset: Dataset, accuracies: Readonly<Record<number, number>>): DrawnGroup[] {
  return Object.entries(accuracies).map(([index, accuracy]) => ({
    index: Number(index),
    question: dataset.question(Number(index)),
    prompt: [],
    completions: [],
    rewards: [],
    accuracy,
  }));
}

/** A policy and a state, freed after the test. */
async function withRun(
  test: (policy: Policy, state: TrainingState) => void | Promise<void>,
): Promise<void> {
  const [policy, state] = [createPolicy(shape, tokenizer, 1), trainingState()];
  try {
    await test(policy, state);
  } finally {
    disposePolicy(policy);
    disposeState(state);
  }
}

/** Registers a test on the plain backend, where bookkeeping is tested. */
function onCpu(
  name: string,
  test: (policy: Policy, state: TrainingState) => void | Promise<void>,
): void {
  eachDevice(name, () => withRun(test), { devices: ["cpu"] });
}

/** Runs ReLIFT to its end. */
async function run(
  policy: Policy,
  dataset: Dataset,
  changes: Partial<ReliftConfig> = {},
  state: TrainingState = trainingState(),
): Promise<Metrics[]> {
  const yielded: Metrics[] = [];
  for await (const metrics of relift(policy, dataset, { ...config, ...changes }, state)) {
    yielded.push(metrics);
  }
  return yielded;
}

/** Lets questions wait since step 0. */
function wait(state: TrainingState, ...indices: number[]): void {
  state.hardest.push(...indices.map((index) => ({ index, step: 0 })));
}

const waiting = ({ hardest }: TrainingState): number[] => hardest.map(({ index }) => index);
const taught = (state: TrainingState): number[] => Object.keys(state.taught).map(Number);
const column = (yielded: readonly Metrics[], name: string): number[] =>
  yielded.map((metrics) => metrics[name]!);

async function valuesOf(
  tensors: Readonly<Record<string, tf.Tensor>>,
): Promise<Record<string, number[]>> {
  const entries = Object.entries(tensors).map(async ([name, tensor]) =>
    [name, [...await tensor.data<"float32">()]] satisfies [string, number[]]
  );
  return Object.fromEntries(await Promise.all(entries));
}

onCpu("defect 1: relift() runs before the first hard question", async (policy, state) => {
  const yielded = await run(policy, puzzles({ isSolved: () => true }), { steps: 2 }, state);
  assertEquals(column(yielded, "buffer/length"), [0, 0]);
  assertEquals(column(yielded, "buffer/age"), [NaN, NaN]);
  assertEquals(column(yielded, "sft/events"), [0, 0]);
  assert(yielded.every((metrics) => !("sft/loss" in metrics)));
});

onCpu("defect 1: relift() drains the buffer exactly and fills it again", async (policy, state) => {
  let isEasy = false;
  const dataset = puzzles({ isSolved: () => isEasy });
  const yielded: Metrics[] = [];
  for await (const metrics of relift(policy, dataset, config, state)) {
    yielded.push(metrics);
    isEasy = metrics["step"]! === 0 || metrics["step"]! === 1; // steps 1 and 2 find nothing hard
  }
  assertEquals(column(yielded, "buffer/added"), [2, 0, 0, 2]);
  assertEquals(column(yielded, "buffer/length"), [0, 0, 0, 0]);
  assertEquals(column(yielded, "sft/events_now"), [1, 0, 0, 1]);
  assertEquals(column(yielded, "sft/events"), [1, 1, 1, 2]);
  assertEquals(column(yielded, "demonstrations/used"), [2, 2, 2, 4]);
});

onCpu("defect 2: bufferHardest() knows questions by index, in any order", (policy, state) => {
  const dataset = puzzles();
  const groups = groupsOf(dataset, { 3: 0, 4: 1, 7: 0.5, 9: 0, 12: 0.25 });
  for (const order of [groups, groups.toReversed(), [2, 4, 0, 3, 1].map((at) => groups[at]!)]) {
    const fresh = trainingState();
    bufferHardest(policy, dataset, order, config, fresh);
    assertEquals(waiting(fresh).toSorted(), [3, 9]);
  }
  assertEquals(waiting(state), []);
});

onCpu("defect 2: relift() teaches just the questions that failed", async (policy, state) => {
  const easy = [0, 2, 3, 6, 9, 10, 13];
  const dataset = puzzles({ isSolved: solved(easy) });
  const failed = new Set<number>();
  const settings = { ...config, steps: 8, bufferSize: 1, drain: "all" as const };
  const onGroups = (_: number, groups: readonly DrawnGroup[]) => {
    for (const { index, question, accuracy } of groups) {
      assertEquals(question, dataset.question(index));
      if (accuracy === 0) failed.add(index);
    }
  };
  for await (const _ of relift(policy, dataset, settings, state, onGroups));
  assertEquals(taught(state), [...failed].toSorted((a, b) => a - b));
  assertEquals(taught(state).filter((index) => easy.includes(index)), []);
  assert(failed.size >= 5);
});

eachDevice(
  "defect 3: supervisedStep() follows the true mean whatever the micro-batches",
  () =>
    withRun(async (policy) => {
      const dataset = puzzles(); // demonstrations of 3, 4, 5 and 6 tokens, EOS included
      const rows = [0, 1, 2, 3].map((index) =>
        demonstrationRow(policy, dataset, dataset.question(index), 6)!
      );
      assertEquals(rows.map((row) => row.completion.length), [3, 4, 5, 6]);
      const alpha = 0.1, tokens = 3 + 4 + 5 + 6;
      // One row at a time: -(log p + α H) of its tokens over the tokens of all rows.
      const { value, grads } = tf.variableGrads(() =>
        tf.addN(rows.map((row) => {
          const batch = tokenBatch([row], tokenizer.padTokenId);
          const { logProbs, entropy } = scoreTokens(policy.weights, shape, batch);
          const terms = tf.add(logProbs, tf.mul(entropy, alpha));
          return tf.sum(tf.mul(tf.mul(terms, batch.mask), -1 / tokens));
        })) as tf.Scalar, Object.values(policy.weights));
      const gradient = await valuesOf(
        Object.fromEntries(
          Object.entries(policy.weights).map(([name, weight]) => [name, grads[weight.name]!]),
        ),
      );
      const [loss] = await value.data<"float32">();
      tf.dispose([value, grads]);

      for (const maxTokens of [1024, 16, 8]) { // four rows, two and one at a time
        const copy = createPolicy(shape, tokenizer, 1);
        const optimizer = adamwState(copy.weights);
        // With β1 = 0 and no clip the first moment is the gradient itself.
        const adamw = { ...ADAMW_DEFAULTS, beta1: 0, maxGradNorm: Infinity };
        const settings = { ...config.sft, entropyCoefficient: alpha, adamw, maxTokens };
        const report = await supervisedStep(copy, rows, optimizer, 0.01, settings);
        const moments = await valuesOf(optimizer.m);
        for (const name of Object.keys(gradient)) {
          assertClose(moments[name]!, gradient[name]!, 1e-5);
        }
        assertClose([report["sft/loss"]!], [loss!], 1e-5);
        assertClose([report["sft/nll"]! - alpha * report["sft/entropy"]!], [loss!], 1e-5);
        assertEquals(report["sft/demonstration_tokens"], tokens / 4);
        disposePolicy(copy);
        disposeAdamw(optimizer);
      }
    }),
);

onCpu("defects 4 and 5: an SFT step leaves the step's RL numbers alone", async () => {
  const isSolved = ({ id }: Question, completion: string) =>
    Number(id.slice(1)) % 2 === 0 && completion.startsWith("=");
  const yielded: Metrics[] = [];
  for (const bufferSize of [1, 100]) {
    await withRun(async (policy, state) => {
      const changes = { steps: 1, questionsPerStep: 8, bufferSize };
      yielded.push(...await run(policy, puzzles({ isSolved }), changes, state));
    });
  }
  const [interleaved, alone] = yielded.map((metrics) =>
    Object.fromEntries(
      Object.entries(metrics).filter(([name]) =>
        /^(rl|groups|advantage|completion|prompt|reward|accuracy)/.test(name)
      ),
    )
  );
  assertEquals(column(yielded, "sft/events"), [1, 0]);
  assert(interleaved!["rl/optimizer_steps"] === 1 && Object.keys(interleaved!).length > 25);
  assertEquals(interleaved, alone);
});

eachDevice(
  "defect 7: an SFT step changes the weights where RL has no signal, and teaches",
  () =>
    withRun(async (policy, state) => {
      const before = await valuesOf(policy.weights);
      const dataset = puzzles();
      const [first] = await run(policy, dataset, { steps: 1, bufferSize: 3 }, state);
      assertEquals([first!["groups/live"], first!["sft/events"]], [0, 0]);
      assertEquals(await valuesOf(policy.weights), before);
      const [second] = await run(policy, dataset, { steps: 2, bufferSize: 3 }, state);
      assertEquals([second!["groups/live"], second!["sft/events"]], [0, 1]);
      assertNotEquals(await valuesOf(policy.weights), before);
      const learned = taught(state);
      assertEquals([learned.length, waiting(state).length], [3, 1]);
      state.hardest.length = 0;
      wait(state, ...learned);
      const again = await teachHardest(policy, dataset, { ...config, bufferSize: 3 }, state);
      assert(again["sft/nll"]! < second!["sft/nll"]!, "the demonstrations are no likelier");
      assertEquals(Object.values(state.taught), [2, 2, 2]);
    }),
);

onCpu("defect 8: the SFT gradient is clipped at the SFT's own norm", async (policy, state) => {
  wait(state, 0, 1);
  const adamw = { ...ADAMW_DEFAULTS, maxGradNorm: 0.01 };
  const settings = { ...config, sft: { ...config.sft, adamw } };
  const report = await teachHardest(policy, puzzles(), settings, state);
  const moments = Object.values(await valuesOf(state.optimizers.sft!.m)).flat();
  // m = (1 - β1) times a gradient scaled down to norm 0.01
  assert(report["sft/grad_norm"]! > 0.1);
  assertClose([Math.hypot(...moments)], [0.1 * 0.01], 1e-6);
});

eachDevice(
  "teachHardest() leaves the moments of RL alone, bit for bit",
  () =>
    withRun(async (policy, state) => {
      const isSolved = (_: Question, completion: string) => completion.startsWith("=");
      await run(policy, puzzles({ isSolved }), { steps: 2, bufferSize: 100 }, state);
      const { rl } = state.optimizers;
      const moments = () => Promise.all([rl!.m, rl!.v].map(valuesOf));
      const [before, steps] = [await moments(), rl!.step];
      assert(steps > 0 && Object.values(before[0]!).flat().some((x) => x !== 0));
      state.hardest.length = 0;
      wait(state, 0, 1);
      await teachHardest(policy, puzzles(), config, state);
      assertEquals([await moments(), rl!.step], [before, steps]);
      assertEquals([Object.keys(state.optimizers), state.optimizers.sft!.step], [["rl", "sft"], 1]);
      wait(state, 2, 3);
      await teachHardest(policy, puzzles(), { ...config, sharedOptimizer: true }, state);
      assertEquals([rl!.step, state.optimizers.sft!.step], [steps + 1, 1]);
      assertNotEquals(await moments(), before);
    }),
);

onCpu("relift() has one optimizer when it is shared, else two", async (policy, state) => {
  await run(policy, puzzles(), { steps: 1, sharedOptimizer: true }, state);
  assertEquals(Object.keys(state.optimizers), ["rl"]);
  await run(policy, puzzles(), { steps: 2 }, state);
  assertEquals(Object.keys(state.optimizers), ["rl", "sft"]);
});

onCpu("bufferHardest() takes questions at or below the gate Q", (policy) => {
  const dataset = puzzles();
  const groups = groupsOf(dataset, { 0: 0, 1: 0.125, 2: 0.25, 3: 0.375, 4: 1 });
  for (const [gate, expected] of [[0, [0]], [0.125, [0, 1]], [0.25, [0, 1, 2]]] as const) {
    const state = trainingState();
    const metrics = bufferHardest(policy, dataset, groups, { ...config, gate }, state);
    assertEquals([waiting(state), metrics["buffer/added"]], [[...expected], expected.length]);
  }
});

onCpu("bufferHardest() lets a question wait once, since its first failure", (policy, state) => {
  const dataset = puzzles();
  bufferHardest(policy, dataset, groupsOf(dataset, { 5: 0, 6: 0 }), config, state);
  state.step = 3;
  const metrics = bufferHardest(policy, dataset, groupsOf(dataset, { 6: 0, 7: 0 }), config, state);
  assertEquals(state.hardest, [{ index: 5, step: 0 }, { index: 6, step: 0 }, {
    index: 7,
    step: 3,
  }]);
  assertEquals([metrics["buffer/added"], metrics["buffer/dropped"]], [1, 0]);
});

onCpu("bufferHardest() drops the oldest beyond maxBuffered", (policy, state) => {
  const dataset = puzzles();
  const settings = { ...config, maxBuffered: 3 };
  bufferHardest(policy, dataset, groupsOf(dataset, { 8: 0, 9: 0 }), settings, state);
  state.step = 1;
  const groups = groupsOf(dataset, { 1: 0, 2: 0 });
  const metrics = bufferHardest(policy, dataset, groups, settings, state);
  assertEquals(waiting(state), [9, 1, 2]);
  assertEquals([metrics["buffer/added"], metrics["buffer/dropped"]], [2, 1]);
});

onCpu("bufferHardest() drops what waited longer than maxAge steps", (policy, state) => {
  const dataset = puzzles();
  const settings = { ...config, maxAge: 2 };
  const lengths: number[] = [];
  for (const [index, accuracy] of [[8, 0], [9, 0], [1, 1], [1, 1], [1, 1]] as const) {
    const groups = groupsOf(dataset, { [index]: accuracy });
    bufferHardest(policy, dataset, groups, settings, state);
    lengths.push(state.hardest.length);
    state.step++;
  }
  assertEquals(lengths, [1, 2, 2, 1, 0]); // of step 0 until step 2, of step 1 until step 3
});

onCpu("teachHardest() waits for M questions, then teaches M", async (policy, state) => {
  const settings = { ...config, bufferSize: 3 };
  wait(state, 0, 1);
  const early = await teachHardest(policy, puzzles(), settings, state);
  assertEquals([early["sft/events_now"], waiting(state), taught(state)], [0, [0, 1], []]);
  assertEquals(state.optimizers, {});
  wait(state, 2, 4);
  const full = await teachHardest(policy, puzzles(), settings, state);
  assertEquals([full["sft/events_now"], waiting(state), taught(state)], [1, [4], [0, 1, 2]]);
  assertEquals(full["sft/demonstrations"], 3);
});

onCpu("teachHardest() takes the oldest or the newest first", async (policy) => {
  for (
    const [order, expected, left] of [
      ["oldest-first", [5, 6], [7, 8]],
      ["newest-first", [7, 8], [5, 6]],
    ] as const
  ) {
    const state = trainingState();
    wait(state, 5, 6, 7, 8);
    await teachHardest(policy, puzzles(), { ...config, order }, state);
    assertEquals([taught(state), waiting(state)], [[...expected], [...left]]);
    disposeState(state);
  }
});

onCpu("teachHardest() teaches one batch, or all that can be filled", async (policy) => {
  for (const [drain, events, left] of [["one", 1, 3], ["all", 2, 1]] as const) {
    const state = trainingState();
    wait(state, 5, 6, 7, 8, 9);
    const metrics = await teachHardest(policy, puzzles(), { ...config, drain }, state);
    assertEquals([metrics["sft/events_now"], state.sftEvents], [events, events]);
    assertEquals([waiting(state).length, state.optimizers.sft!.step], [left, events]);
    disposeState(state);
  }
});

onCpu("teachHardest() re-checks, and lets go what is solved by now", async (policy, state) => {
  const settings = { ...config, recheck: true };
  const dataset = puzzles({ isSolved: solved([5, 7]) });
  wait(state, 5, 6, 7);
  const none = await teachHardest(policy, dataset, settings, state);
  assertEquals([none["sft/events_now"], none["buffer/solved_since"]], [0, 2]);
  assertEquals([waiting(state), taught(state)], [[6], []]); // one is left, and M is two
  wait(state, 8, 9, 5);
  const metrics = await teachHardest(policy, dataset, settings, state);
  assertEquals([metrics["sft/events_now"], metrics["buffer/solved_since"]], [1, 1]);
  assertEquals([waiting(state), taught(state)], [[9], [6, 8]]);
});

onCpu(
  "teachHardest() takes `passes` steps on a batch, each at its own rate",
  async (policy, state) => {
    const learningRate = { peak: 0.01, warmupSteps: 4, shape: "constant" as const };
    const settings = { ...config, passes: 2, sft: { ...config.sft, learningRate } };
    const rates: number[] = [];
    for (const pair of [[0, 1], [2, 3]]) {
      wait(state, ...pair);
      rates.push((await teachHardest(policy, puzzles(), settings, state))["sft/learning_rate"]!);
    }
    // Means of 1/4 and 2/4, then of 3/4 and 4/4 of the peak
    assertClose(rates, [0.00375, 0.00875], 1e-9);
    assertEquals([state.optimizers.sft!.step, state.sftEvents], [4, 2]);
    assertEquals(state.taught, { 0: 1, 1: 1, 2: 1, 3: 1 });
  },
);

onCpu(
  "teachHardest() skips and counts steps whose gradient is not finite",
  async (policy, state) => {
    const spoiled = policy.weights["model.layers.0.mlp.up_proj.weight"]!;
    const values = (await spoiled.data()).slice();
    values[3] = NaN;
    tf.tidy(() => void spoiled.assign(tf.tensor(values, spoiled.shape)));
    const before = await valuesOf(policy.weights);
    wait(state, 0, 1);
    const metrics = await teachHardest(policy, puzzles(), { ...config, passes: 2 }, state);
    assertEquals(await valuesOf(policy.weights), before);
    assertEquals(state.optimizers.sft!.step, 0);
    assertEquals(metrics["sft/skipped_steps"], 2);
  },
);

/** None, too long by one token, wrong, and one that just fits six tokens. */
const faulty = {
  demonstrations: { 0: undefined, 1: "acdabc", 2: "dddd", 3: "abdab" },
  isSolved: (_: Question, completion: string) => ["acdabc", "abdab"].includes(completion),
};

onCpu(
  "demonstrationRow() is the demonstration and EOS, if it is there, fits and is right",
  (policy) => {
    const dataset = puzzles(faulty);
    const rowOf = (index: number, room = 6) =>
      demonstrationRow(policy, dataset, dataset.question(index), room);
    assertEquals([0, 1, 2].map((index) => rowOf(index)), [undefined, undefined, undefined]);
    const completion = [...tokenizer.encode("abdab"), tokenizer.eosTokenId];
    assertEquals(rowOf(3), { prompt: tokenizer.encode("da="), completion, advantage: 0 });
    assertEquals([rowOf(3, 5), rowOf(1, 7)?.completion.length], [undefined, 7]);
    const cramped = { ...policy, config: { ...shape, max_position_embeddings: 8 } }; // 3 + 6 > 8
    assertEquals(demonstrationRow(cramped, dataset, dataset.question(3), 6), undefined);
  },
);

onCpu(
  "bufferHardest() counts and skips questions without a usable demonstration",
  (policy, state) => {
    const dataset = puzzles(faulty);
    const groups = groupsOf(dataset, { 0: 0, 1: 0, 2: 0, 3: 0 });
    const metrics = bufferHardest(policy, dataset, groups, config, state);
    assertEquals(waiting(state), [3]);
    assertEquals([metrics["buffer/added"], metrics["buffer/without_demonstration"]], [1, 3]);
  },
);

const sftConfig: SftConfig = {
  ...config.sft,
  seed: 1,
  steps: 1,
  demonstrationsPerStep: 4,
  maxNewTokens: 6,
  maxTokens: 1024,
};

/** The first four of the puzzles. */
const four = (dataset: Dataset): Dataset => ({ ...dataset, size: 4 });

onCpu("sft() counts and skips questions without a usable demonstration", async (policy, state) => {
  const run = sft(policy, four(puzzles(faulty)), { ...sftConfig, steps: 2 }, state);
  const { value } = await run.next();
  assertEquals([value!["sft/demonstrations"], value!["sft/without_demonstration"]], [1, 3]);
  assertEquals(state.taught, { 3: 1 });
  assertEquals(value!["demonstrations/share"], 1 / 4);
});

onCpu("sft() takes no step when no demonstration can be used", async (policy, state) => {
  const before = await valuesOf(policy.weights);
  const none = { demonstrations: { 0: undefined, 1: undefined, 2: undefined, 3: undefined } };
  const { value } = await sft(policy, four(puzzles(none)), sftConfig, state).next();
  assertEquals([value!["sft/demonstrations"], value!["sft/without_demonstration"]], [0, 4]);
  assertEquals(await valuesOf(policy.weights), before);
  assertEquals(state.optimizers.sft!.step, 0);
});

eachDevice(
  "sft() learns four demonstrations by heart, in seconds",
  () =>
    withRun(async (policy, state) => {
      const nll: number[] = [];
      for await (
        const metrics of sft(policy, four(puzzles()), { ...sftConfig, steps: 60 }, state)
      ) nll.push(metrics["sft/nll"]!);
      assert(nll[0]! > 1 && nll.at(-1)! < 0.1, `from ${nll[0]} to ${nll.at(-1)} nats`);
    }),
  { devices: ["wasm"] },
);

eachDevice(
  "relift() solves four questions that RL alone never does, in seconds",
  () =>
    withRun(async (policy, state) => {
      const yielded = await run(policy, four(puzzles()), {
        steps: 30,
        questionsPerStep: 4,
        passes: 4,
        drain: "all",
      }, state);
      const accuracies = column(yielded, "accuracy");
      assertEquals(accuracies[0], 0);
      assert(accuracies.at(-1)! > 0.9, `accuracy went to ${accuracies.at(-1)}`);
      assert(yielded.at(-1)!["taught/solve_rate"]! > 0.9);
      assert(state.sftEvents < 20, "it never stopped teaching");
    }),
  { devices: ["wasm"] },
);

onCpu("relift() checks its settings before its first step", async (policy, state) => {
  const bad: [Partial<ReliftConfig>, string][] = [
    [{ gate: 1 }, "Cannot gate questions as gate must be in [0, 1): current value is 1"],
    [{ gate: -0.1 }, "current value is -0.1"],
    [
      { bufferSize: 0 },
      "Cannot train as bufferSize must be a whole number > 0: current value is 0",
    ],
    [{ passes: 1.5 }, "passes must be a whole number > 0: current value is 1.5"],
    [{ maxBuffered: 0 }, "maxBuffered must be a whole number > 0: current value is 0"],
    [{ maxAge: -1 }, "maxAge must be a whole number > 0: current value is -1"],
    [{ questionsPerStep: 0 }, "questionsPerStep must be a whole number > 0: current value is 0"],
    [{ groupSize: 1 }, "groupSize must be >= 2"],
  ];
  for (const [change, message] of bad) {
    await assertRejects(() => run(policy, puzzles(), change, state), RangeError, message);
  }
  assertEquals(state, trainingState());
});
