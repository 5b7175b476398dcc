import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { pathToFileURL } from "node:url";
import { toHtml, toHtmlPage } from "../../lib/figures/html.ts";
import { inChromium } from "../_chromium.ts";
import { PICTURES } from "./_pictures.ts";

const LINE = PICTURES.line_with_band!;
const HOSTILE = `</script></title><script>throw "hostile"</script>"&<!--`;

Deno.test("toHtmlPage() holds Plotly once, and each figure as data and as picture", async () => {
  const page = await toHtmlPage([
    { figure: LINE, title: "One", caption: "A line" },
    { figure: PICTURES.sankey! },
  ], { title: "Two figures" });
  assert(page.includes("<title>Two figures</title>") && page.includes("<h1>Two figures</h1>"));
  assert(page.includes("<h2>One</h2>") && page.includes("<figcaption>A line</figcaption>"));
  assert(page.includes('alt="Reward, 5 seeds: 3 scatter (ReLIFT)"'));
  assertEquals(page.match(/src="data:image\/svg\+xml;base64,/g)?.length, 2);
  assertEquals(page.match(/<script[ >]/g)?.length, 4); // two figures, Plotly, and what draws
  assertEquals(page.match(/<\/script>/g)?.length, 4);
  assert(page.length < 5.5e6);
});

Deno.test("toHtml() lets texts end neither the script nor the title", async () => {
  const figure = { data: [{ y: [1], name: HOSTILE }], layout: {} };
  const page = await toHtml(figure, { title: HOSTILE });
  const shown = /<script type="application\/json">(.*?)<\/script>/s.exec(page)![1]!;
  assertEquals(JSON.parse(shown).data, figure.data);
  assertMatch(page, /<title>&lt;\/script>&lt;\/title>&lt;script>[^<]*&lt;[^<]*<\/title>/);
});

Deno.test("toHtml() refuses a figure that has no picture", async () => {
  const figure = { data: [{ type: "scattergl" as const }], layout: {} };
  await assertRejects(() => toHtml(figure, { title: "Points" }), RangeError, "scattergl");
});

inChromium("toHtmlPage() draws every figure without a network", async (page) => {
  const wide = { ...LINE, layout: { title: { text: HOSTILE } } };
  const figures = [...Object.values(PICTURES), wide].map((figure) => ({ figure }));
  const file = await Deno.makeTempFile({ suffix: ".html" });
  try {
    await Deno.writeTextFile(file, await toHtmlPage(figures, { title: HOSTILE }));
    await page.setViewportSize({ width: 900, height: 600 });
    await page.goto(pathToFileURL(file).href);
    await page.waitForFunction("document.querySelectorAll('img').length === 0");
    assertEquals(await page.locator(".js-plotly-plot").count(), figures.length);
    assertEquals(await page.locator(".scatterlayer .js-line").count(), 6); // three in each
    assertEquals(await page.locator("[data-title^=Share]").count(), 0);
    const widths = await page.locator(".main-svg:first-child")
      .evaluateAll((all: { getAttribute(name: string): string | null }[]) =>
        all.map((each) => each.getAttribute("width"))
      );
    assertEquals(widths, ["300", "300", "300", "300", "868"]); // the window, less its margins
  } finally {
    await Deno.remove(file);
  }
});

inChromium("toHtml() shows the picture where scripts do not run", async (page) => {
  const html = (await toHtml(LINE, { title: "Reward" })).replaceAll(/<script>.*?<\/script>/gs, "");
  await page.setContent(html);
  assertEquals(await page.evaluate("document.querySelector('img').naturalWidth"), 300);
});
