import { assert, assertEquals } from "@std/assert";
import { frameworkDiagram } from "../../lib/figures/framework.ts";
import { wordsOn } from "./_entries.ts";

Deno.test("frameworkDiagram() has a head on each arrow and words in each box", () => {
  const figure = frameworkDiagram();
  const shapes = figure.layout.shapes!;
  const boxes = shapes.filter(({ type }) => type === "rect");
  const heads = shapes.filter(({ path }) => path?.endsWith("Z"));
  const lines = shapes.filter(({ path }) => path && !path.endsWith("Z"));
  assertEquals([boxes.length, heads.length, lines.length], [8, 9, 9]);
  assert(wordsOn(figure).some((words) => words.includes("<b>SFT step</b>")));
  assertEquals(figure.data, []);
});
