import { assert, assertEquals } from "@std/assert";
import { demonstrationsOf } from "../../lib/methods/demonstrations.ts";
import {
  fallBack,
  jointTerms,
  mixedGroups,
  mixedUpdate,
  scoreBefore,
  supervisedTerm,
} from "../../lib/methods/mixture.ts";
import { trainingFlops } from "../../lib/model/flops.ts";
import { createPolicy, disposePolicy } from "../../lib/model/policy.ts";
import { scoreRows } from "../../lib/objectives/log_probs.ts";
import { likelihood } from "../../lib/objectives/objective.ts";
import { constantLength, sequenceMean } from "../../lib/objectives/weigh.ts";
import { disposeState } from "../../lib/methods/training.ts";
import { eachDevice } from "../_devices.ts";
import { groupOf, letters, SMALL, trainingOf } from "./_hybrids.ts";
import { shape, tokenizer } from "./_puzzles.ts";

const dataset = letters({ demonstrated: [0] });
const training = trainingOf(SMALL, dataset);

Deno.test("mixedGroups() compares a demonstration with the completions of its group", async () => {
  const { own, demonstrations } = await mixedGroups(training, [
    groupOf(dataset, 0, { "ab": 1, "b": 0, "c": 0 }),
    groupOf(dataset, 1, { "a": 1, "b": 0, "cd": 0 }),
  ]);
  // with the demonstration, rewards 1 0 0 1 have mean 1/2; question 1 has none: mean 1/3
  const advantages = own.map(({ advantage }) => advantage);
  assertEquals(advantages, [0.5, -0.5, -0.5, 1 - 1 / 3, -1 / 3, -1 / 3]);
  assertEquals(demonstrations, [{
    index: 0,
    row: {
      prompt: tokenizer.encode("a="),
      completion: [...tokenizer.encode("daac"), tokenizer.eosTokenId],
      advantage: 0.5,
    },
  }]);
});

Deno.test("mixedGroups() divides by the deviation of all members where asked", async () => {
  const group = groupOf(dataset, 0, { "ab": 1, "b": 0, "c": 0 });
  const { own, demonstrations } = await mixedGroups(training, [group], { normalizeStd: true });
  const std = Math.sqrt(4 * 0.25 / 3); // unbiased, of 1 0 0 1
  const expected = [0.5, -0.5, -0.5].map((x) => x / (std + 1e-6));
  assertEquals(own.map(({ advantage }) => advantage), expected);
  assertEquals(demonstrations[0]!.row.advantage, expected[0]);
});

Deno.test("jointTerms() shares the loss among completions and demonstrations alike", async () => {
  const mixed = await mixedGroups(training, [groupOf(dataset, 0, { "ab": 1, "b": 0, "c": 0 })]);
  const [own, off] = jointTerms(mixed, {
    weigh: constantLength(6),
    clip: null,
    objective: likelihood,
  });
  assertEquals([own!.name, off!.name], ["rl", "off"]);
  // four rows of at most six tokens
  assertEquals([...own!.rows, ...off!.rows].map(({ weight }) => weight), Array(4).fill(1 / 24));
});

Deno.test("supervisedTerm() is the token mean of demonstrations unless told otherwise", () => {
  const all = letters();
  const questions = [0, 1].map((index) => ({ index, question: all.question(index) }));
  const demonstrations = demonstrationsOf(trainingOf(SMALL, all), questions);
  const { name, rows } = supervisedTerm(demonstrations);
  assertEquals(name, "sft");
  assertEquals(rows.map(({ weight, advantage }) => [weight, advantage]), [[0.1, 1], [0.1, 1]]);
  const { rows: short } = supervisedTerm(demonstrations.slice(0, 1), { weigh: sequenceMean });
  assertEquals(short.map(({ weight }) => weight), [0.2]);
  assertEquals(supervisedTerm([]).rows, []);
});

Deno.test("fallBack() gives up lost groups, but only for a demonstration", () => {
  const groups = [0, 1, 2].map((index) => groupOf(dataset, index, { "a": index === 2 ? 1 : 0 }));
  const { explored, demonstrations } = fallBack(training, groups, ({ accuracy }) => accuracy === 0);
  assertEquals(explored.map(({ index }) => index), [1, 2]); // nobody has shown how 1 is solved
  assertEquals(demonstrations.map(({ index }) => index), [0]);
});

eachDevice("mixedUpdate() counts what was learned from, once for each optimizer step", async () => {
  const policy = createPolicy(shape, tokenizer, 1);
  const all = letters();
  const live = trainingOf(SMALL, all, policy);
  const groups = [0, 1, 2, 3].map((index) => groupOf(all, index, { "a": 1, "b": 0 }));
  const sizes: number[] = [];
  const update = await mixedUpdate(live, groups, (part) => {
    sizes.push(part.length);
    const [first, ...others] = demonstrationsOf(live, part);
    const dead = others.map(({ index, row }) => ({ index, row: { ...row, advantage: 0 } }));
    return { terms: [supervisedTerm([first!])], demonstrations: [first!, ...dead] };
  });
  assertEquals(sizes, [2, 2]);
  assertEquals(live.state.taught, { 0: 1, 2: 1 });
  assertEquals(update["rl/optimizer_steps"], 2);

  const none = await mixedUpdate(live, groups, () => ({ terms: [], demonstrations: [] }));
  assertEquals([none["rl/optimizer_steps"], none["rl/empty_steps"]], [0, 2]);
  assertEquals(live.state.taught, { 0: 1, 2: 1 });
  disposeState(live.state);
  disposePolicy(policy);
}, { devices: ["cpu"] });

eachDevice("scoreBefore() reads rows and counts a forward pass for each", async () => {
  const policy = createPolicy(shape, tokenizer, 1);
  const live = trainingOf(SMALL, dataset, policy);
  const rows = ["ab", "dcba"].map((text) => ({
    prompt: tokenizer.encode("a="),
    completion: tokenizer.encode(text),
    advantage: 0,
  }));
  const scores = await scoreBefore(live, rows);
  assertEquals(scores, await scoreRows(policy, rows, 1024));
  assert(scores[1]!.logProbs.length === 4);
  const both = trainingFlops(shape, 2, 2) + trainingFlops(shape, 2, 4);
  assertEquals(live.state.budget.flops, both / 3);
  disposePolicy(policy);
}, { devices: ["cpu"] });
