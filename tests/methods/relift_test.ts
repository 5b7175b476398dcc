/**
 * ReLIFT, and one test for each defect of the authors' code that could come back here; they are
 * numbered as in the notes this toolkit was written from: 1 an empty buffer, 2 questions found by a
 * row's place, 3 the scale of the SFT gradient (`demonstrations_test.ts`), 4 and 5 an SFT step that
 * disturbs RL's numbers, 7 an SFT loss that is dropped, 8 the clip of the SFT gradient
 * (`buffer_test.ts`).
 */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { Dataset, Question } from "../../lib/data/question.ts";
import { bufferQuestions, isHardest } from "../../lib/methods/buffer.ts";
import { relift, type ReliftConfig, teachWhenFull } from "../../lib/methods/relift.ts";
import {
  disposeState,
  type DrawnGroup,
  type Metrics,
  type TrainingState,
  trainingState,
} from "../../lib/methods/training.ts";
import type { Policy } from "../../lib/model/policy.ts";
import { eachDevice } from "../_devices.ts";
import {
  column,
  config,
  four,
  groupsOf,
  onCpu,
  puzzles,
  solved,
  taught,
  trainingOf,
  valuesOf,
  wait,
  waiting,
  withRun,
} from "./_puzzles.ts";

/** Runs ReLIFT to its end. */
async function run(
  policy: Policy,
  dataset: Dataset,
  changes: Partial<ReliftConfig> = {},
  state: TrainingState = trainingState(),
): Promise<Metrics[]> {
  return await Array.fromAsync(relift(policy, dataset, { ...config, ...changes }, state));
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

onCpu("defect 2: the buffer knows questions by index, in any order", (policy, state) => {
  const dataset = puzzles();
  const groups = groupsOf(dataset, { 3: 0, 4: 1, 7: 0.5, 9: 0, 12: 0.25 });
  for (const order of [groups, groups.toReversed(), [2, 4, 0, 3, 1].map((at) => groups[at]!)]) {
    const fresh = trainingState();
    const hardest = order.filter((group) => isHardest(group, config));
    bufferQuestions(trainingOf(policy, dataset, config, fresh), hardest);
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
      const again = await teachWhenFull(
        trainingOf(policy, dataset, { ...config, bufferSize: 3 }, state),
      );
      assert(again["sft/nll"]! < second!["sft/nll"]!, "the demonstrations are no likelier");
      assertEquals(Object.values(state.taught), [2, 2, 2]);
    }),
);

onCpu("relift() has one optimizer when it is shared, else two", async (policy, state) => {
  await run(policy, puzzles(), { steps: 1, sharedOptimizer: true }, state);
  assertEquals(Object.keys(state.optimizers), ["rl"]);
  await run(policy, puzzles(), { steps: 2 }, state);
  assertEquals(Object.keys(state.optimizers), ["rl", "sft"]);
});

onCpu("teachWhenFull() waits for M questions, then teaches M", async (policy, state) => {
  const settings = { ...config, bufferSize: 3 };
  wait(state, 0, 1);
  const early = await teachWhenFull(trainingOf(policy, puzzles(), settings, state));
  assertEquals([early["sft/events_now"], waiting(state), taught(state)], [0, [0, 1], []]);
  assertEquals(state.optimizers, {});
  wait(state, 2, 4);
  const full = await teachWhenFull(trainingOf(policy, puzzles(), settings, state));
  assertEquals([full["sft/events_now"], waiting(state), taught(state)], [1, [4], [0, 1, 2]]);
  assertEquals(full["sft/demonstrations"], 3);
});

onCpu("teachWhenFull() takes the oldest or the newest first", async (policy) => {
  for (
    const [order, expected, left] of [
      ["oldest-first", [5, 6], [7, 8]],
      ["newest-first", [7, 8], [5, 6]],
    ] as const
  ) {
    const state = trainingState();
    wait(state, 5, 6, 7, 8);
    await teachWhenFull(trainingOf(policy, puzzles(), { ...config, order }, state));
    assertEquals([taught(state), waiting(state)], [[...expected], [...left]]);
    disposeState(state);
  }
});

onCpu("teachWhenFull() teaches one batch, or all that can be filled", async (policy) => {
  for (const [drain, events, left] of [["one", 1, 3], ["all", 2, 1]] as const) {
    const state = trainingState();
    wait(state, 5, 6, 7, 8, 9);
    const metrics = await teachWhenFull(trainingOf(policy, puzzles(), { ...config, drain }, state));
    assertEquals([metrics["sft/events_now"], state.sftEvents], [events, events]);
    assertEquals([waiting(state).length, state.optimizers.sft!.step], [left, events]);
    disposeState(state);
  }
});

onCpu("teachWhenFull() re-checks, and lets go what is solved by now", async (policy, state) => {
  const settings = { ...config, recheck: true };
  const dataset = puzzles({ isSolved: solved([5, 7]) });
  wait(state, 5, 6, 7);
  const none = await teachWhenFull(trainingOf(policy, dataset, settings, state));
  assertEquals([none["sft/events_now"], none["buffer/solved_since"]], [0, 2]);
  assertEquals([waiting(state), taught(state)], [[6], []]); // one is left, and M is two
  wait(state, 8, 9, 5);
  const metrics = await teachWhenFull(trainingOf(policy, dataset, settings, state));
  assertEquals([metrics["sft/events_now"], metrics["buffer/solved_since"]], [1, 1]);
  assertEquals([waiting(state), taught(state)], [[9], [6, 8]]);
});

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
