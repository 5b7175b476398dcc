import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { type Import, readImports, violations } from "../../tasks/check_imports.ts";

/** `"a.ts > b.ts"` as an import on line 1. */
function importsOf(...pairs: string[]): Import[] {
  return pairs.map((pair) => {
    const [file, target] = pair.split(" > ") as [string, string];
    return { file, line: 1, target };
  });
}

/** What `violations()` says of one import, or nothing. */
function whyNot(pair: string): string | undefined {
  return violations(importsOf(pair))[0]?.split(": ")[1];
}

Deno.test("violations() allows lib/ its own folder and what comes before it", () => {
  const imports = importsOf(
    "lib/files.ts > lib/random.ts",
    "lib/model/policy.ts > lib/model/io/safetensors.ts",
    "lib/model/io/safetensors.ts > lib/compute/device.ts",
    "lib/figures/charts.ts > lib/runs/run.ts",
    "lib/runs/status.ts > deno.json",
  );
  assert.deepEqual(violations(imports), []);
});

Deno.test("violations() names file, line, target and reason, for an import against the order", () => {
  const imports = [{ file: "lib/random.ts", line: 3, target: "lib/files.ts" }];
  assert.deepEqual(violations(imports), [
    "lib/random.ts:3 imports lib/files.ts: in lib/, random.ts comes before files.ts",
  ]);
  assert.equal(whyNot("lib/data/a.ts > lib/text/b.ts"), "in lib/, data/ comes before text/");
});

Deno.test("violations() names a part of lib/ that has no place in the order", () => {
  const why = "utils.ts has no place yet in the order of lib/";
  assert.equal(whyNot("lib/utils.ts > lib/random.ts"), why);
  assert.equal(whyNot("lib/runs/run.ts > lib/utils.ts"), why);
});

Deno.test("violations() keeps lib/ from everything outside it", () => {
  for (const target of ["datasets/a.ts", "tasks/_a.ts", "notebooks/a.ts", "mod.ts", "tests/a.ts"]) {
    assert.equal(whyNot(`lib/runs/run.ts > ${target}`), "lib/ imports only lib/ and packages");
  }
});

Deno.test("violations() keeps datasets/ on random streams, data and grading", () => {
  for (const target of ["lib/random.ts", "lib/data/a.ts", "lib/grading/a.ts", "datasets/b.ts"]) {
    assert.equal(whyNot(`datasets/a.ts > ${target}`), undefined);
  }
  for (const target of ["lib/files.ts", "lib/model/a.ts", "mod.ts", "tasks/_a.ts"]) {
    assert.match(whyNot(`datasets/a.ts > ${target}`)!, /^datasets\/ imports only/);
  }
});

Deno.test("violations() keeps tasks/ on the public names and each other's private parts", () => {
  for (const target of ["mod.ts", "tasks/_cli.ts"]) {
    assert.equal(whyNot(`tasks/train.ts > ${target}`), undefined);
  }
  for (const target of ["lib/files.ts", "datasets/a.ts", "tasks/sample.ts", "deno.json"]) {
    assert.match(whyNot(`tasks/train.ts > ${target}`)!, /^tasks\/ imports only/);
  }
});

Deno.test("violations() leaves mod.ts free to import everything", () => {
  assert.equal(whyNot("mod.ts > datasets/a.ts"), undefined);
});

Deno.test("violations() shows each cycle inside lib/ once, where it closes", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => `lib/data/${name}.ts`);
  const imports = importsOf(`${d} > ${a}`, `${a} > ${b}`, `${b} > ${c}`, `${a} > ${c}`);
  assert.deepEqual(violations(imports), []); // two ways to c, and no way back
  assert.deepEqual(
    violations([...imports, { file: c!, line: 7, target: a! }]),
    [`${c}:7 imports ${a}: closes the cycle ${a} -> ${b} -> ${c} -> ${a}`],
  );
});

Deno.test("readImports() sees type-only, re-exporting and unreached imports, not packages", async () => {
  const folder = await Deno.makeTempDir();
  const root = new URL(`${pathToFileURL(folder).href}/`);
  const files = {
    "deno.json": `{ "links": ["./links/linked"] }`,
    "links/linked/deno.json": `{ "name": "@a/b", "version": "1.0.0", "exports": "./mod.ts" }`,
    "links/linked/mod.ts": `export {};`,
    "mod.ts": `export * from "./lib/a.ts";`,
    "lib/a.ts":
      `import "node:fs";\nimport "jsr:@a/b@^1";\nimport type { B } from "./data/b.ts";\nexport type A = B;`,
    "lib/data/b.ts": `export type B = 1;`,
    "lib/data/unreached.ts":
      `import "../../links/linked/mod.ts";\nconst { A } = await import(\n  "../a.ts"\n);`,
    "tests/a_test.ts": `import "../mod.ts";`,
  };
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(new URL("./", new URL(path, root)), { recursive: true });
      await Deno.writeTextFile(new URL(path, root), text);
    }
    assert.deepEqual(await readImports(root), {
      files: ["lib/a.ts", "lib/data/b.ts", "lib/data/unreached.ts", "mod.ts"],
      imports: [
        { file: "lib/a.ts", line: 3, target: "lib/data/b.ts" },
        { file: "lib/data/unreached.ts", line: 1, target: "links/linked/mod.ts" },
        { file: "lib/data/unreached.ts", line: 3, target: "lib/a.ts" },
        { file: "mod.ts", line: 1, target: "lib/a.ts" },
      ],
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
