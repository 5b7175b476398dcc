import { assertEquals } from "@std/assert";
import { taughtSolveRate } from "../../lib/figures/taught.ts";
import { taughtAccuracies } from "../../lib/runs/study_results.ts";
import { MAIN } from "./_cells.ts";
import { madeUpEntries, tracesOf } from "./_entries.ts";

const entries = madeUpEntries({ recipes: [MAIN[0]!, MAIN[6]!], seeds: 2 }); // RL is taught nothing

Deno.test("taughtSolveRate() shows before and after of who was taught", () => {
  const figure = taughtSolveRate(entries);
  const [one, two] = taughtAccuracies(entries[1]!.cells);
  const [, seeds, ends] = tracesOf(figure, "x");
  assertEquals(seeds!.x, [100 * one!.after, 100 * two!.after]);
  assertEquals(ends!.x, [50 * (one!.before + two!.before), 100 * ((one!.after + two!.after) / 2)]);
  assertEquals(figure.layout.yaxis!.ticktext, ["ReLIFT (n = 2)"]);
});

Deno.test("taughtSolveRate() shows how taught questions fare when they come again", () => {
  const during = tracesOf(taughtSolveRate(entries), "x2");
  assertEquals(during.at(-1)!.name, "ReLIFT");
  assertEquals(during.at(-1)!.y!.slice(0, 3), [null, null, null]); // none came again yet
});

Deno.test("taughtSolveRate() of methods that taught nothing is empty, not wrong", () => {
  assertEquals(taughtSolveRate(entries.slice(0, 1)).data, []);
});
