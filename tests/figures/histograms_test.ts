import { assertEquals } from "@std/assert";
import { gapHistogram, ratioHistogram } from "../../lib/figures/histograms.ts";
import type { HistogramBar } from "../../lib/runs/study.ts";
import { tracesOf, wordsOn } from "./_entries.ts";

const bar = (name: HistogramBar["name"], from: number, count: number): HistogramBar => (
  { name, from, to: from + 1, count }
);
const cells = [{
  histograms: [bar("gap", 0, 6), bar("gap", 1, 2), bar("gap", 3, 2), bar("log-ratio", 0, 1)],
}];

Deno.test("gapHistogram() outlines shares, with a gap where no token fell", () => {
  const figure = gapHistogram([{ entry: "rl", title: "RL", cells }]);
  const [outline] = tracesOf(figure, "x");
  assertEquals(outline!.x, [null, 0, 1, 1, 2, null, 3, 4]);
  assertEquals(outline!.y, [null, 60, 60, 20, 20, null, 20, 20]);
  assertEquals(wordsOn(figure)[0]!.startsWith("n = 10 sampled tokens a run"), true);
});

Deno.test("ratioHistogram() draws the thickest line first, so that none is hidden", () => {
  const figure = ratioHistogram([
    { entry: "rl", title: "RL", cells },
    { entry: "relift", title: "ReLIFT", cells },
  ]);
  assertEquals(tracesOf(figure, "x").map(({ name }) => name), ["ReLIFT", "RL"]);
  assertEquals(figure.layout.yaxis?.type, "log");
});
