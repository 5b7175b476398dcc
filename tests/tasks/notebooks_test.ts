/**
 * Small notebooks that each must fail in a way of their own, run on the real kernel.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { fileURLToPath } from "node:url";
import { checkNotebooks } from "../../tasks/_notebooks/check.ts";
import { installKernel } from "../../tasks/_notebooks/install.ts";
import {
  codeCells,
  type Notebook,
  notebookText,
  type Output,
  readNotebook,
} from "../../tasks/_notebooks/notebook.ts";
import { outputLog } from "../../tasks/_notebooks/outputs.ts";
import { CellError, runNotebook } from "../../tasks/_notebooks/run.ts";
import { openSocket } from "../../tasks/_notebooks/zmtp.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A notebook of these code cells. */
function notebook(...sources: string[]): Notebook {
  const cells = sources.map((source, i) => ({
    cell_type: "code" as const,
    id: `id-${i}`,
    metadata: {},
    source,
    execution_count: null,
    outputs: [],
  }));
  return { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
}

/** Runs these code cells in an empty folder. */
async function run(sources: string[], options: { limit?: number } = {}): Promise<Notebook> {
  const folder = await Deno.makeTempDir();
  try {
    return await runNotebook(notebook(...sources), { folder, limit: 60, ...options });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs these code cells; returns the error of the cell that fails. */
async function failureOf(sources: string[], options?: { limit: number }): Promise<CellError> {
  return await assertRejects(() => run(sources, options), CellError);
}

/** Type-checks these code cells beside a module `helper.ts`; returns what is wrong. */
async function typeErrors(...sources: string[]): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/helper.ts`, "export const here = 1;\n");
    const cells = codeCells(notebook(...sources));
    const report = await checkNotebooks([{ path: `${folder}/small.ipynb`, cells }]);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["helper.ts"]);
    return report;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const outputsOf = ({ cells }: Notebook): Output[][] => cells.map(({ outputs }) => outputs!);

Deno.test("runNotebook() keeps every output in its cell, also what comes after idle", async () => {
  const prints = Array.from({ length: 12 }, (_, i) => [
    `${i}`,
    `await Deno.jupyter.display({ "text/plain": "shown ${i}" }, { raw: true });`,
    `console.log("printed ${i}");`,
  ]).flat();
  const many = `for (let i = 0; i < 500; i++) console.log("line", i);`;
  const outputs = outputsOf(await run([...prints, many]));

  for (let i = 0; i < 12; i++) {
    const [result, shown, printed] = outputs.slice(3 * i);
    assertEquals(result!.map(({ data }) => data), [{ "text/plain": `${i}` }]);
    assertEquals(shown!.map(({ data }) => data), [{ "text/plain": `shown ${i}` }]);
    assertEquals(printed!.map(({ text }) => text), [`printed ${i}\n`]);
  }
  const lines = Array.from({ length: 500 }, (_, i) => `line ${i}\n`).join("");
  assertEquals(outputs.at(-1), [{ output_type: "stream", name: "stdout", text: lines }]);
});

Deno.test("runNotebook() stores last states, late outputs and nothing of its own", async () => {
  const source = notebook(
    `await Deno.jupyter.display({ "text/plain": "a" }, { raw: true, display_id: "one" });
     setTimeout(() => console.log("late"), 20);
     null`,
    "",
    `const shown = { raw: true, display_id: "one", update: true };
     await Deno.jupyter.display({ "text/plain": "b" }, shown);`,
    `console.log("old");
     await Deno.jupyter.broadcast("clear_output", { wait: true });
     console.log("new");
     console.error("aside");`,
    `[1, 2]`,
  );
  const before = structuredClone(source);
  const folder = await Deno.makeTempDir();
  const executed = await runNotebook(source, { folder, limit: 60 });
  const again = await runNotebook(executed, { folder, limit: 60 });
  await Deno.remove(folder); // and so it is empty

  assertEquals(outputsOf(executed), [
    [
      { output_type: "display_data", data: { "text/plain": "b" }, metadata: {} },
      { output_type: "stream", name: "stdout", text: "late\n" },
    ],
    [],
    [],
    [
      { output_type: "stream", name: "stdout", text: "new\n" },
      { output_type: "stream", name: "stderr", text: "aside\n" },
    ],
    [{
      output_type: "execute_result",
      data: { "text/plain": "[ 1, 2 ]" },
      metadata: {},
      execution_count: 4,
    }],
  ]);
  assertEquals(executed.cells.map((cell) => cell.execution_count), [1, null, 2, 3, 4]);
  assertEquals(executed.cells.map(({ id }) => id), source.cells.map(({ id }) => id));
  assertEquals(source, before);
  assertEquals(notebookText(again), notebookText(executed));
});

Deno.test("runNotebook() fails when a cell throws, and names it", async () => {
  const { cell, message } = await failureOf(["1", "", `null;\nthrow new RangeError("too far");`]);
  assertEquals(cell.number, 2);
  assertMatch(message, /^RangeError: too far\n {4}at /);
});

Deno.test("runNotebook() fails when a cell throws no error, or does not parse", async () => {
  assertEquals((await failureOf([`throw "words";`])).message, "Error: words");
  assertMatch((await failureOf(["{", "}"])).message, /^Error: Execution failed, as where a cell/);
});

Deno.test("runNotebook() fails when a promise that nothing awaits is rejected", async () => {
  const { cell, message } = await failureOf([
    `1`,
    `(async () => { await 1; throw new TypeError("unheard", { cause: "of this" }); })(); 5`,
    `await new Promise((resolve) => setTimeout(resolve, 300));`,
  ]);
  assertEquals(cell.number, 2);
  assertStringIncludes(message, "a promise that nothing awaits was rejected: TypeError: unheard");
  assertStringIncludes(message, "of this");
});

Deno.test("runNotebook() fails at once when a timer throws while a cell waits", async () => {
  const { cell, message } = await failureOf([
    `setTimeout(() => { throw new Error("in a timer") }, 5);
     await new Promise((resolve) => setTimeout(resolve, 60_000));`,
  ], { limit: 20 });
  assertEquals(cell.number, 1);
  assertStringIncludes(message, "as in a timer: Error: in a timer");
});

Deno.test("runNotebook() fails when something throws after the last cell", async () => {
  const { message } = await failureOf([
    `setTimeout(() => queueMicrotask(() => { throw new Error("afterwards") }), 120);`,
  ]);
  assertStringIncludes(message, "Error: afterwards");
});

Deno.test("runNotebook() fails when a cell ends the kernel", async () => {
  const { cell, message } = await failureOf(["1", "Deno.exit(3);", "2"]);
  assertEquals(cell.number, 2);
  assertStringIncludes(message, "the kernel ended (exit code 3)");
});

Deno.test("runNotebook() fails when a cell never ends, waiting or busy", async () => {
  for (
    const endless of ["while (true) {}", "setInterval(() => {}, 9); await new Promise(() => {});"]
  ) {
    const { cell, message } = await failureOf(["1", endless], { limit: 1 });
    assertEquals(cell.number, 2);
    assertStringIncludes(message, "the notebook's limit is 1 s");
  }
});

Deno.test("checkNotebooks() takes cells that use each other and Deno.jupyter", async () => {
  const report = await typeErrors(
    `import { here } from "./helper.ts";`,
    `const twice: number = 2 * here`,
    `[twice].map(Math.sqrt);\nawait Deno.jupyter.display({ "text/plain": twice }, { raw: true });`,
  );
  assertEquals(report, "");
});

Deno.test("checkNotebooks() names cell and line of a missing export, a type, a name taken", async () => {
  const report = await typeErrors(
    `import { here, missing } from "./helper.ts";`,
    `\nconst text: string =\n  here;`,
    `const number: string = 2;`,
    `let text = "again";`,
  );
  assertMatch(
    report,
    /no exported member 'missing'[^]*small\.ipynb, cell \[1\] `import .*`, line 1,/,
  );
  assertMatch(report, /TS2322[^]*small\.ipynb, cell \[2\] `const text: string =`, line 2,/);
  assertMatch(report, /TS2322[^]*small\.ipynb, cell \[3\] `const number: string = 2;`, line 1,/);
  assertMatch(report, /redeclare[^]*small\.ipynb, cell \[4\] `let text = "again";`, line 1,/);
  assert(!report.includes("file:///") || report.includes("helper.ts"));
});

Deno.test("checkNotebooks() names the cell of a syntax error, also of a bracket left open", async () => {
  const wrong = await typeErrors("1", "const a = 1;\nconst b = ;", "2");
  assertMatch(wrong, /SyntaxError[^]*cell \[2\] `const a = 1;`, line 2, column 11/);

  const open = await typeErrors("1", "function f() {", "2");
  assertMatch(open, /SyntaxError[^]*cell \[2\] `function f\(\) \{`, line 1/);
});

Deno.test("outputLog() updates a display wherever it is shown and ignores one unknown", () => {
  const log = outputLog((cell) => cell + 1);
  const message = (type: string, text: string, display_id?: string) => ({
    type,
    parent: "",
    content: { data: { "text/plain": text }, transient: { display_id } },
  });
  log.take(0, message("display_data", "first", "a"));
  log.take(1, message("display_data", "second", "a"));
  log.take(1, message("display_data", "none"));
  log.take(2, message("update_display_data", "third", "a"));
  log.take(2, message("update_display_data", "lost", "b"));
  log.take(2, message("update_display_data", "lost"));

  const texts = [0, 1, 2].map((cell) =>
    log.outputs.get(cell)?.map(({ data }) => (data as Record<string, string>)["text/plain"])
  );
  assertEquals(texts, [["third"], ["third", "none"], undefined]);
});

Deno.test("openSocket() sends and reads frames of any length, in pieces as they come", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const greeting = new Uint8Array(64);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, ...text("NULL")]); // ZMTP 3.0, §2
  const ready = (kind: string) => [
    ...[0x04, 22 + kind.length], // a command; 1 + 5 + 1 + 11 + 4 bytes and the kind
    ...[5, ...text("READY"), 11, ...text("Socket-Type"), 0, 0, 0, kind.length, ...text(kind)],
  ];
  const sizes = [0, 1, 255, 256, 70_000];
  const frames = sizes.map((size) => new Uint8Array(size).fill(size % 251));
  const bytes = frames.flatMap((frame, i) => {
    const more = i < frames.length - 1 ? 1 : 0;
    const [high, low] = [frame.length >> 8, frame.length & 255];
    return frame.length < 256
      ? [more, low, ...frame]
      : [more | 2, 0, 0, 0, 0, 0, high >> 8, high & 255, low, ...frame];
  });
  const serve = async (): Promise<void> => {
    using peer = await listener.accept();
    const said = [...greeting, ...ready("DEALER"), ...bytes];
    const heard = new Uint8Array(said.length);
    await peer.write(Uint8Array.from([...greeting, ...ready("ROUTER")]));
    for (let at = 0; at < heard.length;) at += await peer.read(heard.subarray(at)) ?? Infinity;
    assertEquals(heard, Uint8Array.from(said));
    const answer = Uint8Array.from([...bytes, ...bytes]);
    for (let at = 0; at < answer.length; at += 999) await peer.write(answer.slice(at, at + 999));
  };
  const served = serve();
  using socket = await openSocket(listener.addr.port, "DEALER");
  await socket.send(frames);
  const messages = await Array.fromAsync(socket);
  await served;
  assertEquals(messages.map((message) => message.map((frame) => frame.length)), [sizes, sizes]);
  assertEquals(messages.map((message) => message.map((frame) => frame.at(-1))), [
    [undefined, 1, 4, 5, 222],
    [undefined, 1, 4, 5, 222],
  ]);
});

Deno.test("notebookText() is what Jupyter writes: sorted keys, lines, pictures in one piece", () => {
  const source = notebook("a\nb");
  source.cells[0]!.outputs = [{
    output_type: "display_data",
    metadata: {},
    data: { "text/plain": "x\ny", "image/png": "AAAA\n", "application/json": { b: 1, a: [] } },
  }];
  // json.dumps(nb, indent=1, sort_keys=True) of Python's nbformat 5.11.1, by nbformat.writes()
  assertEquals(
    notebookText(source),
    `{
 "cells": [
  {
   "cell_type": "code",
   "execution_count": null,
   "id": "id-0",
   "metadata": {},
   "outputs": [
    {
     "data": {
      "application/json": {
       "a": [],
       "b": 1
      },
      "image/png": "AAAA\\n",
      "text/plain": [
       "x\\n",
       "y"
      ]
     },
     "metadata": {},
     "output_type": "display_data"
    }
   ],
   "source": [
    "a\\n",
    "b"
   ]
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 5
}
`,
  );
});

Deno.test("deno task notebooks stores what ran whole, and nothing of a notebook that fails", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [good, bad] = [`${folder}/good.ipynb`, `${folder}/bad.ipynb`];
    await Deno.writeTextFile(good, notebookText(notebook(`console.log("ran");`)));
    const broken = notebookText(notebook(`console.log("ran");`, `throw new Error("no");`));
    await Deno.writeTextFile(bad, broken);
    const task = (...args: string[]) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", `${root}tasks/notebooks.ts`, ...args],
        env: { NO_COLOR: "1" },
      }).output();

    const [ran, failed] = await Promise.all([
      task("--write", "--only", good),
      task("--write", "--only", bad),
    ]);
    assertEquals([ran.code, failed.code], [0, 1]);
    const [cell] = (await readNotebook(good)).cells;
    assertEquals(cell!.outputs, [{ name: "stdout", output_type: "stream", text: ["ran\n"] }]);
    const told = new TextDecoder().decode(failed.stderr);
    assertStringIncludes(told, 'bad.ipynb, cell [2] `throw new Error("no");` failed\nError: no');
    assertEquals(await Deno.readTextFile(bad), broken);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
      "bad.ipynb",
      "good.ipynb",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("installKernel() registers this Deno once, and again where another one is", async () => {
  const home = await Deno.makeTempDir();
  try {
    const env = { HOME: home, XDG_DATA_HOME: home, APPDATA: home };
    assertMatch(await installKernel(env), /^Registered the Deno kernel, for /);
    const told = await installKernel(env);
    assertMatch(told, /^The Deno kernel is there already: /);
    const path = `${told.split(": ")[1]}/kernel.json`;
    const spec = JSON.parse(await Deno.readTextFile(path));
    assertEquals(await Deno.realPath(spec.argv[0]), await Deno.realPath(Deno.execPath()));
    assertEquals(spec.env, { NO_COLOR: "1" });

    await Deno.writeTextFile(path, JSON.stringify({ ...spec, argv: ["/elsewhere/deno"] }));
    assertMatch(await installKernel(env), /^Registered the Deno kernel again, /);
    assertEquals(JSON.parse(await Deno.readTextFile(path)), spec);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

const committed = [...Deno.readDirSync(`${root}notebooks`)].map(({ name }) => name)
  .filter((name) => name.endsWith(".ipynb")).sort();

for (const name of committed) {
  Deno.test(`${name} is stored as it ran: numbers in order, outputs, no error`, async () => {
    const stored = await readNotebook(`${root}notebooks/${name}`);
    const cells = codeCells(stored).map(({ index }) => stored.cells[index]!);
    assertEquals(cells.map((cell) => cell.execution_count), cells.map((_, i) => i + 1));
    const outputs = cells.flatMap((cell) => cell.outputs ?? []);
    assert(outputs.length > 0, "no cell has an output");
    assertEquals(outputs.filter(({ output_type }) => output_type === "error"), []);
    for (const { data = {} } of outputs as { data?: Record<string, unknown> }[]) {
      const isFigure = "application/vnd.plotly.v1+json" in data;
      const hasPicture = "image/png" in data || "text/html" in data;
      assert(!isFigure || hasPicture, "a figure lacks a form for viewers without Plotly");
    }
    const ids = stored.cells.map(({ id }) => id);
    assertEquals(new Set(ids).size, ids.length, "two cells share an id");
  });
}
