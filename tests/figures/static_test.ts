import { assert, assertEquals, assertRejects } from "@std/assert";
import { decode } from "fast-png";
import type { Figure } from "../../lib/figures/figure.ts";
import { toPng, toSvg } from "../../lib/figures/static.ts";
import { PICTURES } from "./_pictures.ts";

const LINE: Figure = { data: [{ y: [1, 2] }], layout: {} };

for (const [name, figure] of Object.entries(PICTURES)) {
  // To store what is drawn now: deno test -A tests/figures/static_test.ts -- --update
  Deno.test(`toSvg() draws the stored picture, ${name}`, async () => {
    const file = new URL(`golden/${name}.svg`, import.meta.url);
    const svg = await toSvg(figure);
    if (Deno.args.includes("--update")) await Deno.writeTextFile(file, svg);
    assertEquals(svg, await Deno.readTextFile(file));
  });
}

Deno.test("toSvg() gives the same bytes again, also while others are drawn", async () => {
  const figures = Object.values(PICTURES);
  const [first, second] = await Promise.all(
    [figures, figures.toReversed()].map((each) => Promise.all(each.map((one) => toSvg(one)))),
  );
  assertEquals(first, second!.toReversed());
});

Deno.test("toSvg() takes the size it is given, else the layout's", async () => {
  const sized = { ...LINE, layout: { width: 300, height: 200 } };
  assert((await toSvg(sized)).includes('width="300" height="200"'));
  assert((await toSvg(sized, { width: 400 })).includes('width="400" height="200"'));
  assert((await toSvg(LINE)).includes('width="800" height="450"'));
});

Deno.test("toSvg() names the font that was measured, whatever the figure says", async () => {
  const svg = await toSvg({ ...LINE, layout: { font: { family: "Papyrus", size: 10 } } });
  assert(svg.includes("font-family: DejaVu Sans, Verdana, sans-serif; font-size: 10px"));
  assert(!svg.includes("Papyrus"));
});

Deno.test("toSvg() draws typed arrays as arrays, and NaN as a gap", async () => {
  const typed = { data: [{ y: new Float32Array([1, NaN, 3]) }], layout: {} };
  const plain: Figure = { data: [{ y: [1, null, 3] }], layout: {} };
  assertEquals(await toSvg(typed), await toSvg(plain));
});

Deno.test("toSvg() refuses traces that would come out empty, and draws on", async () => {
  for (const type of ["scattergl", "surface", "parcoords"] as const) {
    await assertRejects(
      () => toSvg({ data: [{ type }], layout: {} }),
      RangeError,
      `current value is ${type}`,
    );
  }
  assert((await toSvg(LINE)).startsWith("<svg"));
});

Deno.test("toSvg() refuses what Plotly would pass over in silence", async () => {
  await assertRejects(
    () => toSvg({ data: [{ type: "heatmap", z: [[1]], colorscale: "Plasma" }], layout: {} }),
    RangeError,
    "key colorscale is set to an invalid value (Plasma)",
  );
  const misspelt = { titel: { text: "Accuracy" } } as Figure["layout"];
  await assertRejects(() => toSvg({ data: [], layout: misspelt }), RangeError, "key titel");
  await assertRejects(() => toSvg(LINE, { width: NaN }), RangeError, "current value is NaN");
});

Deno.test("toPng() draws at the scale it is given, on white", async () => {
  const svg = await toSvg(PICTURES.line_with_band!);
  for (const scale of [1, 2]) {
    const { width, height, channels, data } = decode(await toPng(svg, { scale }));
    assertEquals([width, height, channels], [300 * scale, 200 * scale, 4]);
    assertEquals([...data.subarray(0, 4)], [255, 255, 255, 255]);
    assert(new Set(data).size > 10);
  }
  assertEquals(await toPng(svg), await toPng(svg, { scale: 2 }));
});

Deno.test("toPng() draws nearly the same with few colours, in fewer bytes", async () => {
  const svg = await toSvg(PICTURES.line_with_band!);
  const [all, few] = [await toPng(svg), await toPng(svg, { colors: 64 })];
  assertEquals(few, await toPng(svg, { colors: 64 }));
  assert(few.length < 0.6 * all.length, `${few.length} of ${all.length} bytes`);
  const { width, data, palette } = decode(few);
  const exact = decode(all);
  assertEquals([width, palette!.length], [exact.width, 64]);
  let worst = 0;
  for (const [at, index] of data.entries()) {
    for (let c = 0; c < 3; c++) {
      worst = Math.max(worst, Math.abs(palette![index]![c]! - exact.data[4 * at + c]!));
    }
  }
  assert(worst < 40, `a channel differs by ${worst}`);
});

Deno.test("toPng() keeps the cells of a heatmap sharp", async () => {
  const layout = { width: 100, height: 50, margin: { l: 0, r: 0, t: 0, b: 0 } };
  const colorscale: [number, string][] = [[0, "#ff0000"], [1, "#0000ff"]];
  const figure: Figure = {
    data: [{ type: "heatmap", z: [[0, 1]], colorscale, showscale: false }],
    layout: { ...layout, xaxis: { visible: false }, yaxis: { visible: false } },
  };
  const { width, height, data } = decode(await toPng(await toSvg(figure), { scale: 1 }));
  const middle = data.subarray(4 * width * height / 2, 4 * width * (height / 2 + 1));
  const blues = [...middle].filter((_, i) => i % 4 === 2);
  assertEquals(blues.slice(2, -2), [...Array(48).fill(0), ...Array(48).fill(255)]);
});
