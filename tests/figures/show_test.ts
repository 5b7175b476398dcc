import { assertEquals, assertRejects } from "@std/assert";
import { decode } from "fast-png";
import type { Figure } from "../../lib/figures/figure.ts";
import { live, type NotebookKernel, show, showHtml } from "../../lib/figures/show.ts";
import { PICTURES } from "./_pictures.ts";

interface Message {
  type: string;
  content: {
    data: Record<string, unknown>;
    metadata: Record<string, unknown>;
    transient: { display_id?: string };
  };
}

/** A kernel that keeps what it is told. */
function recorder(): { kernel: NotebookKernel; messages: Message[] } {
  const messages: Message[] = [];
  const kernel = {
    broadcast(type: string, content: Record<string, unknown>): Promise<void> {
      messages.push({ type, content } as unknown as Message);
      return Promise.resolve();
    },
  };
  return { kernel, messages };
}

const figureOf = (value: number): Figure => ({
  data: [{ y: [value] }],
  layout: { title: { text: `value ${value}` }, width: 50, height: 40 },
});

Deno.test("show() sends one output: Plotly's, a picture and a line of text", async () => {
  const { kernel, messages } = recorder();
  await show(PICTURES.line_with_band!, { kernel, width: 320 });
  const [{ type, content: { data, metadata, transient } }] = messages as [Message];
  assertEquals([messages.length, type, transient], [1, "display_data", {}]);
  const plotly = data["application/vnd.plotly.v1+json"] as Figure;
  assertEquals([plotly.data.length, plotly.layout.width, plotly.layout.height], [3, 320, 200]);
  const [, shown, png] = /^<img (.*) src="data:image\/png;base64,(.*)">$/.exec(
    data["text/html"] as string,
  )!;
  assertEquals(shown, 'width="320" height="200" alt="Reward, 5 seeds: 3 scatter (ReLIFT)"');
  const { width, height } = decode(Uint8Array.fromBase64(png!));
  assertEquals([width, height], [640, 400]); // sharp on fine screens
  assertEquals(metadata, {});
  assertEquals(data["text/plain"], "Reward, 5 seeds: 3 scatter (ReLIFT)");
});

Deno.test("show() keeps six digits of numbers, and as many pixels and colours as it is told", async () => {
  const { kernel, messages } = recorder();
  const figure: Figure = {
    data: [{ type: "heatmap", z: [Array.from({ length: 400 }, (_, i) => i + 1 / 3)] }],
    layout: { width: 500, height: 300 },
  };
  await show(figure, { kernel, scale: 1 });
  const { data } = messages[0]!.content;
  const plotly = data["application/vnd.plotly.v1+json"] as { data: [{ z: number[][] }] };
  assertEquals(plotly.data[0].z[0]!.slice(0, 2), [0.333333, 1.33333]);
  const png = (data["text/html"] as string).match(/base64,(.*)">/)![1]!;
  const { width, palette } = decode(Uint8Array.fromBase64(png));
  assertEquals([width, palette!.length], [500, 256]);
});

Deno.test("show() leaves Plotly's form out when it is told to", async () => {
  const { kernel, messages } = recorder();
  await show(figureOf(1), { kernel, interactive: false });
  assertEquals(Object.keys(messages[0]!.content.data), ["text/html", "text/plain"]);
});

Deno.test("show() rejects, and sends nothing, for a figure that cannot be drawn", async () => {
  const { kernel, messages } = recorder();
  const figure = { data: [{ type: "scattergl" as const }], layout: {} };
  await assertRejects(() => show(figure, { kernel }), RangeError, "scattergl");
  assertEquals(messages, []);
});

Deno.test("showHtml() sends HTML and a line of text", async () => {
  const { kernel, messages } = recorder();
  await showHtml("<b>2</b>", "2", { kernel });
  assertEquals(messages[0]!.content.data, { "text/html": "<b>2</b>", "text/plain": "2" });
});

Deno.test("show(), showHtml() and live() do nothing outside a notebook", async () => {
  await show(figureOf(1));
  await showHtml("<b>1</b>", "1");
  await using shown = await live(figureOf(1));
  await shown.update(figureOf(2));
});

Deno.test("live() changes one output, rests in between, and shows the last", async () => {
  const { kernel, messages } = recorder();
  let time = 0;
  const shown = await live(figureOf(0), { kernel, now: () => time });
  for (const value of [1, 2, 3, 4]) {
    time += 300; // drawing takes no time here, so it rests for half a second
    await shown.update(figureOf(value));
  }
  await shown.update(figureOf(5));
  await shown.close();
  await shown.close();
  assertEquals(
    messages.map(({ type, content }) => [type, content.data["text/plain"]]),
    [
      ["display_data", "value 0: 1 scatter"],
      ["update_display_data", "value 2: 1 scatter"], // at 600
      ["update_display_data", "value 4: 1 scatter"], // at 1200
      ["update_display_data", "value 5: 1 scatter"],
    ],
  );
  assertEquals(new Set(messages.map(({ content }) => content.transient.display_id)).size, 1);
  const interactive = messages.map(({ content }) =>
    "application/vnd.plotly.v1+json" in content.data
  );
  assertEquals(interactive, [false, false, false, true]); // a picture until the end
});

Deno.test("live() rests nine times as long as it draws, but not for the first, slow drawing", async () => {
  const { kernel, messages } = recorder();
  let time = 0;
  let cost = 1000; // a look at the clock takes as long
  const now = (): number => time += cost;
  const shown = await live(figureOf(0), { kernel, now }); // from 1000 to 2000; rests 500 from 3000
  const drawnAt = async (moment: number): Promise<number> => {
    time = moment;
    await shown.update(figureOf(moment));
    return messages.length;
  };
  cost = 0;
  assertEquals(await drawnAt(3499), 1);
  cost = 100;
  assertEquals(await drawnAt(3500), 2); // from 3700 to 3800: rests until 4700
  cost = 0;
  assertEquals([await drawnAt(4699), await drawnAt(4700)], [2, 3]);
});
