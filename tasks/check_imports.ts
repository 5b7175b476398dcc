/**
 * Keeps imports one-way: `lib/` reads top to bottom, datasets stand on the seam, and commands on
 * the public names.
 *
 * @module
 */
// deno-lint-ignore-file no-console

/** What `lib/` holds, in the order data flows; each imports only itself and those before it. */
export const LIB_ORDER: readonly string[] = [
  "random.ts",
  "files.ts",
  "fetch/",
  "compute/",
  "data/",
  "text/",
  "model/",
  "rollout/",
  "grading/",
  "objectives/",
  "optim/",
  "methods/",
  "evaluation/",
  "runs/",
  "teacher/",
  "figures/",
];

/** One import of one file of the project by another; paths from the root, with `/`. */
export interface Import {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly target: string;
}

/**
 * Lists the imports that break a rule, those of `lib/` that close a cycle among them.
 *
 * @param imports Of all files; imports of packages left out.
 * @returns A line for each, empty when all is well.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { violations } from "./check_imports.ts";
 *
 * assert.deepEqual(
 *   violations([{ file: "lib/data/csv.ts", line: 3, target: "lib/model/policy.ts" }]),
 *   ["lib/data/csv.ts:3 imports lib/model/policy.ts: in lib/, data/ comes before model/"],
 * );
 * ```
 */
export function violations(imports: readonly Import[]): string[] {
  return [
    ...imports.map((each) => ({
      ...each,
      why: whyNot(each.file, each.target),
    })),
    ...cyclesIn(imports.filter(({ file, target }) => isInLib(file) && isInLib(target))),
  ].flatMap(({ file, line, target, why }) =>
    why === undefined ? [] : [`${file}:${line} imports ${target}: ${why}`]
  );
}

/** The rule that `file` importing `target` breaks, if any. */
function whyNot(file: string, target: string): string | undefined {
  const isUnder = (...allowed: string[]) => allowed.some((path) => target.startsWith(path));
  if (isInLib(file)) {
    if (target === "deno.json") return;
    if (!isInLib(target)) return "lib/ imports only lib/ and packages";
    const [from, to] = [partOf(file), partOf(target)];
    const stranger = [from, to].find((part) => !LIB_ORDER.includes(part));
    if (stranger !== undefined) {
      return `${stranger} has no place yet in the order of lib/`;
    }
    const isBackward = LIB_ORDER.indexOf(from) < LIB_ORDER.indexOf(to);
    return isBackward ? `in lib/, ${from} comes before ${to}` : undefined;
  }
  if (file.startsWith("datasets/")) {
    const isAllowed = target === "lib/random.ts" ||
      isUnder("lib/data/", "lib/grading/", "datasets/");
    return isAllowed
      ? undefined
      : "datasets/ imports only lib/random.ts, lib/data/, lib/grading/ and itself";
  }
  if (file.startsWith("tasks/")) {
    const isAllowed = target === "mod.ts" || isUnder("tasks/_");
    return isAllowed ? undefined : "tasks/ imports only mod.ts and tasks/_*.ts";
  }
}

function isInLib(path: string): boolean {
  return path.startsWith("lib/");
}

/** `lib/data/csv.ts` to `data/`, `lib/random.ts` to `random.ts`. */
function partOf(path: string): string {
  return /^lib\/([^/]+\/?)/.exec(path)![1]!;
}

/** The imports that close a cycle, in depth-first order: without them there is none. */
function cyclesIn(imports: readonly Import[]): (Import & { why: string })[] {
  const importsOf = Map.groupBy(imports, ({ file }) => file);
  const closing: (Import & { why: string })[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (done.has(file)) return;
    for (const each of importsOf.get(file) ?? []) {
      const start = [...path, file].indexOf(each.target);
      if (start < 0) visit(each.target, [...path, file]);
      else {
        const cycle = [...path, file].slice(start);
        closing.push({ ...each, why: `closes the cycle ${[...cycle, each.target].join(" -> ")}` });
      }
    }
    done.add(file);
  };
  for (const file of importsOf.keys()) visit(file, []);
  return closing;
}

/**
 * Reads the imports of `mod.ts`, `lib/`, `datasets/` and `tasks/`, type-only ones too, from the
 * module graph Deno itself resolves.
 *
 * @param root The project's root folder, ending in `/`.
 * @throws {Error} When a file cannot be read or parsed.
 */
export async function readImports(root: URL): Promise<{ files: string[]; imports: Import[] }> {
  const files = [...typescriptIn(root, "")].sort();
  const modules = new Map<string, Module>();
  for (const file of files.toReversed()) { // from the commands up: a graph holds all it reaches
    if (modules.has(file)) continue;
    for (const module of await moduleGraph(root, file)) {
      const path = pathFrom(root, module.specifier);
      if (path !== undefined) modules.set(path, module);
    }
  }
  const imports = files.flatMap((file) => {
    const { error, dependencies = [] } = modules.get(file)!;
    if (error !== undefined) throw new Error(`Cannot read the imports of ${file}: ${error}`);
    return dependencies.flatMap(({ specifier, code, type }) => {
      const resolved = code ?? type;
      const target = resolved?.specifier && pathFrom(root, resolved.specifier);
      // The packages that `links` in deno.json serves resolve to files, but are imported by name.
      const isPackage = target?.startsWith("links/") && !specifier.startsWith(".");
      if (!target || isPackage) return [];
      return [{ file, line: resolved!.span.start.line + 1, target }]; // Deno counts from 0
    });
  });
  return { files, imports };
}

/** What is read here of a module in the output of `deno info --json`. */
interface Module {
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly {
    /** As written. */
    readonly specifier: string;
    readonly code?: Resolved;
    readonly type?: Resolved;
  }[];
}

interface Resolved {
  /** Absent when it resolves to nothing, which `deno check` reports. */
  readonly specifier?: string;
  readonly span: { readonly start: { readonly line: number } };
}

async function moduleGraph(root: URL, file: string): Promise<readonly Module[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", file],
    cwd: root,
  }).output();
  if (!success) {
    throw new Error(`Cannot read the imports of ${file}: ${new TextDecoder().decode(stderr)}`);
  }
  return JSON.parse(new TextDecoder().decode(stdout)).modules;
}

/** A file's path from the root; `undefined` for packages and files elsewhere. */
function pathFrom(root: URL, specifier: string): string | undefined {
  return specifier.startsWith(root.href)
    ? decodeURIComponent(specifier.slice(root.href.length))
    : undefined;
}

function* typescriptIn(root: URL, folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder || ".", root))) {
    const isChecked = folder !== "" ||
      ["mod.ts", "lib", "datasets", "tasks"].includes(name);
    if (!isChecked) continue;
    if (isDirectory) yield* typescriptIn(root, `${folder}${name}/`);
    else if (name.endsWith(".ts")) yield `${folder}${name}`;
  }
}

if (import.meta.main) {
  const { files, imports } = await readImports(new URL("../", import.meta.url));
  const lines = violations(imports);
  if (lines.length > 0) {
    console.error(lines.join("\n"));
    Deno.exit(1);
  }
  console.log(`imports: ${files.length} files, one way`);
}
