import { assertAlmostEquals, assertEquals } from "@std/assert";
import { openMeasure } from "../../lib/figures/fonts.ts";

/** Widths of Chromium 156 with DejaVu Sans at 12 pixels; it rounds to 1/64. */
const CHROMIUM: readonly (readonly [string, boolean, number])[] = [
  ["accuracy", false, 54.140625],
  ["accuracy (n = 5)", false, 100.25],
  ["ReLIFT with", false, 68.703125], // "Re" is kerned
  ["AVAVAV", false, 45.421875],
  ["bold", true, 29.546875],
  ["", false, 0],
];

Deno.test("openMeasure() measures as Chromium does", async () => {
  const measure = await openMeasure();
  for (const [text, bold, width] of CHROMIUM) {
    assertAlmostEquals(measure(text, { size: 12, bold }).width, width, 1 / 64, text);
  }
  // DejaVu's lines reach 1901/2048 up and 483/2048 down: 11.14 and 2.83 pixels
  const { ascent, descent } = measure("x", { size: 12, bold: false });
  assertEquals([ascent, descent], [11, 3]);
});

Deno.test("openMeasure() gives no width to the marks that Plotly puts around exponents", async () => {
  const measure = await openMeasure();
  assertEquals(measure("\u200b", { size: 12, bold: false }).width, 0);
});
