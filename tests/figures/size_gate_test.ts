import { assertEquals } from "@std/assert";
import { sizeGateHeatmap } from "../../lib/figures/size_gate.ts";
import { entryAccuracy } from "../../lib/runs/study_results.ts";
import { SIZE_GATE } from "./_cells.ts";
import { madeUpEntries, tracesOf, wordsOn } from "./_entries.ts";

const entries = madeUpEntries({ recipes: SIZE_GATE.slice(0, 7) }); // 4 of Q = 0, 3 of Q = 1/8

Deno.test("sizeGateHeatmap() places entries by their settings, and leaves holes", () => {
  const figure = sizeGateHeatmap(entries.toReversed());
  assertEquals(figure.layout.xaxis?.ticktext, ["8", "16", "32", "64"]);
  assertEquals(figure.layout.yaxis?.ticktext, ["0", "1/8"]);
  const [{ z } = {}, texts] = tracesOf(figure, "x");
  const means = entries.map(({ cells }) => 100 * entryAccuracy(cells)!.mean);
  assertEquals(z, [means.slice(0, 4), [...means.slice(4), null]]);
  assertEquals(texts!.text!.length, 7);
});

Deno.test("sizeGateHeatmap() shows the paper's grid on a scale of its own", () => {
  const figure = sizeGateHeatmap(entries, { published: true });
  const [heat] = tracesOf(figure, "x2");
  assertEquals((heat!.z as number[][])[0], [41.1, 49, 47.8, 45.9]);
  assertEquals([heat!.zmin, heat!.zmax], [39.2, 49.3]);
  assertEquals(wordsOn(figure).slice(1), ["Ours", "<i>Published</i> (Qwen2.5-Math-7B)"]);
});
