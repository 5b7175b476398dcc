import { assertEquals, assertThrows } from "@std/assert";
import {
  budgetInWords,
  checkEntries,
  questionsInWords,
  seedLinesInWords,
  seedsInWords,
  span,
  stepsInWords,
  titlesInWords,
} from "../../lib/figures/sample_sizes.ts";
import { MAIN } from "./_cells.ts";
import { madeUpEntries } from "./_entries.ts";

const entries = madeUpEntries({ recipes: MAIN.slice(0, 2) });

Deno.test("span() is a number, or the least and the most", () => {
  assertEquals([span([5, 5]), span([12800, 437]), span([0])], ["5", "437 to 12,800", "0"]);
});

Deno.test("titlesInWords() joins names", () => {
  const titles = (...names: string[]) => titlesInWords(names.map((title) => ({ title })));
  assertEquals(titles(), "");
  assertEquals(titles("RL"), "RL");
  assertEquals(titles("RL", "SFT, 3 epochs", "ReLIFT"), "RL, SFT and ReLIFT");
  assertEquals(titles("SFT, 3 epochs", "SFT, few"), "SFT, 3 epochs and SFT, few");
});

Deno.test("seeds, questions and budgets in words are those of the cells", () => {
  assertEquals(seedsInWords(entries), "2 seeds");
  assertEquals(seedsInWords([{ entry: "a", title: "A", cells: [1] }]), "1 seed");
  assertEquals(
    seedLinesInWords(entries),
    "2 seeds (thin lines), mean ± 1 standard deviation (band)",
  );
  assertEquals(seedLinesInWords([{ entry: "a", title: "A", cells: [1] }]), "1 seed");
  assertEquals(questionsInWords(entries), "n = 8 validation questions × 8 samples");
  assertEquals(questionsInWords(entries, "ood"), "n = 4 out-of-distribution questions × 8 samples");
  assertEquals(questionsInWords([], "ood"), "n = 0 ood questions");
  assertEquals(stepsInWords(entries), "6 steps");
  assertEquals(budgetInWords(entries), "6 steps, 0 to 1,536 rollouts a run");
});

Deno.test("checkEntries() tells in one line that there is nothing to draw", () => {
  checkEntries(entries);
  assertThrows(() => checkEntries([]), RangeError, "current value is none");
  const empty = { entry: "rl", title: "RL", cells: [] };
  assertThrows(() => checkEntries([empty]), RangeError, "current value is rl without one");
});
