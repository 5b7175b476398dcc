/**
 * Figures in notebooks of the Deno kernel. Each output has several forms, and the viewer takes the
 * best it knows: Plotly's own, a PNG for those without Plotly (exported pages among them), a line of
 * text.
 *
 * The PNG stands in HTML. As `image/png` beside Plotly's form, JupyterLab's renderer of the latter
 * (jupyterlab-plotly of plotly 7.1) shows it until the pointer enters, and cut off.
 *
 * Await all of it: what a cell sends later is shown in another cell, and its errors are lost.
 * Outside a notebook nothing is shown and nothing happens, so that a notebook's code also runs as a
 * script.
 *
 * @module
 */
import { drawable, type FigureSize, PLOTLY_CONFIG, sizeOf, summaryOf } from "./drawable.ts";
import type { Figure } from "./figure.ts";
import { escapeText } from "./html.ts";
import { toPng, toSvg } from "./static.ts";

/** What shows outputs: `Deno.jupyter`, or a test's stand-in. */
export interface NotebookKernel {
  /** Sends a message of Jupyter's protocol to those who look on. */
  broadcast(type: string, content: Record<string, unknown>): Promise<void>;
}

/** How to show a figure. */
export interface ShowOptions extends Partial<FigureSize> {
  /** Pixels of the picture for each of the figure; 2, which suits fine screens, unless given. */
  readonly scale?: number;
  /**
   * Whether the figure comes in Plotly's form, too; true unless said. Of one with many points that
   * is the larger part of the notebook's file.
   */
  readonly interactive?: boolean;
  /** Undefined outside a notebook; by default what is found. */
  readonly kernel?: NotebookKernel;
}

/**
 * Shows a figure below the cell.
 *
 * @param options `width` and `height` in pixels; by default the layout's, else 800 × 450.
 * @throws {RangeError} As `toSvg()` does.
 */
export async function show(figure: Figure, options: ShowOptions = {}): Promise<void> {
  const { kernel = notebook() } = options;
  if (!kernel) return;
  await send(kernel, "display_data", await outputOf(figure, options, lastForm(options)));
}

/**
 * Shows HTML below the cell. Viewers run its scripts only where they trust the notebook.
 *
 * @param text One line for viewers without HTML.
 */
export async function showHtml(
  html: string,
  text: string,
  options: { kernel?: NotebookKernel } = {},
): Promise<void> {
  const { kernel = notebook() } = options;
  const data = { "text/html": html, "text/plain": text };
  if (kernel) await send(kernel, "display_data", { data, metadata: {} });
}

/** A figure that changes where it stands. */
export interface LiveFigure extends AsyncDisposable {
  /** Shows another figure in its place, now or, soon after the last one, with a later call. */
  update(figure: Figure): Promise<void>;
  /** Shows the last figure for good, from now on in Plotly's form, too, unless told not to. */
  close(): Promise<void>;
}

/** How to show a figure that changes. */
export interface LiveOptions extends ShowOptions {
  /** Milliseconds since some moment; `performance.now` unless a test has its own clock. */
  readonly now?: () => number;
}

/** Milliseconds of rest between two drawings, and how many times longer than drawing it is. */
const [REST, REST_PER_DRAWING] = [500, 9];

/**
 * Shows a figure below the cell that then changes in place, for instance while a policy trains.
 *
 * Figures are drawn at most twice a second, and at most a tenth of the time goes into drawing; those
 * between are left out, but never the last. While they change they are pictures: JupyterLab's Plotly
 * renderer keeps the first state it is given.
 *
 * @example Curves of a training that goes on
 * ```ts ignore
 * const curves = await live(trainingCurves(history));
 * for await (const metrics of relift(policy, dataset)) {
 *   history.push(metrics);
 *   await curves.update(trainingCurves(history));
 * }
 * await curves.close();
 * ```
 * @throws {RangeError} As `toSvg()` does.
 */
export async function live(figure: Figure, options: LiveOptions = {}): Promise<LiveFigure> {
  const { kernel = notebook(), now = () => performance.now() } = options;
  const displayId = crypto.randomUUID();
  let last = figure;
  let restsUntil = 0;
  let open = kernel !== undefined;
  const draw = async (type: string, form: Form): Promise<void> => {
    const start = now();
    await send(kernel!, type, await outputOf(last, options, form), displayId);
    const end = now();
    restsUntil = end + Math.max(REST, REST_PER_DRAWING * (end - start));
  };
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await draw("update_display_data", lastForm(options));
  };
  if (open) await draw("display_data", "still");
  restsUntil = now() + REST; // the first drawing loads Plotly and fonts, no other takes as long
  return {
    async update(figure): Promise<void> {
      last = figure;
      if (open && now() >= restsUntil) await draw("update_display_data", "still");
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The kernel, where there is one: elsewhere the property itself throws. */
function notebook(): NotebookKernel | undefined {
  try {
    return Deno.jupyter;
  } catch {
    return undefined;
  }
}

/** An output in all its forms, and what viewers should know of them. */
interface Output {
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** `picture`: without Plotly's own; `still`: the same, to be replaced soon. */
type Form = "live" | "picture" | "still";

function lastForm({ interactive = true }: ShowOptions): Form {
  return interactive ? "live" : "picture";
}

/** Of a picture that stays; one that soon gives way to the next has all its colours. */
const COLORS = 256;

async function outputOf(
  figure: Figure,
  asked: ShowOptions,
  form: Form,
): Promise<Output> {
  const size = sizeOf(figure, asked);
  const { scale = 2 } = asked;
  const colors = form === "still" ? undefined : COLORS;
  const png = await toPng(await toSvg(figure, size), { scale, colors });
  const text = summaryOf(figure);
  // shown at half its pixels, so sharp on fine screens
  const image = `<img width="${size.width}" height="${size.height}" alt="${escapeText(text)}" ` +
    `src="data:image/png;base64,${png.toBase64()}">`;
  return {
    data: {
      ...(form === "live"
        ? {
          "application/vnd.plotly.v1+json": {
            ...shortened(drawable(figure, size)),
            config: PLOTLY_CONFIG,
          },
        }
        : {}),
      "text/html": image,
      "text/plain": text,
    },
    metadata: {},
  };
}

/** Significant digits of numbers in a notebook: more than a screen can show. */
const DIGITS = 6;

function shortened(figure: Figure): Figure {
  return JSON.parse(JSON.stringify(
    figure,
    (_, value) => typeof value === "number" ? Number(value.toPrecision(DIGITS)) : value,
  ));
}

/**
 * Sends an output and waits a moment: the kernel may tell that the cell is done before it sends what
 * was just handed to it, and most clients then look away.
 */
async function send(
  kernel: NotebookKernel,
  type: string,
  output: Output,
  displayId?: string,
): Promise<void> {
  const transient = displayId === undefined ? {} : { display_id: displayId };
  await kernel.broadcast(type, { ...output, transient });
  await new Promise((done) => setTimeout(done, 10));
}
