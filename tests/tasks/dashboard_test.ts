// deno-lint-ignore-file no-console -- a browser that is missing is told
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { parse } from "@std/csv";
import { fileURLToPath } from "node:url";
import { chromium, type Download, type Page } from "npm:playwright-core@1.65.1";
import type { FlatSettings, RunView } from "../../mod.ts";
import { differenceOf } from "../../tasks/_dashboard/difference.ts";
import { groupsOf } from "../../tasks/_dashboard/groups.ts";
import type {
  DifferenceReply,
  RunsReply,
  SamplesReply,
  SeriesReply,
} from "../../tasks/_dashboard/protocol.ts";
import { bandOf, curveOf, smooth, sums, valueAt } from "../../tasks/_dashboard/page/statistics.js";
import { dashboard } from "../../tasks/_dashboard/server.ts";

/** What a run of a test is. */
interface RunPlan {
  readonly method: string;
  readonly seed: number;
  /** Records it has, of `steps`. */
  readonly done: number;
  readonly steps?: number;
  /** Further settings. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Further metrics of each step. */
  readonly metrics?: (step: number) => Readonly<Record<string, number | null>>;
}

/** The metrics of a run; of a method and a seed always the same. */
function metricsText({ method, seed, done, metrics = () => ({}) }: RunPlan): string {
  return Array.from({ length: done }, (_, step) => {
    const record = {
      step,
      ...method === "sft" ? {} : {
        "accuracy": 0.2 + 0.01 * step + 0.1 * seed,
        "completion/tokens": 20 + step % 5,
        "rl/loss": step % 3 === 2 ? null : 1 / (step + 1),
        "budget/flops": 1e9 * (step + 1) * (1 + seed / 10),
      },
      ...method === "relift" ? { "sft/events_now": step % 4 === 3 ? 1 : 0 } : {},
      "time/step_s": 0.5,
      ...metrics(step),
    };
    return JSON.stringify(record) + "\n";
  }).join("");
}

/** Two samples of each step: one right, one wrong whose prompt is a script. */
function samplesText(done: number): string {
  const sample = (step: number, right: boolean) => ({
    step,
    question: `q${step}`,
    prompt: right ? "1+2:" : "<script>document.title = 'taken'</script>",
    answer: "3",
    completion: right ? "<answer>3</answer>" : "<img src=x onerror=\"document.title = 'taken'\">",
    tokens: right ? 5 + step : 9,
    finishReason: right ? "stop" : "length",
    reward: right ? 1 : 0,
    correct: right,
    parts: { format: 1, correct: right ? 1 : 0 },
  });
  return Array.from({ length: done }, (_, step) => [sample(step, true), sample(step, false)])
    .flat().map((each) => JSON.stringify(each) + "\n").join("");
}

async function writeRun(folder: string, plan: RunPlan): Promise<void> {
  const { method, seed, steps = 20, more = {} } = plan;
  const config = {
    settings: { method, config: { seed, steps, ...more } },
    preset: method,
    dataset: "operators",
    commit: "0123456789abcdef",
  };
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(config));
  await Deno.writeTextFile(`${folder}/metrics.jsonl`, metricsText(plan));
  if (method !== "sft") await Deno.writeTextFile(`${folder}/samples.jsonl`, samplesText(plan.done));
}

/** Five runs of three methods, and a run whose settings are cut off. */
async function writeRuns(folder: string): Promise<void> {
  for (const seed of [1, 2]) {
    const relift = { method: "relift", seed, done: 20, more: { gate: 0.25, sft: { passes: 2 } } };
    await writeRun(`${folder}/relift-${seed}`, relift);
    await writeRun(`${folder}/rl-${seed}`, { method: "rl", seed, done: 20 });
  }
  await writeRun(`${folder}/sft-1`, { method: "sft", seed: 1, done: 10 });
  await writeRun(`${folder}/torn`, { method: "rl", seed: 3, done: 5 });
  await Deno.writeTextFile(`${folder}/torn/config.json`, '{"settings": {"meth');
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Asks for a path, with a body by POST. */
type Ask = <T>(path: string, body?: unknown, origin?: string) => Promise<{
  readonly status: number;
  readonly text: string;
  readonly json: T;
}>;

/** Asks a dashboard without a port. */
function asker(folder: string): Ask {
  const handle = dashboard(folder);
  return async <T>(path: string, body?: unknown, origin = "http://127.0.0.1:8421") => {
    const post = { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) };
    const response = await handle(new Request(origin + path, body === undefined ? {} : post));
    const text = await response.text();
    const isJson = response.headers.get("content-type") === "application/json";
    return { status: response.status, text, json: (isJson ? JSON.parse(text) : {}) as T };
  };
}

Deno.test("GET /api/runs lists runs by group, then only what changed", async () => {
  await inFolder(async (folder) => {
    await writeRuns(folder);
    const ask = asker(folder);
    const { json: first } = await ask<RunsReply>("/api/runs?since=NaN");
    assert(first.all);
    assertEquals(first.runs.map(({ name, step, faults }) => [name, step, faults]), [
      ["relift-1", 20, []],
      ["relift-2", 20, []],
      ["rl-1", 20, []],
      ["rl-2", 20, []],
      ["sft-1", 10, []],
      ["torn", 5, ["config.json is not JSON"]],
    ]);
    assertEquals(first.groups?.map(({ title }) => title), ["relift", "rl", "sft", "torn"]);
    assertEquals(first.runs[0]?.group, first.runs[1]?.group);
    assert(first.metrics?.some(({ name, unit }) => name === "accuracy" && unit === "share"));

    const { json: same } = await ask<RunsReply>(`/api/runs?since=${first.revision}`);
    assertEquals([same.runs, same.gone, same.groups], [[], [], undefined]);

    await writeRun(`${folder}/sft-1`, { method: "sft", seed: 1, done: 11 });
    await Deno.remove(`${folder}/torn`, { recursive: true });
    const { json: next } = await ask<RunsReply>(`/api/runs?since=${first.revision}`);
    assertEquals(next.runs.map(({ name, step }) => [name, step]), [["sft-1", 11]]);
    assertEquals([next.gone, next.all], [["torn"], false]);
  });
});

Deno.test("POST /api/series sends the columns asked for, from the first record that is new", async () => {
  await inFolder(async (folder) => {
    await writeRuns(folder);
    const ask = asker(folder);
    const series = async (generation: number, known: number) => {
      const runs = [{ name: "rl-1", generation, known }, { name: "gone", generation: 0, known: 0 }];
      return (await ask<SeriesReply>("/api/series", { columns: ["rl/loss", "none"], runs })).json;
    };
    const { runs: [all, ...others] } = await series(0, 0);
    assertEquals(others, []); // a run that was removed meanwhile
    assertEquals([all?.from, all?.length], [0, 20]);
    assertEquals(Object.keys(all!.columns), ["rl/loss"]);
    assertEquals(all?.columns["rl/loss"]?.slice(0, 3), [1, 0.5, null]);

    const { runs: [rest] } = await series(all!.generation, 18);
    assertEquals([rest?.from, rest?.columns["rl/loss"]], [18, [1 / 19, 1 / 20]]);
    assertEquals((await series(all!.generation - 1, 18)).runs[0]?.from, 0);
  });
});

Deno.test("GET /api/samples filters, sorts and counts", async () => {
  await inFolder(async (folder) => {
    await writeRuns(folder);
    const ask = asker(folder);
    const samples = async (query: string) =>
      (await ask<SamplesReply>(`/api/samples?run=rl-1&${query}`)).json;
    const all = await samples("");
    assertEquals([all.samples.length, all.fitting, all.total, all.lastStep], [40, 40, 40, 19]);
    const longest = await samples("outcome=right&sort=tokens&descending=true&limit=2");
    assertEquals(longest.samples.map(({ step, right }) => [step, right]), [[19, true], [18, true]]);
    assertEquals(longest.fitting, 20);
    assertEquals((await samples("step=3&text=SCRIPT")).samples.map(({ right }) => right), [false]);
  });
});

Deno.test("POST /api/difference tells settings apart, but not those it cannot read", async () => {
  await inFolder(async (folder) => {
    await writeRuns(folder);
    const runs = ["relift-1", "rl-1", "torn"];
    const { json } = await asker(folder)<DifferenceReply>("/api/difference", { runs });
    assertEquals(json.runs, ["relift-1", "rl-1"]);
    assertEquals(json.differ, [
      { setting: "method", values: ["relift", "rl"] },
      { setting: "gate", values: ["0.25", null] },
      { setting: "sft.passes", values: ["2", null] },
      { setting: "preset", values: ["relift", "rl"] },
    ]);
    assertEquals(json.shared.find(({ setting }) => setting === "dataset")?.value, "operators");
  });
});

Deno.test("the dashboard answers wrong requests with one line", async () => {
  await inFolder(async (folder) => {
    await writeRuns(folder);
    const ask = asker(folder);
    const wrong: [path: string, status: number, error: RegExp, body?: unknown][] = [
      ["/api/samples?run=none", 404, /no such run/],
      ["/api/samples?run=../rl-1", 404, /no such run/],
      ["/api/samples?run=rl-1&step=x", 400, /step must be a whole number: current value is x$/],
      ["/api/samples?run=rl-1&sort=x", 400, /sort must be one of step, /],
      ["/api/series", 400, /must be JSON/, "{"],
      ["/api/series", 400, /columns is wrong: /, { columns: 1, runs: [] }],
      ["/api/difference", 404, /no such run/, { runs: [".."] }],
      ["/index.html", 405, /only read/, {}],
      ["/none", 404, /no page/],
      ["/api/series", 404, /no page/],
    ];
    for (const [path, status, error, body] of wrong) {
      const { json, ...answer } = await ask<{ error: string }>(path, body);
      assertEquals([path, answer.status], [path, status]);
      assertMatch(json.error, error);
      assert(json.error.startsWith("Cannot ") && !json.error.includes("\n"));
    }
  });
});

Deno.test("the dashboard serves no file but those of its page", async () => {
  await inFolder(async (folder) => {
    await writeRuns(folder);
    const ask = asker(folder);
    for (
      const path of [
        "/../server.ts",
        "/%2e%2e/server.ts",
        "/..%2fserver.ts",
        "/..%5cserver.ts",
        "/page/../../server.ts",
        "//etc/passwd",
        "/style.css/../../server.ts",
        "/__proto__",
        "/constructor",
      ]
    ) assertEquals([path, (await ask(path)).status], [path, 404]);
    const series = { columns: ["step"], runs: [{ name: "../x", generation: 0, known: 0 }] };
    assertEquals((await ask<SeriesReply>("/api/series", series)).json.runs, []);
  });
});

Deno.test("the dashboard refuses a foreign host", async () => {
  await inFolder(async (folder) => {
    const ask = asker(folder);
    assertEquals((await ask("/", undefined, "http://localhost:9000")).status, 200);
    for (
      const origin of [
        "http://evil.example:8421",
        "http://localhost.evil.example",
        "http://10.0.0.1",
      ]
    ) {
      const { status, json } = await ask<{ error: string }>("/api/runs", undefined, origin);
      assertEquals(status, 403);
      assertMatch(json.error, /^Cannot answer as the host must be localhost: it is /);
    }
  });
});

Deno.test("the page asks nobody but its server, for files that are there", async () => {
  const ask = asker("runs");
  const sought = ["/index.html"];
  for (const path of sought) { // grows on the way
    const { status, text } = await ask(path);
    assertEquals([path, status], [path, 200]);
    if (path === "/plotly.min.js") continue;
    assertEquals(text.match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/), null);
    const found = text.matchAll(/(?:src="|href="|from "\.\/|src = ")([\w.]+\.(?:js|css))"/g);
    sought.push(
      ...Array.from(found, ([, name]) => `/${name}`).filter((name) => !sought.includes(name)),
    );
  }
  assert(sought.length >= 13, sought.join(" "));
});

const view = (name: string, settings: FlatSettings): RunView => ({
  name,
  status: "finished",
  step: 1,
  steps: 1,
  accuracy: null,
  evaluated: null,
  settings,
  metrics: [],
  sampled: false,
  written: 0,
  faults: [],
});

Deno.test("groupsOf() puts seeds together, and calls a group by what it departs in", () => {
  const settings = { method: "relift", preset: "relift", dataset: "operators", gate: 0, seed: 1 };
  const { groups, groupOf } = groupsOf([
    view("a", settings),
    view("b", { ...settings, "seed": 2, "commit": "x", "device.name": "cpu" }),
    view("c", { ...settings, gate: 0.5 }),
    view("d", { ...settings, order: "newest-first" }),
    view("e", { method: "mine.ts", dataset: "operators", seed: 1 }),
    view("f", {}),
    view("g", {}),
  ]);
  assertEquals(groupOf.get("a"), groupOf.get("b"));
  const titles = groups.map(({ title }) => title);
  assertEquals(titles, [
    "f",
    "g",
    "mine.ts",
    "relift",
    "relift, gate 0.5",
    "relift, order newest-first",
  ]);
  const relift = groups.slice(3);
  assertEquals(new Set(relift.map(({ colour }) => colour)).size, 1); // the method's
  assertEquals(new Set(relift.map(({ dash }) => dash)).size, 3);
});

Deno.test("groupsOf() names the dataset where there are several, and both of two that differ", () => {
  const of = (steps: number, dataset: string) => ({ preset: "sft", dataset, steps });
  const { groups } = groupsOf([
    view("a", of(80, "operators")),
    view("b", of(400, "operators")),
    view("c", of(80, "countdown")),
  ]);
  assertEquals(groups.map(({ title }) => title), [
    "sft, countdown",
    "sft, operators, steps 400",
    "sft, operators, steps 80",
  ]);
});

Deno.test("differenceOf() keeps null and absence apart", () => {
  const { differ, shared } = differenceOf([
    view("a", { clip: null, seed: 1 }),
    view("b", { seed: 1 }),
  ]);
  assertEquals(differ, [{ setting: "clip", values: ["null", null] }]);
  assertEquals(shared, [{ setting: "seed", value: "1" }]);
});

Deno.test("smooth() is the mean of the last values there are", () => {
  assertEquals(smooth([1, null, 3, 5, 7], 2), [1, null, 2, 4, 6]); // (1+3)/2, (3+5)/2, (5+7)/2
  assertEquals(smooth([1, null, 3], 1), [1, null, 3]);
  assertEquals(sums([1, null, 2]), [1, null, 3]);
});

Deno.test("bandOf() is exact where runs meet, and leaves out where less than half of them are", () => {
  const curves = [
    curveOf([0, 1, 2, 3], [1, 2, null, 6]),
    curveOf([0, 1, 2, 3], [3, 4, null, null]),
    curveOf([0, 1, 2, 3], [5, null, null, null]),
  ];
  assertEquals(bandOf(curves, "range"), {
    x: [0, 1], // at 3 there is 1 run of 3
    mean: [3, 3],
    low: [1, 2],
    high: [5, 4],
    n: [3, 2],
    between: false,
  });
  const { low, high } = bandOf(curves, "deviation");
  assertEquals([low[0], high[0]], [1, 5]); // sd of 1, 3, 5 is sqrt((4 + 0 + 4) / 2) = 2
});

Deno.test("bandOf() reads runs on the lines between their points, where they do not meet", () => {
  const { x, mean, n, between } = bandOf(
    [curveOf([0, 2], [0, 4]), curveOf([0, 1, 2], [0, 0, 2])],
    "range",
  );
  assert(between);
  assertEquals([x.length, x[0], x.at(-1), n.every((count) => count === 2)], [200, 0, 2, true]);
  const at = (value: number) => x.findIndex((each) => each >= value);
  // Near 1: halfway between 2 (on the first line) and 0 (a point of the second).
  assertAlmostEquals(mean[at(1)]!, 1, 0.03);
  assertEquals(mean.at(-1), 3);
  assertEquals([valueAt(curveOf([0, 2], [0, 4]), 0.5), valueAt(curveOf([0], [7]), 1)], [1, null]);
});

const command = fileURLToPath(new URL("../../tasks/dashboard.ts", import.meta.url));

async function run(...args: string[]): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", command, ...args],
    env: { NO_COLOR: "1" },
    stdout: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("dashboard tells in one line that the port is taken, or that there is no folder of runs", async () => {
  await inFolder(async (folder) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const port = String(taken.addr.port);
    assertEquals(await run("--runs", folder, "--port", port), {
      code: 1,
      stderr: `error: Cannot listen on 127.0.0.1:${port} as the port is taken: ` +
        "name another by --port, or 0 for any\n",
    });
    await Deno.writeTextFile(`${folder}/config.json`, "{}");
    const [one, file] = await Promise.all([
      run("--runs", folder),
      run("--runs", `${folder}/config.json`),
    ]);
    assertEquals([one.code, file.code], [1, 1]);
    assertMatch(
      one.stderr,
      /^error: Cannot show \S+ as it is a run itself: name the folder it lies in\n$/,
    );
    assertMatch(
      file.stderr,
      /^error: Cannot show \S+ as it must be a folder of runs: it is a file\n$/,
    );
  });
});

/** A dashboard on a port of this machine. */
function serve(folder: string, port = 0): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, dashboard(folder));
}

Deno.test("the server refuses a Host that is not this machine", async () => {
  await inFolder(async (folder) => {
    await using server = serve(folder);
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    const request = "GET /api/runs HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    await connection.write(new TextEncoder().encode(request));
    const answer = await new Response(connection.readable).text();
    assertMatch(answer, /^HTTP\/1\.1 403 /);
  });
});

const CHROMIUM = "/usr/bin/chromium";

/** Why the page cannot be tested here; undefined when it can. */
async function noChromium(): Promise<string | undefined> {
  try {
    await Deno.stat(CHROMIUM);
  } catch {
    return `there is no ${CHROMIUM}`;
  }
}

/**
 * Registers a test of the page. Where Chromium is missing the test fails if `CI` is set; elsewhere
 * it says so and passes.
 *
 * @param body Fails, as does the test, when the page throws, complains, or asks another server.
 */
function onPage(
  name: string,
  write: (folder: string) => Promise<void>,
  body: (page: Page, folder: string, server: Deno.HttpServer<Deno.NetAddr>) => Promise<void>,
): void {
  Deno.test({
    name: `${name} (Chromium)`,
    sanitizeOps: false, // playwright's connection outlives the browser for a moment
    sanitizeResources: false,
    async fn(): Promise<void> {
      const reason = await noChromium();
      if (reason !== undefined) {
        if (Deno.env.get("CI")) {
          throw new Error(`Cannot test in CI as Chromium is needed: ${reason}`);
        }
        console.warn(`skipped: ${reason}`);
        return;
      }
      await inFolder(async (folder) => {
        await write(folder);
        await using server = serve(folder);
        const origin = `http://127.0.0.1:${server.addr.port}/`;
        const browser = await chromium.launch({
          executablePath: CHROMIUM,
          args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
        });
        try {
          const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
          const wrongs: string[] = [];
          page.on("pageerror", ({ message }) => wrongs.push(message));
          page.on("console", (said) => {
            const away = said.text().includes("ERR_CONNECTION_REFUSED"); // a test ends the server
            if (said.type() === "error" && !away) wrongs.push(said.text());
          });
          page.on("request", (request) => {
            const own = request.url().startsWith(origin) || /^(data|blob):/.test(request.url());
            if (!own) wrongs.push(`asks for ${request.url()}`);
          });
          await page.goto(origin);
          await body(page, folder, server);
          assertEquals(wrongs, []);
        } finally {
          await browser.close();
        }
      });
    },
  });
}

/** Waits until something holds on the page, and says what it last was when it never does. */
async function until<T>(
  page: Page,
  look: () => Promise<T>,
  good: (value: T) => boolean,
): Promise<T> {
  for (const end = Date.now() + 15_000;;) {
    const value = await look();
    if (good(value)) return value;
    if (Date.now() > end) {
      throw new Error(`Cannot wait longer as it stays ${JSON.stringify(value)}`);
    }
    await page.waitForTimeout(30);
  }
}

/** What the chart of a metric draws: each line's name and number of points. */
async function chart(page: Page, metric: string): Promise<{ name: string; points: number }[]> {
  return await page.evaluate(
    `(document.querySelector('[data-metric="${metric}"] .chart')?.data ?? []).map((trace) => ({
      name: trace.name ?? (trace.fill ? "band" : "seeds"),
      points: trace.x.length,
    }))`,
  );
}

/** Waits until the chart of a metric draws these lines. */
async function untilDrawn(page: Page, metric: string, ...names: string[]): Promise<void> {
  const drawn = async () => (await chart(page, metric)).map(({ name }) => name);
  await until(page, drawn, (now) => now.join() === names.join());
}

const MEANS = ["relift (n = 2)", "rl (n = 2)"];

/** Lines of the first view's charts. */
const FIRST_VIEW = ["band", "band", "seeds", "seeds", ...MEANS, "torn", "relift, SFT event"];

onPage("the page lists runs, draws groups and compares them", writeRuns, async (page) => {
  await untilDrawn(page, "accuracy", ...FIRST_VIEW);
  assertEquals(await page.locator("#runs .run").count(), 6);
  const torn = page.locator("#runs .run", { hasText: "torn" });
  assertMatch(await torn.innerText(), /config\.json is not JSON/);
  assertMatch(
    await page.locator('[data-metric="accuracy"] .note').innerText(),
    /1 of 6 runs have no accuracy/,
  );

  await page.getByRole("button", { name: "Select none" }).click();
  await untilDrawn(page, "accuracy");
  await page.getByLabel("All of relift").check();
  await page.getByLabel("All of rl").check();
  await untilDrawn(
    page,
    "accuracy",
    "band",
    "band",
    "seeds",
    "seeds",
    ...MEANS,
    "relift, SFT event",
  );
  assertEquals(await page.locator("#legend li").allInnerTexts(), MEANS);

  await page.locator("#seeds").uncheck();
  await page.locator("#band").selectOption("none");
  await untilDrawn(page, "accuracy", ...MEANS);
  await page.locator("#band").selectOption("deviation");
  await page.locator("#window").selectOption("5");
  assertEquals(
    await until(page, () => page.locator("#common-note").innerText(), (note) => note.includes("5")),
    "mean over seeds, band ± 1 standard deviation; each run the mean of its last 5 values",
  );
  await page.locator("#draw").selectOption("runs");
  await page.locator("#events").uncheck();
  await untilDrawn(page, "accuracy", ...MEANS);
  await page.locator("#colour").selectOption("line");
  await untilDrawn(page, "accuracy", "relift-1", "relift-2", "rl-1", "rl-2");

  await page.locator("#x").selectOption("flops");
  await page.getByRole("button", { name: /^Metrics/ }).press("Enter");
  await page.getByLabel("Filter metrics").fill("loss");
  await page.locator("#metric-list").getByLabel("loss").press("Space");
  await page.keyboard.press("Escape");
  await untilDrawn(page, "rl/loss", "relift-1", "relift-2", "rl-1", "rl-2");
  assertEquals((await chart(page, "rl/loss"))[0]?.points, 14); // 6 of 20 steps have none

  await page.reload(); // the address keeps the choices
  await untilDrawn(page, "rl/loss", "relift-1", "relift-2", "rl-1", "rl-2");
  assertEquals(await page.locator("#runs .run input:checked").count(), 4);

  await page.getByLabel(/^Filter runs/).fill("seed:2 relift");
  await until(page, () => page.locator("#runs .run").count(), (count) => count === 1);
});

onPage("the page gives figure files and the data of a chart", writeRuns, async (page) => {
  await untilDrawn(page, "accuracy", ...FIRST_VIEW);
  const download = async (format: string): Promise<[Download, Uint8Array]> => {
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: `accuracy as ${format} file` }).click(),
    ]);
    return [file, await Deno.readFile(await file.path())];
  };
  const [svg, picture] = await download("SVG");
  assertEquals(svg.suggestedFilename(), "accuracy_by_step.svg");
  const drawn = new TextDecoder().decode(picture);
  assertMatch(drawn, /^<svg /);
  for (const text of ["relift (n = 2)", "rl (n = 2)", "right completions of this step"]) {
    assert(drawn.includes(text));
  }
  const [, pixels] = await download("PNG");
  assertEquals(pixels.slice(1, 4), new TextEncoder().encode("PNG"));
  const [, table] = await download("CSV");
  const rows = parse(new TextDecoder().decode(table), { skipFirstRow: true });
  // A mean of 20 steps for each of two groups, 20 records of each of their runs, 5 of the torn one.
  assertEquals(rows.length, 2 * 20 + 4 * 20 + 5);
  const { low, high, n, accuracy, ...first } = rows[0]!;
  assertEquals(first, { group: "relift", run: "", seed: "", step: "0" });
  assertEquals([low, accuracy, high].map((cell) => Number(cell).toFixed(3)), [
    "0.300",
    "0.350",
    "0.400",
  ]);
  assertEquals(n, "2");
});

onPage("the page shows samples as text, filtered and sorted", writeRuns, async (page) => {
  await page.getByRole("button", { name: "Samples" }).click();
  await page.locator("#sample-run").selectOption("rl-1");
  const count = () => page.locator("#sample-count").innerText();
  const rows = page.locator("#sample-table tbody tr");
  await until(page, count, (text) => text === "40 of 40 samples");
  await page.getByLabel("Outcome").selectOption("wrong");
  await until(page, count, (text) => text === "20 of 40 samples");
  assertMatch(await rows.first().innerText(), /<script>document\.title = 'taken'<\/script>/);
  assertEquals(await page.locator("#sample-table :is(script, img)").count(), 0);
  assertEquals(await page.title(), "Runs · ReLIFT Lab");

  await page.getByLabel("Outcome").selectOption("right");
  await page.getByRole("button", { name: "Tokens" }).click();
  const sorted = () => page.locator("th[aria-sort]").innerText();
  await until(page, sorted, (text) => text === "Tokens ▾");
  await until(page, () => rows.first().innerText(), (text) => text.includes("q19")); // 24 tokens
  await page.getByRole("button", { name: "Tokens" }).click();
  await until(page, sorted, (text) => text === "Tokens ▴");
  await until(page, () => rows.first().innerText(), (text) => text.includes("q0")); // 5 tokens
  await page.getByLabel("Filter samples").fill("q7");
  await until(page, count, (text) => text === "1 of 40 samples");
  await page.getByLabel("Filter samples").fill("");
  await page.getByRole("button", { name: "Step before" }).click(); // from all to the last
  await until(page, count, (text) => text === "1 of 40 samples");
  await page.getByRole("button", { name: "Step before" }).click();
  await until(page, () => rows.allInnerTexts(), ([row]) => row?.includes("q18") ?? false);
});

onPage("the page shows the settings in which runs differ", writeRuns, async (page) => {
  await page.getByRole("button", { name: "Settings" }).click();
  const count = () => page.locator("#settings-count").innerText();
  await until(page, count, (text) => text.endsWith("; those of 1 could not be read"));
  assertEquals(
    await page.locator("#differ tr", { hasText: "gate" }).locator("td").allInnerTexts(),
    ["0.25", "0.25", "–", "–", "–"],
  );
  await page.getByLabel("A column for each run").uncheck();
  const seeds = page.locator("#differ tr", { hasText: "seed" }).locator("td");
  await until(page, () => seeds.allInnerTexts(), (cells) => cells.join("; ") === "1, 2; 1, 2; 1");
  await page.getByText("What they share").click();
  assertMatch(await page.locator("#shared").innerText(), /dataset\s+operators/);
});

const growing = (done: number, more: Partial<RunPlan> = {}): RunPlan => ({
  method: "rl",
  seed: 1,
  done,
  steps: 100,
  ...more,
});

onPage(
  "the page follows runs that grow, tear, come, go and begin again, and a server that does too",
  (folder) => writeRun(`${folder}/a`, growing(15)),
  async (page, folder, server) => {
    const points = async () => (await chart(page, "accuracy")).map(({ points }) => points).join();
    const row = page.locator("#runs .run", { hasText: "a" });
    await until(page, points, (now) => now === "15");
    assertMatch(await row.innerText(), /running\s+15\/100/);

    await writeRun(`${folder}/a`, growing(40));
    await until(page, points, (now) => now === "40");
    assertMatch(await row.innerText(), /40\/100/);

    await Deno.writeTextFile(
      `${folder}/a/metrics.jsonl`,
      metricsText(growing(41)) + '{"step":41,"acc',
    );
    await until(page, points, (now) => now === "41");
    await until(page, () => row.innerText(), (text) => text.includes("cut off"));

    await writeRun(`${folder}/a`, growing(12)); // resumed from a checkpoint of step 12
    await until(page, points, (now) => now === "12");
    assert(!(await row.innerText()).includes("cut off"));

    await writeRun(`${folder}/b`, growing(12, { seed: 2 }));
    await untilDrawn(page, "accuracy", "band", "seeds", "rl (n = 2)");
    await Deno.remove(`${folder}/b`, { recursive: true });
    await untilDrawn(page, "accuracy", "rl (n = 1)");
    await Deno.writeTextFile(`${folder}/a/config.json`, "{");
    await until(page, () => row.innerText(), (text) => text.includes("config.json is not JSON"));
    assertEquals(await points(), "12");

    const { port } = server.addr;
    await server.shutdown();
    const live = () => page.locator("#live").innerText();
    await until(page, live, (text) => text.startsWith("no answer"));
    await using _again = serve(folder, port);
    await writeRun(`${folder}/a`, growing(20));
    await until(page, points, (now) => now === "20");
    assertEquals(await live(), "1 run, 1 running");
  },
);

onPage("the page draws 200 runs of 150 steps and 50 metrics", async (folder) => {
  const noise = Array.from({ length: 46 }, (_, i) => `other/metric_${i}`);
  const metrics = (step: number) =>
    Object.fromEntries(noise.map((name, i) => [name, Math.sin(step * (i + 1)) / 3]));
  for (let i = 0; i < 200; i++) {
    const plan = { method: ["relift", "rl", "sft", "luffy"][i % 4]!, seed: Math.floor(i / 20) };
    const more = { gate: Math.floor(i / 4) % 5 };
    await writeRun(`${folder}/run-${i}`, { ...plan, done: 150, steps: 150, more, metrics });
  }
}, async (page) => {
  await until(
    page,
    () => page.evaluate("performance.getEntriesByName('drawn').length"),
    (n) => n === 1,
  );
  const milliseconds: number = await page.evaluate(
    "performance.getEntriesByName('drawn')[0].startTime",
  );
  console.log(`first view of 200 runs: ${milliseconds.toFixed(0)} ms`);
  assertEquals(await page.locator("#count").innerText(), "200 of 200 selected");
  // 20 groups of 10 seeds, of which SFT's five have no accuracy: a band and a mean each.
  assertEquals((await chart(page, "accuracy")).length, 2 * 15);
  assertEquals(await page.locator(".chart .scatterlayer .trace").count() > 0, true);
});
