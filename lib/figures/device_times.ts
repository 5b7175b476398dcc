/**
 * How fast devices are: what `deno task bench` stored, and a figure of such times or of new ones.
 *
 * @module
 */
import type { Data, LayoutAxis } from "plotly.js";
import { z } from "zod";
import { readJsonAs } from "../files.ts";
import type { Figure } from "./figure.ts";
import { axesOf, grid, headHeight, labelWidth, logTicks, pageLayout, WIDTH } from "./page.ts";
import { INK, shade, SIZES, styleOf } from "./theme.ts";

/** How long a contender took for something. */
export interface DeviceTime {
  /** `wasm with BLAS`, `PyTorch eager, 2 threads`. */
  readonly contender: string;
  /** Median of the repeats, milliseconds. */
  readonly ms: number;
  readonly least: number;
  readonly most: number;
}

/** A stored time and what was measured. */
export interface BenchmarkTime extends DeviceTime {
  /** `train step`, `generate`. */
  readonly what: string;
  /** Of the policy: `0.8M`. */
  readonly size: string;
  /** `batch 64, seq 64`. */
  readonly point: string;
  /** `2026-11-21, commit f2f4fc3, AMD EPYC, 2 cores`. */
  readonly about: string;
}

const benchSchema = z.record(z.object({
  about: z.object({ date: z.string(), commit: z.string(), machine: z.string() }),
  rows: z.array(z.object({
    what: z.string(),
    size: z.string(),
    contender: z.string(),
    point: z.record(z.union([z.number(), z.string()])).optional(),
    ms: z.number().optional(),
    range: z.tuple([z.number(), z.number()]).optional(),
  })),
}));

/**
 * Reads the times that `deno task bench` stored; contenders that failed are left out.
 *
 * @param path Of `bench.json`.
 * @throws {Deno.errors.NotFound} When there is no such file.
 * @throws {SyntaxError} When it is not JSON.
 * @throws {TypeError} When it is not a benchmark.
 */
export async function readBenchmark(path: string): Promise<BenchmarkTime[]> {
  const parts = await readJsonAs(path, benchSchema);
  return Object.values(parts).flatMap(({ about: { date, commit, machine }, rows }) =>
    rows.flatMap(({ what, size, contender, point = {}, ms, range }) => {
      if (ms === undefined) return [];
      const [least, most] = range ?? [ms, ms];
      return [{
        ...{ what, size, contender, ms, least, most },
        point: Object.entries(point).map(([name, value]) => `${name} ${value}`).join(", "),
        about: `${date}, commit ${commit}, ${machine}`,
      }];
    })
  );
}

/** A panel of {@linkcode deviceTimes}. */
export interface TimesPanel {
  /** What was done: `One training step, 8 demonstrations`. */
  readonly title: string;
  readonly times: readonly DeviceTime[];
}

/** Pixels from one row to the next. */
const ROW = 30;

/**
 * Times as bars on a logarithmic axis, fastest first: equal distances are equal ratios. A thin line
 * goes from the shortest repeat to the longest.
 *
 * @param options `subtitle` says what was measured, and where.
 * @throws {RangeError} When there is no time, or one is not > 0.
 */
export function deviceTimes(
  panels: readonly TimesPanel[],
  { title, subtitle }: { readonly title: string; readonly subtitle: string },
): Figure {
  const sorted = panels.map(({ title, times }) => ({
    title,
    times: times.toSorted((a, b) => a.ms - b.ms),
  }));
  const all = panels.flatMap(({ times }) => times);
  const wrong = all.length === 0 ? "none" : all.find(({ least }) => !(least > 0))?.least;
  if (wrong !== undefined) {
    throw new RangeError(`Cannot draw times as they must be > 0: current value is ${wrong}`);
  }
  const words = `${subtitle} Bars: median of the repeats; lines: shortest to longest. ` +
    "Blue: this toolkit.";
  const rows = Math.max(...panels.map(({ times }) => times.length));
  const top = headHeight(words) + 34;
  const height = top + ROW * rows + 62;
  const left = labelWidth(all.map(({ contender }) => contender)) + 6;
  const boxes = grid({
    rows: 1,
    columns: panels.length,
    gap: [left + 56, 0],
    box: { left, top, width: WIDTH - left - 62, height: ROW * rows },
  });
  const low = Math.min(...all.map(({ least }) => least)) / 1.8;
  const high = Math.max(...all.map(({ most }) => most)) * 1.2;
  return {
    data: sorted.flatMap(({ times }, panel) => timeTraces(times, panel, low)),
    layout: {
      ...pageLayout({
        title,
        subtitle: words,
        height,
        panels: sorted.map(({ title, times }, i) => ({
          box: boxes[i]!,
          title,
          x: {
            type: "log",
            range: [Math.log10(low), Math.log10(high)],
            ...ticksOf(low, high),
            title: { text: "milliseconds, logarithmic" },
          },
          y: {
            range: [rows - 0.5, -0.5],
            tickvals: times.map((_, row) => row),
            ticktext: times.map(({ contender }) => contender),
            ticks: "",
            showgrid: false,
          },
        })),
      }),
      bargap: 0.35,
    },
  };
}

/** Ticks at 1, 2 and 5 times powers of ten, or at powers of ten alone where that would be many. */
function ticksOf(low: number, high: number): Partial<LayoutAxis> {
  const { tickvals } = logTicks(low, high);
  const values = tickvals.length > 7
    ? tickvals.filter((value) => /^10*$/.test(`${value}`))
    : tickvals;
  return { tickvals: values, ticktext: values.map((value) => value.toLocaleString("en-US")) };
}

/** Ours and others, told apart by lightness, too. */
function colorOf(contender: string): string {
  return /^(webgpu|wasm|cpu)/.test(contender) ? shade(styleOf("rl").color, 0.25) : INK.interval;
}

/** Bars from the left edge, ranges, and times in words. */
function timeTraces(times: readonly DeviceTime[], panel: number, low: number): Partial<Data>[] {
  const common = {
    type: "scatter",
    showlegend: false,
    hoverinfo: "skip",
    ...axesOf(panel),
  } as const;
  const rows = times.map((_, row) => row);
  return [
    {
      type: "bar",
      orientation: "h",
      base: times.map(() => low), // else bars begin far to the left, and resvg leaves them out
      x: times.map(({ ms }) => ms - low),
      y: rows,
      marker: { color: times.map(({ contender }) => colorOf(contender)) },
      text: times.map(({ contender, ms }) => `${contender}: ${inWords(ms)} ms`),
      textposition: "none",
      hovertemplate: "%{text}<extra></extra>",
      showlegend: false,
      ...axesOf(panel),
    } as Partial<Data>, // whose type has no base
    {
      ...common,
      mode: "lines",
      x: times.flatMap(({ least, most }) => [least, most, null]),
      y: rows.flatMap((row) => [row, row, null]),
      line: { color: INK.text, width: 1.4 },
    },
    {
      ...common,
      mode: "text",
      x: times.map(({ most }) => most),
      y: rows,
      text: times.map(({ ms }) => `\u00a0${inWords(ms)}`),
      textposition: "middle right",
      textfont: { size: SIZES.tick, color: INK.text },
      cliponaxis: false,
    },
  ];
}

/** `146`, `14.6`, `1.46`. */
function inWords(ms: number): string {
  return ms >= 99.95
    ? Math.round(ms).toLocaleString("en-US")
    : ms.toPrecision(3).replace(/\.?0+$/, "");
}
