import { assertAlmostEquals, assertEquals } from "@std/assert";
import { JSDOM } from "jsdom";
import type { MeasureText } from "../../lib/figures/fonts.ts";
import { type Box, installGeometry } from "../../lib/figures/geometry.ts";

/** Letters as wide as high, lines from 0.8 above the baseline to 0.2 below. */
const measure: MeasureText = (text, { size }) => ({
  width: text.length * size,
  ascent: 0.8 * size,
  descent: 0.2 * size,
});

/** What is asked here of an element. */
interface Element {
  getBBox(): Box;
  getBoundingClientRect(): Box & { right: number; bottom: number };
  getComputedTextLength(): number;
  getTotalLength(): number;
  getPointAtLength(length: number): { x: number; y: number };
}

/** The element with the id `it` of a picture. */
function it(content: string): Element {
  const { window } = new JSDOM(`<svg>${content}</svg>`);
  installGeometry(window.SVGElement.prototype, measure);
  return window.document.getElementById("it");
}

function assertBox({ x, y, width, height }: Box, expected: readonly number[]): void {
  [x, y, width, height].forEach((value, i) => assertAlmostEquals(value, expected[i]!));
}

Deno.test("getBBox() is the box of a shape in its own coordinates", () => {
  const moved = 'id="it" transform="translate(100,100)"';
  assertBox(it(`<rect ${moved} x="1" y="2" width="3" height="4"/>`).getBBox(), [1, 2, 3, 4]);
  assertBox(it(`<circle ${moved} cx="5" cy="6" r="2"/>`).getBBox(), [3, 4, 4, 4]);
  assertBox(it(`<path ${moved} d="M1,2h3v-4Z"/>`).getBBox(), [1, -2, 3, 4]);
  // B(t) = (2t, 4t(1-t)) is highest at t = 1/2
  assertBox(it(`<path ${moved} d="M0,0Q1,2 2,0"/>`).getBBox(), [0, 0, 2, 1]);
});

Deno.test("getBBox() of a group holds what it shows, moved", () => {
  const group = it(`<g id="it">
    <rect width="1" height="1" transform="translate(5)"/>
    <rect width="1" height="1" transform="translate(10,20) scale(2,3)"/>
    <rect width="999" height="999" style="display: none"/>
    <g/>
  </g>`);
  assertBox(group.getBBox(), [5, 0, 7, 23]); // to 10 + 2, 20 + 3
  assertBox(it(`<g id="it"/>`).getBBox(), [0, 0, 0, 0]);
});

Deno.test("getBoundingClientRect() applies the transforms of all ancestors, the last one first", () => {
  const rect = '<rect id="it" x="1" width="2" height="4"';
  const within = (transform: string) => it(`<g transform="${transform}">${rect}/></g>`);
  assertBox(within("translate(10, 20)").getBoundingClientRect(), [11, 20, 2, 4]);
  // a quarter turn takes (x, y) to (-y, x)
  assertBox(within("rotate(90)").getBoundingClientRect(), [-4, 1, 4, 2]);
  assertBox(within("rotate(90 1 0)").getBoundingClientRect(), [-3, 0, 4, 2]);
  assertBox(within("translate(10,0)rotate(90)").getBoundingClientRect(), [6, 1, 4, 2]);
  assertBox(within("matrix(2 0 0 1 5 6)").getBoundingClientRect(), [7, 6, 4, 4]);
  const both = it(`<g transform="scale(2)">${rect} transform="translate(1)"/></g>`);
  const { right, bottom } = both.getBoundingClientRect();
  assertEquals([right, bottom], [8, 8]); // (1 + 2 + 1) · 2, 4 · 2
});

Deno.test("getBBox() of a text starts at, ends at, or surrounds its anchor", () => {
  for (const [anchor, x] of [["start", 50], ["middle", 35], ["end", 20]] as const) {
    const text = it(
      `<g style="text-anchor: ${anchor}; font-size: 10px"><text id="it" x="50" y="9">abc</text></g>`,
    );
    assertBox(text.getBBox(), [x, 1, 30, 10]);
  }
});

Deno.test("getBBox() of a text spans its lines, and its raised and smaller words", () => {
  const lines = it(
    `<text id="it" x="5" y="10" style="font-size: 10px">` +
      `<tspan class="line" x="5" y="10" dy="0em">abc</tspan>` +
      `<tspan class="line" x="5" y="10" dy="1.3em">a</tspan></text>`,
  );
  assertBox(lines.getBBox(), [5, 2, 30, 23]); // from 10 - 8 to 10 + 13 + 2
  const raised = it(
    `<text id="it" style="font-size: 10px">ab` +
      `<tspan dy="-1em" style="font-size: 50%">c</tspan></text>`,
  );
  assertBox(raised.getBBox(), [0, -9, 25, 11]); // from -5 - 4 to 2: `em` is its own, 5 pixels
  assertEquals(raised.getComputedTextLength(), 25);
});

Deno.test("getTotalLength() and getPointAtLength() follow a path", () => {
  const path = it(`<path id="it" d="M0,0H3V4"/>`);
  assertEquals(path.getTotalLength(), 7);
  const { x, y } = path.getPointAtLength(5);
  assertEquals([x, y], [3, 2]);
  assertEquals(it(`<path id="it"/>`).getTotalLength(), 0);
});
