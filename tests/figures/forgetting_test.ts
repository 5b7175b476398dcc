import { assertAlmostEquals, assertEquals } from "@std/assert";
import { forgettingCurves } from "../../lib/figures/forgetting.ts";
import { dynamicsCurve, forgottenShare, stratumMoves } from "../../lib/runs/study_results.ts";
import { MAIN } from "./_cells.ts";
import { madeUpEntries, tracesOf } from "./_entries.ts";

const entries = madeUpEntries({ recipes: MAIN.slice(0, 2) });
const figure = forgettingCurves(entries);

Deno.test("forgettingCurves() begin at 0 and end at the change since", () => {
  const lines = tracesOf(figure, "x").filter(({ name }) => name !== undefined);
  assertEquals(lines.map(({ name, y }) => [name, (y as number[])[0]]), [["RL", 0], ["SFT", 0]]);
  const { seeds } = dynamicsCurve(entries[1]!.cells, ["easy", "medium"], "accuracy");
  const change = seeds.reduce((sum, run) => sum + run.at(-1)! - run[0]!, 0) / seeds.length;
  assertAlmostEquals((lines[1]!.y as number[]).at(-1)!, 100 * change, 1e-9);
});

Deno.test("forgettingCurves() show what is forgotten in the end beside chance", () => {
  const [chance, seeds, means] = tracesOf(figure, "x2");
  const share = (answers: "base" | "trained") =>
    100 * forgottenShare(stratumMoves(entries[0]!.cells, { answers }))!;
  assertEquals((chance!.x as number[])[0], share("base"));
  assertEquals((means!.x as number[])[0], share("trained"));
  assertEquals(seeds!.x!.length, 4);
});
