import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { PlotData } from "plotly.js";
import { rangeOf, seedBand, seedBandCurves } from "../../lib/figures/seed_band.ts";
import { styleOf } from "../../lib/figures/theme.ts";

const line = (seeds: (number | null)[][], x: number[] = [0, 1]) => ({
  title: "RL",
  style: styleOf("rl"),
  curve: { x, seeds },
});

Deno.test("seedBand() is a band, the seeds and their mean, by hand", () => {
  const [band, seeds, mean] = seedBand(line([[1, 2], [3, 2]]), { scale: 10, panel: 2 }) as Partial<
    PlotData
  >[];
  assertEquals(mean!.y, [20, 20]);
  assertEquals(seeds!.y, [10, 20, null, 30, 20, null]);
  assertEquals(band!.x, [0, 1, 1, 0, null]);
  const deviation = 10 * Math.SQRT2; // of 1 and 3, times 10
  [20 + deviation, 20, 20, 20 - deviation].forEach((value, i) =>
    assertAlmostEquals((band!.y as number[])[i]!, value, 1e-12)
  );
  assertEquals([mean!.xaxis, mean!.yaxis, mean!.name], ["x3", "y3", "RL"]);
});

Deno.test("seedBand() breaks the band where fewer than two seeds have a value", () => {
  const [band] = seedBand(line([[1, 1, null, 1], [1, 1, 5, 1]], [0, 1, 2, 3])) as Partial<
    PlotData
  >[];
  assertEquals(band!.x, [0, 1, 1, 0, null, 3, 3, null]);
});

Deno.test("seedBand() ends the band at a floor", () => {
  const [band] = seedBand(line([[0], [4]], [0]), { floor: 0 }) as Partial<PlotData>[];
  assertEquals((band!.y as number[])[1], 0); // 2 - 2.8
});

Deno.test("seedBand() of one seed is its line alone", () => {
  const traces = seedBand(line([[1, 2]]));
  assertEquals(traces.length, 1);
  assertEquals((traces[0] as PlotData).y, [1, 2]);
});

Deno.test("rangeOf() holds every value with a little room; nothing of none", () => {
  assertEquals(rangeOf([line([[0, 1], [null, 0.5]]).curve], 100), [-5, 105]);
  assertEquals(rangeOf([line([[null]]).curve]), undefined);
});

Deno.test("seedBandCurves() names axes, title and n", () => {
  const { data, layout } = seedBandCurves([line([[1, 2], [3, 4]])], {
    title: "Reward",
    subtitle: "2 seeds",
    x: "training steps",
    y: "reward",
    range: [0, 5],
  });
  assertEquals(data.length, 3);
  assertEquals(layout.title?.text, "<b>Reward</b>");
  assertEquals(layout.xaxis?.title?.text, "training steps");
  assertEquals([layout.yaxis?.title?.text, layout.yaxis?.range], ["reward", [0, 5]]);
});
