import { assert, assertEquals, assertMatch } from "@std/assert";
import type { LayoutAxis, PlotData } from "plotly.js";
import type { Figure } from "../../lib/figures/figure.ts";
import { drawStudyFigure, STUDY_FIGURES } from "../../lib/figures/figures.ts";
import { toSvg } from "../../lib/figures/static.ts";
import { styleOf } from "../../lib/figures/theme.ts";
import { ABLATIONS, madeUpStudy, MAIN, SIZE_GATE } from "./_cells.ts";

const SMALL = { seeds: 2, questions: 16, steps: 8, samples: 8 };
const STYLES = MAIN.slice(0, 2).map((each) => ({ ...each, family: "style" }));
const RATES = [{ ...MAIN[0]!, entry: "rl-rate-0.0001", title: "RL, rate 0.0001", family: "rates" }];
const STUDY = madeUpStudy({
  ...SMALL,
  recipes: [...MAIN, ...ABLATIONS, ...SIZE_GATE.slice(0, 6), ...STYLES, ...RATES],
});

const drawn = new Map(
  STUDY_FIGURES.map((each) => [each.id, drawStudyFigure(each, STUDY)]),
);

/** Axes of a figure by name. */
function axesIn({ layout }: Figure): [string, Partial<LayoutAxis>][] {
  return Object.entries(layout as Record<string, Partial<LayoutAxis>>)
    .filter(([name]) => /^[xy]axis\d*$/.test(name));
}

for (const [id, figure] of drawn) {
  Deno.test(`STUDY_FIGURES draw ${id} with title, n, units and what made it`, () => {
    assert(figure, "not drawn");
    assertMatch(figure.layout.title!.text!, /^<b>.+<\/b>$/);
    const words = figure.layout.annotations!.map(({ text }) => text);
    if (id !== "framework") {
      assertMatch(words[0]!.replaceAll("<br>", " "), /\d+ seeds/);
      assertMatch(
        words.at(-1)!,
        /^deno task figures; \d+ cells on operators at commit 0123456; seeds 1 to 2$/,
      );
    }
    for (const [name, axis] of axesIn(figure)) {
      const isNamed = axis.title?.text || axis.ticktext || axis.matches;
      assert(isNamed || axis.showticklabels === false || axis.visible === false, name);
    }
  });

  Deno.test(`STUDY_FIGURES draw ${id} as a picture of its own size`, async () => {
    const { width, height } = figure!.layout;
    const svg = await toSvg(figure!); // which rejects traces and settings that Plotly ignores
    assert(svg.includes(`width="${width}" height="${height}"`));
    assert(!svg.includes("NaN") && !svg.includes("undefined"));
  });
}

Deno.test("STUDY_FIGURES have different ids, captions and say what they need", () => {
  assertEquals(new Set(STUDY_FIGURES.map(({ id }) => id)).size, STUDY_FIGURES.length);
  for (const { id, caption, needs } of STUDY_FIGURES) {
    assertMatch(id, /^[a-z-]+$/);
    assert(caption.endsWith(".") && needs !== "");
  }
});

Deno.test("STUDY_FIGURES are the same again, and not drawn without their cells", () => {
  for (const each of STUDY_FIGURES.slice(0, 8)) {
    assertEquals(drawStudyFigure(each, STUDY), drawn.get(each.id));
  }
  const possible = STUDY_FIGURES.filter((each) => drawStudyFigure(each, []));
  assertEquals(possible.map(({ id }) => id), ["framework"]);
});

Deno.test("STUDY_FIGURES draw a method in one colour everywhere", () => {
  const colors = { ReLIFT: styleOf("relift").color, RL: styleOf("rl").color } as const;
  for (const [id, figure] of drawn) {
    for (const trace of figure!.data as Partial<PlotData>[]) {
      const color = colors[trace.name as keyof typeof colors];
      if (color) assertEquals(trace.line?.color ?? trace.marker?.color, color, id);
    }
  }
});

Deno.test("drawStudyFigure() leaves out methods that were not run", () => {
  const few = STUDY.filter(({ entry, family }) => family === "main" && /^(rl|sft)$/.test(entry));
  const forgetting = STUDY_FIGURES.find(({ id }) => id === "forgetting")!;
  const names = drawStudyFigure(forgetting, few)!.data.flatMap(({ name }) => name ?? []);
  assertEquals(names, ["RL", "SFT"]);
  const dynamics = STUDY_FIGURES.find(({ id }) => id === "dynamics-relift")!;
  assertEquals(drawStudyFigure(dynamics, few), undefined);
});

const TINY = madeUpStudy({
  recipes: [MAIN[0]!, MAIN[1]!, MAIN[6]!, ABLATIONS[0]!],
  seeds: 2,
  questions: 8,
  steps: 6,
  samples: 8,
});

for (const id of ["moves", "ratios", "main-table", "ablations"]) {
  // To store what is drawn now: deno test -A tests/figures/figures_test.ts -- --update
  Deno.test(`drawStudyFigure() draws the stored picture, ${id}`, async () => {
    const file = new URL(`golden/study_${id.replace("-", "_")}.svg`, import.meta.url);
    const figure = drawStudyFigure(STUDY_FIGURES.find((each) => each.id === id)!, TINY)!;
    const svg = await toSvg(figure);
    if (Deno.args.includes("--update")) await Deno.writeTextFile(file, svg);
    assert(svg === await Deno.readTextFile(file), "it differs: store it and look at the change");
  });
}
