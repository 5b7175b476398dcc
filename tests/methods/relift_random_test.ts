import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { easierOnes, reliftRandom } from "../../lib/methods/relift_random.ts";
import { column, config, groupsOf, onCpu, puzzles, solved, taught } from "./_puzzles.ts";

/** Three hardest and seven easier groups. */
const accuracies = { 0: 0, 1: 1, 2: 0.5, 3: 0, 4: 0.25, 5: 1, 6: 0.5, 7: 0, 8: 0.75, 9: 1 };

Deno.test("easierOnes() draws as many as are hardest, and none of those", () => {
  const groups = groupsOf(puzzles(), accuracies);
  const drawn = [0, 1, 2, 3].map((step) =>
    easierOnes(groups, config, step).map(({ index }) => index)
  );
  for (const indices of drawn) {
    assertEquals(new Set(indices).size, 3);
    assert(indices.every((index) => ![0, 3, 7].includes(index)));
  }
  assertNotEquals(drawn[0], drawn[1]);
  assertEquals(easierOnes(groups, config, 2).map(({ index }) => index), drawn[2]);
  const gated = easierOnes(groups, { ...config, gate: 0.25 }, 0).map(({ index }) => index);
  assertEquals([gated.length, gated.includes(4)], [4, false]);
});

Deno.test("easierOnes() draws what there is", () => {
  const dataset = puzzles();
  const draw = (of: Record<number, number>) => easierOnes(groupsOf(dataset, of), config, 0).length;
  assertEquals([draw({ 0: 0, 1: 0, 2: 1 }), draw({ 0: 0 }), draw({ 1: 1 })], [1, 0, 0]);
});

onCpu("reliftRandom() teaches questions that did not fail, M at once", async (policy, state) => {
  const settings = { ...config, steps: 6, questionsPerStep: 4 };
  const dataset = puzzles({ isSolved: solved([1, 3, 5, 7, 9, 11, 13, 15]) });
  const solvedOnce = new Set<number>(); // these, and a lucky guess
  const run = reliftRandom(policy, dataset, settings, state, (_, groups) => {
    for (const { index, accuracy } of groups) if (accuracy > 0) solvedOnce.add(index);
  });
  const yielded = await Array.fromAsync(run);
  assert(state.sftEvents >= 2 && solvedOnce.size <= 9);
  assertEquals(taught(state).filter((index) => !solvedOnce.has(index)), []);
  const sizes = column(yielded, "sft/demonstrations").filter((count) => count !== undefined);
  assertEquals(new Set(sizes), new Set([2]));
});
