import { assertAlmostEquals, assertEquals } from "@std/assert";
import { stratumDynamics } from "../../lib/figures/stratum_dynamics.ts";
import { MAIN } from "./_cells.ts";
import { madeUpEntries, tracesOf, wordsOn } from "./_entries.ts";

const entries = madeUpEntries({ recipes: MAIN.slice(0, 2) });
const figure = stratumDynamics(entries);

Deno.test("stratumDynamics() has a column for each stratum, accuracy above length", () => {
  assertEquals(wordsOn(figure).slice(1), [
    "Easy (n = 2)",
    "Medium (n = 2)",
    "Hard (n = 2)",
    "Hardest (n = 2)",
  ]);
  const { yaxis, yaxis5, xaxis5 } = figure.layout;
  assertEquals([yaxis?.title?.text, yaxis5?.title?.text], ["accuracy, %", "length, tokens"]);
  assertEquals(xaxis5?.title?.text, "training steps");
});

Deno.test("stratumDynamics() begins each line at the base policy, drawn across", () => {
  for (const [i, accuracy] of [86, 52, 22, 2].entries()) { // of the made-up base policy
    const traces = tracesOf(figure, i === 0 ? "x" : `x${i + 1}`);
    const [base, ...others] = traces.filter(({ line }) => line?.dash !== undefined);
    assertAlmostEquals((base!.y as number[])[0]!, accuracy, 1e-9);
    assertEquals(others.map(({ name }) => name), ["RL", "SFT"]);
    for (const { y } of others) assertAlmostEquals((y as number[])[0]!, accuracy, 1e-9);
  }
});

Deno.test("stratumDynamics() gives all lengths one range", () => {
  const [low, high] = figure.layout.yaxis5!.range as number[];
  for (const axis of ["x5", "x6", "x7", "x8"]) {
    const values = tracesOf(figure, axis).flatMap(({ y }) => y as (number | null)[]);
    for (const value of values) {
      if (value !== null) assertEquals(low! < value && value < high!, true);
    }
  }
});
