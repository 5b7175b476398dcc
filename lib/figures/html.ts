/**
 * Figures as web pages that need nothing else: Plotly itself is in the page, and the page forbids
 * itself the network. Without scripts the pictures of `toSvg()` stay.
 *
 * @module
 */
import { drawable, PLOTLY_CONFIG, sizeOf, summaryOf } from "./drawable.ts";
import type { Figure } from "./figure.ts";
import { FONT_FAMILY } from "./fonts.ts";
import { toSvg } from "./static.ts";

/** A figure on a page. */
export interface PageFigure {
  readonly figure: Figure;
  /** Heading above it. */
  readonly title?: string;
  /** Text below it. */
  readonly caption?: string;
}

/**
 * Makes a page of one figure, to zoom, to point at, and to switch traces off.
 *
 * @param options `title` is the page's, in the browser's tab.
 * @returns The page's text, about 5 MB.
 * @throws {RangeError} As `toSvg()` does.
 */
export function toHtml(figure: Figure, options: { title: string }): Promise<string> {
  return toHtmlPage([{ figure }], options);
}

/**
 * Makes a page of several figures, which share one Plotly.
 *
 * A figure whose layout has a width keeps its size; others are as wide as the window.
 *
 * @param figures In the order of the page; titles and captions are plain text.
 * @param options `title` is the page's, in the browser's tab and, above several figures, as heading.
 * @returns The page's text, about 5 MB.
 * @throws {RangeError} As `toSvg()` does.
 */
export async function toHtmlPage(
  figures: readonly PageFigure[],
  options: { title: string },
): Promise<string> {
  const { default: plotly } = await import("plotly.js-dist-min/plotly.min.js", {
    with: { type: "text" },
  });
  const title = escapeText(options.title);
  const sections = await Promise.all(figures.map(section));
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
${figures.length > 1 ? `<h1>${title}</h1>\n` : ""}${sections.join("\n")}
<script>${escapeScript(plotly)}</script>
<script>${DRAW}</script>
</body>
</html>
`;
}

const STYLE = `
body { margin: 1rem; font-family: ${FONT_FAMILY}; color: #222; background: white; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; }
figure { margin: 0 0 2rem; overflow-x: auto; } img { max-width: 100%; height: auto; }
figcaption { max-width: 50rem; line-height: 1.5; }
`;

/** Draws each figure above its picture, and then takes the picture away. */
const DRAW = `
for (const figure of document.querySelectorAll("figure")) {
  const { data, layout } = JSON.parse(figure.querySelector("script").textContent);
  const picture = figure.querySelector("img");
  const place = document.createElement("div");
  place.style.height = picture.getAttribute("height") + "px";
  picture.before(place);
  Plotly.newPlot(place, data, layout, ${JSON.stringify(PLOTLY_CONFIG)})
    .then(() => picture.remove());
}
`;

async function section({ figure, title, caption }: PageFigure): Promise<string> {
  const picture = new TextEncoder().encode(await toSvg(figure)).toBase64();
  const size = sizeOf(figure);
  const isFixed = figure.layout.width !== undefined;
  const shown = drawable(figure, isFixed ? size : { width: undefined, height: undefined });
  return [
    "<figure>",
    title && `<h2>${escapeText(title)}</h2>`,
    `<img width="${size.width}" height="${size.height}" alt="${escapeText(summaryOf(figure))}"` +
    ` src="data:image/svg+xml;base64,${picture}">`,
    caption && `<figcaption>${escapeText(caption)}</figcaption>`,
    `<script type="application/json">${JSON.stringify(shown).replaceAll("<", "\\u003c")}</script>`,
    "</figure>",
  ].filter(Boolean).join("\n");
}

/** Text as HTML, safe inside elements and quoted attributes. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** A script's text, without what ends or confuses a script element; the strings stay the same. */
function escapeScript(text: string): string {
  return text.replaceAll(/<(?=\/script|script|!--)/gi, "\\x3c");
}
