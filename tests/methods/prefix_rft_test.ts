import { assert, assertEquals, assertThrows } from "@std/assert";
import { binaryReward } from "../../lib/data/question.ts";
import {
  type Continued,
  continueDemonstrations,
  givenShares,
  onlyUncertain,
  prefixMixture,
  prefixRft,
} from "../../lib/methods/prefix_rft.ts";
import { rl } from "../../lib/methods/rl.ts";
import { createPolicy, disposePolicy } from "../../lib/model/policy.ts";
import { scoreRows } from "../../lib/objectives/log_probs.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { assertSameUpdate, finish, groupOf, letters, SMALL, trainingOf } from "./_hybrids.ts";
import { shape, tokenizer } from "./_puzzles.ts";

const config = { ...prefixRft.config, ...SMALL };

/** A completion of which some tokens were given. */
function continuedRow(text: string, givenEntropy: readonly number[], total: number): Continued {
  const completion = tokenizer.encode(text);
  const oldLogProbs = completion.map(() => Math.log(0.5));
  return {
    row: { prompt: [0], completion, advantage: 0, oldLogProbs, givenEntropy },
    reward: { ...binaryReward(total === 1), total },
    share: 0.5,
  };
}

Deno.test("givenShares() falls along a cosine from the longest to nothing", () => {
  const [first, half, last] = [0, 40, 80].map((step) =>
    givenShares({ ...config, steps: 80 }, step)
  );
  assertEquals(first, [0.95, 0.95]);
  assertClose(half!, [0.475, 0.95], 1e-12);
  assertClose(last!, [0, 0.95], 1e-12);
});

Deno.test("onlyUncertain() silences given tokens of low entropy, wherever they are", () => {
  const rows = [
    { ...continuedRow("abcd", [0.1, 0.9], 1).row, weight: 0.5 },
    { ...continuedRow("ab", [], 0).row, weight: 0.5 },
    { ...continuedRow("abcda", [0.3, 0.2, 0.8], 0).row, weight: 0.25 },
  ];
  // of five given tokens the two least certain are those of 0.9 and 0.8 nats
  assertEquals(onlyUncertain(rows, 0.4).map(({ weight }) => weight), [
    [0, 0.5, 0.5, 0.5],
    [0.5, 0.5],
    [0, 0, 0.25, 0.25, 0.25],
  ]);
  assertEquals(onlyUncertain(rows, 1).map(({ weight }) => weight), [
    [0.5, 0.5, 0.5, 0.5],
    [0.5, 0.5],
    [0.25, 0.25, 0.25, 0.25, 0.25],
  ]);
  assertEquals(onlyUncertain(rows, 0)[0]!.weight, [0, 0, 0.5, 0.5]);
});

Deno.test("prefixMixture() judges what was continued among the completions of its group", () => {
  const dataset = letters();
  const { terms: [own, off], demonstrations } = prefixMixture(
    trainingOf({ ...config, uncertain: 0.5 }, dataset),
    [
      groupOf(dataset, 0, { "ab": 0, "b": 0, "c": 0 }),
      groupOf(dataset, 1, { "a": 1, "b": 0 }), // without a demonstration
      groupOf(dataset, 2, { "a": 0, "b": 0 }),
    ],
    new Map([
      [0, continuedRow("abc", [0.1, 0.9], 1)],
      [2, continuedRow("ab", [], 0)], // nothing was given
    ]),
  );
  // rewards 0 0 0 1 have mean 1/4
  assertEquals(own!.rows.map((row) => row.advantage), [-0.25, -0.25, -0.25, 0.5, -0.5, 0, 0]);
  assertEquals(off!.rows.map((row) => row.advantage), [0.75, 0]);
  const weight = 1 / (9 * 6); // nine rows of at most six tokens
  assertEquals(off!.rows.map((row) => row.weight), [[0, weight, weight], [weight, weight]]);
  assertEquals(own!.rows[0]!.weight, [weight, weight]);
  assertEquals(demonstrations.map(({ index, row }) => [index, row.advantage]), [[0, 0.75]]);
});

eachDevice("continueDemonstrations() goes on where a demonstration was cut", async () => {
  const policy = createPolicy(shape, tokenizer, 1);
  const dataset = letters({ demonstrated: [0, 2, 3] });
  const training = trainingOf({ ...config, steps: 4 }, dataset, policy);
  const groups = [0, 1, 2, 3].map((index) => groupOf(dataset, index, { "a": 0, "b": 0 }));
  const continued = await continueDemonstrations({ ...training, step: 3 }, groups);
  assertEquals([...continued.keys()], [0, 2, 3]); // 1 has none
  const lengths = new Set<number>();
  for (const [index, { row, share, reward }] of continued) {
    const demonstration = tokenizer.encode(dataset.question(index).demonstration!);
    const { length } = row.givenEntropy;
    assertEquals(row.completion.slice(0, length), demonstration.slice(0, length));
    assertEquals(share, length / 5);
    assert(row.completion.length > length && row.completion.length <= config.maxNewTokens);
    // what the sampler and the scores say is what the training pass says of the whole
    const [scores] = await scoreRows(policy, [row], 1024);
    assertClose(row.oldLogProbs!, scores!.logProbs, 1e-4);
    assertClose(row.givenEntropy, scores!.entropy.slice(0, length), 1e-4);
    const text = tokenizer.decode(row.completion);
    assertEquals(reward, dataset.reward(dataset.question(index), text));
    lengths.add(length);
  }
  assert(lengths.size > 1); // the shares are drawn
  assertEquals(training.state.budget.rollouts, 3);
  disposePolicy(policy);
});

eachDevice("prefixRft() is RL with a clip where no question has a demonstration", async () => {
  const dataset = letters({ demonstrated: [] });
  const { clip } = prefixRft.config;
  const alike = { ...rl.config, ...SMALL, clip, reduction: "constant-length" } as const;
  assertSameUpdate(await finish(prefixRft, dataset, config), await finish(rl, dataset, alike));
}, { devices: ["wasm"] });

eachDevice("prefixRft() gives nearly all of a demonstration at first", async () => {
  const once = { ...config, steps: 1, questionsPerStep: 8, optimizerSteps: 1 };
  const { state, yielded: [metrics] } = await finish(prefixRft, letters(), once);
  const of = (name: string) => metrics![name]!;
  assertClose([of("given/tokens"), of("given/share")], [4, 0.8], 1e-12); // 0.95 of five
  assertEquals(of("budget/rollouts"), 8 * (3 + 1));
  // the old policy is the one that learns: before the first update all ratios are 1
  assertClose([of("rl/ratio"), of("off/ratio")], [1, 1], 1e-4);
  assertEquals(Object.keys(state.taught).length > 0, true);
});

Deno.test("prefixRft() rejects shares that are none", () => {
  prefixRft.check(config);
  for (const name of ["longest", "uncertain"]) {
    assertThrows(
      () => prefixRft.check({ ...config, [name]: 1.5 }),
      RangeError,
      `Cannot train as ${name} must be in [0, 1]: current value is 1.5`,
    );
  }
});
