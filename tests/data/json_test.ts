import { assert, assertEquals, assertRejects } from "@std/assert";
import { openJsonArray, openJsonLines } from "../../lib/data/json.ts";
import type { Row, Table } from "../../lib/data/table.ts";

/** The rows of a file that is gone afterwards. */
async function rowsOf(open: (path: string) => Table, text: string): Promise<Row[]> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    return await Array.fromAsync(open(path).rows());
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("openJsonLines() numbers rows by their lines", async () => {
  assertEquals(await rowsOf(openJsonLines, '\n{"a": 1}\r\n\n[2]'), [
    { number: 2, fields: { a: 1 } },
    { number: 4, fields: [2] },
  ]);
});

Deno.test("openJsonArray() numbers rows by the lines their elements begin on", async () => {
  const text = '[\n  {"a": "]\\"[,"},\n  {\n    "b": [1, {"c": 2}]\n  }, 7,\n\n"x"\n]\n';
  assertEquals(await rowsOf(openJsonArray, text), [
    { number: 2, fields: { a: ']"[,' } },
    { number: 3, fields: { b: [1, { c: 2 }] } },
    { number: 5, fields: 7 },
    { number: 7, fields: "x" },
  ]);
  assertEquals(await rowsOf(openJsonArray, "[]"), []);
  assertEquals(await rowsOf(openJsonArray, '[{"a":1},{"a":2}]'), [
    { number: 1, fields: { a: 1 } },
    { number: 1, fields: { a: 2 } },
  ]);
});

Deno.test("openJsonArray() names line and column of what is not JSON", async () => {
  const bad: [string, string][] = [
    ['[\n {"a": 1},\n {"a" 2}\n]', ":3:7 as it must be JSON"], // `2` where a colon must be
    ['[\n {"a": 1},\n]', ":3:1 as it must be JSON"],
    ['[{"a": 1}', ":1:10 as it must be JSON"],
    ['[{"a": tru}]', ":1:11 as it must be JSON"],
    ["[-]", ":1:3 as it must be JSON"],
    ['["a\nb"]', ":1:4 as it must be JSON"], // a string must not hold a bare line break
    ["[1] 2", ":1:5 as it must be JSON"],
    ["", ":1:1 as it must be JSON: current value is nothing"],
  ];
  for (const [text, place] of bad) {
    await assertRejects(() => rowsOf(openJsonArray, text), SyntaxError, place);
  }
});

Deno.test("openJsonArray() rejects a value that is no array", async () => {
  const error = await assertRejects(() => rowsOf(openJsonArray, '{"rows": []}'), TypeError);
  assert(error.message.endsWith('it must be an array of rows: current value is {"rows": []}'));
});

Deno.test("openJsonLines() reads lines longer than a block and split anywhere", async () => {
  // é is two bytes: at 300,001 bytes of text, blocks of 2^18 end inside a line and inside a letter
  const long = "é".repeat(150_000);
  const text = [`"x${long}"`, '"y"', `"${long}"`].join("\n");
  const rows = await rowsOf(openJsonLines, text);
  assertEquals(rows.map(({ number }) => number), [1, 2, 3]);
  assertEquals(rows.map(({ fields }) => fields), [`x${long}`, "y", long]);
});
