import { assertAlmostEquals, assertEquals } from "@std/assert";
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
  const [during] = tracesOf(taughtSolveRate(entries), "x2").slice(-1);
  assertEquals(during!.name, "ReLIFT");
  // of ten steps together: right completions of all, not the mean of the steps' shares
  const [cell] = entries[1]!.cells, other = entries[1]!.cells[1]!;
  const shareOf = ({ metrics }: typeof other) => {
    const steps = metrics.slice(0, 10).map((step) => ({
      rate: step["taught/solve_rate"] ?? null,
      count: Number(step["taught/questions"]),
    })).filter(({ rate }) => rate !== null);
    const all = steps.reduce((sum, { count }) => sum + count, 0);
    const right = steps.reduce((sum, { rate, count }) => sum + Number(rate) * count, 0);
    return all > 0 ? right / all : undefined;
  };
  const shares = [shareOf(cell!), shareOf(other)].filter((share) => share !== undefined);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  assertAlmostEquals(Number(during!.y![0]), 100 * mean, 1e-9);
});

Deno.test("taughtSolveRate() of methods that taught nothing is empty, not wrong", () => {
  assertEquals(taughtSolveRate(entries.slice(0, 1)).data, []);
});
