/**
 * Type-checks notebooks. The kernel strips types unread, takes a missing export for `undefined` and
 * answers a syntax error with "Execution failed"; here each is an error that names cell and line.
 *
 * @module
 */
import { dirname } from "node:path";
import { type CodeCell, nameOf } from "./notebook.ts";

/** A notebook to check: its file and the cells that run. */
export interface Checked {
  readonly path: string;
  readonly cells: readonly CodeCell[];
}

/** The cells of a notebook as one module. */
export interface JoinedCells {
  readonly text: string;
  /** The cell that a line of the module comes from, and its line there; all from 1. */
  placeOf(line: number): { cell: CodeCell; line: number };
}

/**
 * Joins cells into one module.
 *
 * @param cells At least one.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { joinCells } from "./check.ts";
 *
 * const cells = [{ number: 1, index: 0, source: "1" }, { number: 2, index: 4, source: "2\n3" }];
 * const { text, placeOf } = joinCells(cells);
 *
 * assertEquals(text, "1\n;\n2\n3\n;\nexport {};\n");
 * assertEquals(placeOf(4), { cell: cells[1], line: 2 });
 * ```
 */
export function joinCells(cells: readonly CodeCell[]): JoinedCells {
  const lines: string[] = [];
  const places: { cell: CodeCell; line: number }[] = [];
  for (const cell of cells) {
    const own = cell.source.split("\n");
    lines.push(...own, ";"); // or a cell that starts with a bracket would go on with the last one
    for (let i = 0; i <= own.length; i++) {
      places.push({ cell, line: Math.min(i + 1, own.length) });
    }
  }
  return {
    text: [...lines, "export {};", ""].join("\n"),
    placeOf: (line) => places[Math.min(line, places.length) - 1]!,
  };
}

/**
 * Type-checks notebooks as `deno check` does a module in their folder; leaves no file behind.
 *
 * @returns What is wrong, in the words of the type checker, with cells in place of the module's
 * lines; empty when all is well.
 */
export async function checkNotebooks(
  notebooks: readonly Checked[],
  signal?: AbortSignal,
): Promise<string> {
  const filled = notebooks.filter(({ cells }) => cells.length > 0);
  const byFolder = Map.groupBy(filled, ({ path }) => dirname(path));
  const reports: string[] = [];
  for (const [folder, each] of byFolder) reports.push(await checkFolder(folder, each, signal));
  return reports.filter((report) => report !== "").join("\n\n");
}

async function checkFolder(
  folder: string,
  notebooks: readonly Checked[],
  signal?: AbortSignal,
): Promise<string> {
  const modules = notebooks.map((notebook, i) => ({
    ...notebook,
    // No further dot: TypeScript would read `.d.x.ts` as declarations only.
    name: `.notebook_${Deno.pid}_${i}.ts`,
    joined: joinCells(notebook.cells),
  }));
  try {
    for (const { name, joined } of modules) {
      await Deno.writeTextFile(`${folder}/${name}`, joined.text);
    }
    const names = modules.map(({ name }) => name);
    const report = await deno(["check", "--quiet", ...names], { folder, signal });
    const broken = modules.find(({ name }) => report.includes(name));
    if (broken && report.startsWith("error: SyntaxError")) {
      return await syntaxReport(broken, signal) ?? withCells(report, modules);
    }
    return withCells(report, modules);
  } finally {
    for (const { name } of modules) {
      await Deno.remove(`${folder}/${name}`).catch(() => {}); // not written yet
    }
  }
}

/** Puts cells in the place of the lines of the modules that were checked. */
function withCells(
  report: string,
  modules: readonly (Checked & { name: string; joined: JoinedCells })[],
): string {
  return report.replaceAll(
    /file:\/\/\S*\/(\.notebook_\d+_\d+\.ts)(?::(\d+):(\d+))?/g,
    (url, name, line, column) => {
      const module = modules.find((module) => module.name === name);
      if (!module) return url;
      if (line === undefined) return module.path;
      const place = module.joined.placeOf(Number(line));
      return `${nameOf(module.path, place.cell)}, line ${place.line}, column ${column}`;
    },
  );
}

/**
 * The syntax error of the first cell that has one on its own: in the joined module a bracket that is
 * never closed shows only at the end.
 */
async function syntaxReport(
  { path, cells }: Checked,
  signal?: AbortSignal,
): Promise<string | undefined> {
  for (const cell of cells) {
    const report = await deno(["fmt", "--quiet", "--ext", "ts", "-"], {
      folder: dirname(path),
      input: cell.source,
      signal,
    });
    if (report === "") continue;
    return report.replaceAll(
      /file:\/\/\S*:(\d+):(\d+)/g,
      (_, line, column) => `${nameOf(path, cell)}, line ${line}, column ${column}`,
    );
  }
}

/** Runs a command of Deno; returns what it complains of, empty when it is content. */
async function deno(
  args: string[],
  { folder, input = "", signal }: { folder: string; input?: string; signal?: AbortSignal },
): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args,
    cwd: folder,
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0" },
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
    signal,
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {}); // it may not read
  await writer.close().catch(() => {});
  const { success, stderr } = await process.output();
  signal?.throwIfAborted();
  if (success) return "";
  const report = new TextDecoder().decode(stderr);
  return report.replace(/(\n*Found \d+ errors\.)?\s*(error: Type checking failed\.)?\s*$/, "");
}
