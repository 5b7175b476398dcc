import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  axesOf,
  grid,
  headHeight,
  logTicks,
  pageLayout,
  type Panel,
  withNote,
} from "../../lib/figures/page.ts";

const box = { left: 100, top: 50, width: 400, height: 200 };

Deno.test("grid() cuts a box into rows and columns with gaps, by hand", () => {
  const boxes = grid({ rows: 2, columns: 2, box, gap: [20, 40], widths: [3, 1] });
  assertEquals(boxes, [ // (400 - 20) × 3/4 = 285, (200 - 40) / 2 = 80
    { left: 100, top: 50, width: 285, height: 80 },
    { left: 405, top: 50, width: 95, height: 80 },
    { left: 100, top: 170, width: 285, height: 80 },
    { left: 405, top: 170, width: 95, height: 80 },
  ]);
});

Deno.test("axesOf() names the axes of a panel as Plotly does", () => {
  assertEquals(axesOf(0), { xaxis: "x", yaxis: "y" });
  assertEquals(axesOf(4), { xaxis: "x5", yaxis: "y5" });
});

Deno.test("pageLayout() places panels by pixels", () => {
  const panel: Panel = { box, title: "Easy", x: { title: { text: "steps" } }, y: {} };
  const layout = pageLayout({
    title: "A",
    subtitle: "n = 3",
    height: 500,
    panels: [panel, panel],
  });
  assertEquals(layout.xaxis2?.domain, [0.1, 0.5]);
  assertEquals(layout.yaxis2?.domain, [0.5, 0.9]); // 1 - (50 + 200) / 500, 1 - 50 / 500
  assertEquals([layout.xaxis2?.anchor, layout.yaxis2?.anchor], ["y2", "x2"]);
  assertEquals(layout.annotations?.map(({ text }) => text), ["n = 3", "Easy", "Easy"]);
  assertEquals([layout.width, layout.height, layout.showlegend], [1000, 500, false]);
});

Deno.test("pageLayout() breaks long subtitles at spaces, and headHeight() makes room for them", () => {
  const long = "five seeds ".repeat(20).trim(); // 219 characters; 142 fit
  const layout = pageLayout({ title: "A", subtitle: long, height: 300, panels: [] });
  const lines = layout.annotations![0]!.text!.split("<br>");
  assertEquals(lines.length, 2);
  assertEquals(lines.join(" "), long);
  assertEquals(headHeight(long) - headHeight("short"), 17);
  assert(headHeight("short", 1) > headHeight("short"));
});

Deno.test("logTicks() are 1, 2 and 5 times powers of ten", () => {
  const { tickvals, ticktext } = logTicks(15, 1100);
  assertEquals(tickvals, [20, 50, 100, 200, 500, 1000]);
  assertEquals(ticktext.at(-1), "1000");
  const large = logTicks(1.9e12, 6e12);
  large.tickvals.forEach((value, i) => assertAlmostEquals(value / [2e12, 5e12][i]!, 1, 1e-12));
  assertEquals(large.ticktext, ["2×10<sup>12</sup>", "5×10<sup>12</sup>"]);
});

Deno.test("withNote() adds a line at the foot and leaves the figure as it was", () => {
  const layout = pageLayout({ title: "A", subtitle: "B", height: 300, panels: [] });
  const figure = { data: [], layout };
  const noted = withNote(figure, "deno task figures");
  const note = noted.layout.annotations!.at(-1)!;
  assertEquals([note.text, note.yanchor], ["deno task figures", "bottom"]);
  assertAlmostEquals(Number(note.y), 6 / 300, 1e-12);
  assertEquals(figure.layout.annotations!.length, 1);
});
