/**
 * The dashboard as a function from requests to responses.
 *
 * @module
 */
import plotly from "plotly.js-dist-min/plotly.min.js" with { type: "text" };
import { z } from "zod";
import { type MetricMeaning, METRICS, openRuns, type RunSeries, type RunView } from "../../mod.ts";
import { differenceOf } from "./difference.ts";
import { groupsOf, textOr } from "./groups.ts";
import { COLOURS } from "./palette.ts";
import type { MetricRow, RunRow, RunsReply, SeriesPart, SeriesReply } from "./protocol.ts";
import { samplesQuery, selectSamples } from "./samples.ts";

const HTML = "text/html; charset=utf-8", CSS = "text/css; charset=utf-8";
const JAVASCRIPT = "text/javascript; charset=utf-8";

const MODULES = ["api", "curves", "dom", "figure", "list", "main", "metric_menu", "panel"]
  .concat("samples", "settings", "state", "statistics");

/** The files of the page: nothing else is served from the disk. */
const PAGE: Readonly<Record<string, string>> = {
  "index.html": HTML,
  "style.css": CSS,
  ...Object.fromEntries(MODULES.map((name) => [`${name}.js`, JAVASCRIPT])),
};

const HEADERS = {
  "cache-control": "no-store",
  // Only this server's own scripts: a prompt can hold anything. Plotly writes its styles itself.
  "content-security-policy": "default-src 'none'; script-src 'self'; connect-src 'self'; " +
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** A request that cannot be answered: told in one line. */
class RequestError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** A run and when it was last another. */
interface Seen {
  readonly row: RunRow;
  readonly json: string;
  readonly revision: number;
}

/**
 * The dashboard of a folder of runs, which may be made later.
 *
 * Answers only requests to this machine by name, so that no other site can reach it by pointing its
 * own name here, and reads only the runs it listed.
 *
 * @param now The clock, milliseconds since 1970.
 */
export function dashboard(
  folder: string,
  now: () => number = Date.now,
): (request: Request) => Promise<Response> {
  const runs = openRuns(folder, { now });
  const first = now();
  let revision = first; // a page that knows an earlier server's asks for less
  let views: ReadonlyMap<string, RunView> = new Map();
  let seen: ReadonlyMap<string, Seen> = new Map();
  let shared: Pick<RunsReply, "groups" | "metrics" | "colours"> = {};
  const gone = new Map<string, number>(); // name to revision

  async function refresh(): Promise<void> {
    const listed = await runs.list();
    const { groups, groupOf } = groupsOf(listed);
    const next = revision + 1;
    const rows = listed.map((view) => {
      const row = rowOf(view, groupOf.get(view.name)!);
      const json = JSON.stringify([row, view.metrics]);
      const before = seen.get(row.name);
      return before?.json === json ? before : { row, json, revision: next };
    });
    const lost = [...seen.keys()].filter((name) => !groupOf.has(name));
    if (lost.length > 0 || rows.some((row) => row.revision === next)) revision = next;
    lost.forEach((name) => gone.set(name, next));
    views = new Map(listed.map((view) => [view.name, view]));
    seen = new Map(rows.map((each) => [each.row.name, each]));
    shared = { groups, metrics: metricsOf(listed), colours: COLOURS };
  }

  async function list(since: number): Promise<RunsReply> {
    await refresh();
    const all = !(since >= first && since <= revision);
    const changed = all
      ? [...seen.values()]
      : [...seen.values()].filter((run) => run.revision > since);
    return {
      revision,
      all,
      folder,
      runs: changed.map(({ row }) => row),
      gone: all ? [] : [...gone].filter(([, at]) => at > since).map(([name]) => name),
      ...all || since < revision ? shared : {},
    };
  }

  /** The views of runs by name, none of which may be unknown. */
  async function known(names: readonly string[]): Promise<RunView[]> {
    if (names.some((name) => !views.has(name))) await refresh();
    return names.map((name) => {
      const view = views.get(name);
      if (view) return view;
      throw new RequestError(404, `Cannot show ${name} as ${folder} holds no such run`);
    });
  }

  async function series(body: unknown): Promise<SeriesReply> {
    const { columns, runs: asked } = checked(seriesRequest, body);
    if (asked.some(({ name }) => !views.has(name))) await refresh();
    const there = asked.filter(({ name }) => views.has(name)); // others were removed meanwhile
    const parts = await Promise.all(
      there.map(async ({ name, generation, known }) =>
        partOf(name, await runs.series(name), columns, generation, known)
      ),
    );
    return { runs: parts };
  }

  async function answer(request: Request): Promise<Response> {
    const { pathname, searchParams, hostname } = new URL(request.url);
    if (!["127.0.0.1", "localhost"].includes(hostname)) {
      throw new RequestError(403, `Cannot answer as the host must be localhost: it is ${hostname}`);
    }
    switch (`${request.method} ${pathname}`) {
      case "GET /api/runs":
        return json(await list(Number(searchParams.get("since") ?? NaN)));
      case "POST /api/series":
        return json(await series(await bodyOf(request)));
      case "POST /api/difference": {
        const names = checked(z.object({ runs: z.array(z.string()) }), await bodyOf(request)).runs;
        return json(differenceOf(await known(names)));
      }
      case "GET /api/samples": {
        const [run] = await known([searchParams.get("run") ?? ""]);
        return json(selectSamples(await runs.samples(run!.name), samplesQuery(searchParams)));
      }
      case "GET /plotly.min.js":
        return respond(plotly, JAVASCRIPT, { "cache-control": "max-age=3600" });
      default:
        return await file(request.method, pathname);
    }
  }

  return async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      const status = error instanceof RequestError
        ? error.status
        : error instanceof RangeError
        ? 400
        : 500;
      return json({ error: error instanceof Error ? error.message : String(error) }, status);
    }
  };
}

function rowOf(view: RunView, group: string): RunRow {
  const { settings, metrics: _, ...row } = view;
  return {
    ...row,
    group,
    method: textOr(settings["method"]),
    dataset: textOr(settings["dataset"]),
    seed: typeof settings["seed"] === "number" ? settings["seed"] : null,
    commit: textOr(settings["commit"]),
  };
}

/** The metrics that some run has, in the order of {@linkcode METRICS}, then those it does not know. */
function metricsOf(views: readonly RunView[]): MetricRow[] {
  const there = new Set(views.flatMap(({ metrics }) => metrics));
  const order = Object.keys(METRICS);
  const place = (name: string): number => order.indexOf(meaningName(name)) >>> 0; // unknown: last
  return [...there].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
    .map((name) => ({ name, ...meaningOf(name) }));
}

function meaningOf(name: string): MetricMeaning {
  const known = meaningName(name);
  return Object.hasOwn(METRICS, known) ? METRICS[known]! : { unit: "", meaning: "" };
}

/** The name under which a metric is explained. */
function meaningName(name: string): string {
  return Object.hasOwn(METRICS, name) ? name : name.replace(/^reward\/.+/, "reward/<part>");
}

const seriesRequest = z.object({
  columns: z.array(z.string()),
  runs: z.array(z.object({
    name: z.string(),
    generation: z.number(),
    known: z.number().int().nonnegative(),
  })),
});

/** The records of a run after those that are known. */
function partOf(
  name: string,
  { generation, length, columns }: RunSeries,
  asked: readonly string[],
  knownGeneration: number,
  known: number,
): SeriesPart {
  const from = generation === knownGeneration ? Math.min(known, length) : 0;
  const there = asked.flatMap((column) => {
    const values = columns.get(column);
    return values ? [[column, values.slice(from)] as const] : []; // JSON writes NaN as null
  });
  return { name, generation, from, length, columns: Object.fromEntries(there) };
}

async function bodyOf(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch {
    throw new RequestError(400, "Cannot answer as the request must be JSON");
  }
}

function checked<T>(schema: z.ZodType<T>, body: unknown): T {
  const { data, error } = schema.safeParse(body);
  if (error === undefined) return data as T;
  const { path, message } = error.issues[0]!;
  throw new RequestError(400, `Cannot answer as ${path.join(".") || "it"} is wrong: ${message}`);
}

async function file(method: string, pathname: string): Promise<Response> {
  const name = pathname === "/" ? "index.html" : pathname.slice(1);
  if (!Object.hasOwn(PAGE, name)) {
    throw new RequestError(404, `Cannot show ${pathname} as it is no page`);
  }
  if (method !== "GET") {
    throw new RequestError(405, `Cannot ${method} ${pathname} as it is only read`);
  }
  return respond(await Deno.readTextFile(new URL(`page/${name}`, import.meta.url)), PAGE[name]!);
}

function json(value: unknown, status = 200): Response {
  const headers = { ...HEADERS, "content-type": "application/json" };
  return new Response(JSON.stringify(value), { status, headers });
}

function respond(text: string, type: string, more: Record<string, string> = {}): Response {
  return new Response(text, { headers: { ...HEADERS, "content-type": type, ...more } });
}
