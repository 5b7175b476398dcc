import { assertEquals, assertRejects } from "@std/assert";
import { readQuestions } from "../../lib/data/files.ts";
import { type ColumnType, openParquet, writeParquet } from "../../lib/data/parquet.ts";
import { binaryReward, questionsOf } from "../../lib/data/question.ts";
import type { Row } from "../../lib/data/table.ts";

/** Runs `body` in a folder that is gone afterwards. */
async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    return await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function rowsOf(path: string): Promise<Row[]> {
  return await Array.fromAsync((await openParquet(path)).rows());
}

async function roundTrip(type: ColumnType, values: readonly unknown[]): Promise<unknown[]> {
  return await inFolder(async (folder) => {
    await writeParquet(`${folder}/a.parquet`, [{ name: "x", type, values }]);
    return (await rowsOf(`${folder}/a.parquet`)).map(({ fields }) =>
      (fields as Record<string, unknown>)["x"]
    );
  });
}

Deno.test("writeParquet() and openParquet() keep every type and its nulls", async () => {
  const cases: [ColumnType, unknown[]][] = [
    ["text", ["a", "", "é\n", null]],
    ["whole", [0, -7, Number.MAX_SAFE_INTEGER, null]],
    ["number", [0.1, -1e300, null]],
    ["boolean", [true, false, null]],
    [{ list: "text" }, [["a", null, "b"], null]],
    [{ fields: { a: "whole", b: { list: "number" } } }, [{ a: 1, b: [0.5] }, { a: null, b: null }]],
    [{ list: { fields: { a: "text" } } }, [[{ a: "x" }, { a: null }]]],
  ];
  for (const [type, values] of cases) assertEquals(await roundTrip(type, values), values);
});

Deno.test("openParquet() reads several row groups in order, rows numbered through", async () => {
  const values = Array.from({ length: 2500 }, (_, i) => i); // groups of 1000 and 1500
  await inFolder(async (folder) => {
    await writeParquet(`${folder}/a.parquet`, [{ name: "x", type: "whole", values }]);
    const rows = await rowsOf(`${folder}/a.parquet`);
    assertEquals(rows.map(({ number }) => number), values.map((i) => i + 1));
    assertEquals(rows[1700], { number: 1701, fields: { x: 1700 } });
  });
});

/**
 * `pyarrow.parquet.write_table(pyarrow.table({"question": ["a", "b"], "answer": [2**60, 3],
 * "tags": [["x"], None]}), path, compression=...)` of pyarrow 26.0.1, less its Arrow schema
 * (`store_schema=False`), statistics (`write_statistics=False`) and dictionaries
 * (`use_dictionary=False`), in base64.
 */
const PYARROW: Readonly<Record<string, string>> = {
  snappy: "UEFSMRUAFSAVJCwVBBUAFQYVBhwAAAAQPAIAAAAEAQEAAABhAQAAAGIVABUsFTAsFQQVABUGFQYcAAAAFlQC" +
    "AAAABAEAAAAAAAAAEAMAAAAAAAAAFQAVJBUoLBUEFQAVBhUGHAAAABJEAgAAAAQAAwAAAAMDAAEAAAB4FQQZ" +
    "bDUAGAZzY2hlbWEVBgAVDCUCGAhxdWVzdGlvbiUATBwAAAAVBCUCGAZhbnN3ZXIANQIYBHRhZ3MVAhUGTDwA" +
    "AAA1BBgEbGlzdBUCABUMJQIYB2VsZW1lbnQlAEwcAAAAFgQZHBk8JgAcFQwZJQYAGRgIcXVlc3Rpb24VAhYE" +
    "FkYWSiYISRwVABUAFQIAPBYEGQYZJgAEAAAAJgAcFQQZJQYAGRgGYW5zd2VyFQIWBBZSFlYmUkkcFQAVABUC" +
    "ADwpBhkmAAQAAAAmABwVDBklBgAZOAR0YWdzBGxpc3QHZWxlbWVudBUCFgQWShZOJqgBSRwVABUAFQIAPBYC" +
    "GSYEABlGAgAAAgAAABbiARYEJggW7gEAKCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRk8HAAA" +
    "HAAAHAAAAEUBAABQQVIx",
  zstd: "UEFSMRUAFSAVMiwVBBUAFQYVBhwAAAAotS/9IBCBAAACAAAABAEBAAAAYQEAAABiFQAVLBU+LBUEFQAVBhUG" +
    "HAAAACi1L/0gFrEAAAIAAAAEAQAAAAAAAAAQAwAAAAAAAAAVABUkFTYsFQQVABUGFQYcAAAAKLUv/SASkQAA" +
    "AgAAAAQAAwAAAAMDAAEAAAB4FQQZbDUAGAZzY2hlbWEVBgAVDCUCGAhxdWVzdGlvbiUATBwAAAAVBCUCGAZh" +
    "bnN3ZXIANQIYBHRhZ3MVAhUGTDwAAAA1BBgEbGlzdBUCABUMJQIYB2VsZW1lbnQlAEwcAAAAFgQZHBk8JgAc" +
    "FQwZJQYAGRgIcXVlc3Rpb24VDBYEFkYWWCYISRwVABUAFQIAPBYEGQYZJgAEAAAAJgAcFQQZJQYAGRgGYW5z" +
    "d2VyFQwWBBZSFmQmYEkcFQAVABUCADwpBhkmAAQAAAAmABwVDBklBgAZOAR0YWdzBGxpc3QHZWxlbWVudBUM" +
    "FgQWShZcJsQBSRwVABUAFQIAPBYCGSYEABlGAgAAAgAAABbiARYEJggWmAIAKCBwYXJxdWV0LWNwcC1hcnJv" +
    "dyB2ZXJzaW9uIDI2LjAuMRk8HAAAHAAAHAAAAEUBAABQQVIx",
};

for (const [compression, base64] of Object.entries(PYARROW)) {
  Deno.test(`openParquet() reads what pyarrow packs by ${compression}`, async () => {
    await inFolder(async (folder) => {
      await Deno.writeFile(`${folder}/a.parquet`, Uint8Array.fromBase64(base64));
      assertEquals(await rowsOf(`${folder}/a.parquet`), [
        { number: 1, fields: { question: "a", answer: String(2n ** 60n), tags: ["x"] } },
        { number: 2, fields: { question: "b", answer: 3, tags: null } },
      ]);
      const dataset = await readQuestions(`${folder}/a.parquet`, () => binaryReward(false));
      assertEquals(questionsOf(dataset), [
        { id: "0", prompt: "a", answer: "1152921504606846976", metadata: { tags: '["x"]' } },
        { id: "1", prompt: "b", answer: "3" },
      ]);
    });
  });
}

Deno.test("readQuestions() names row and column of a Parquet file", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/a.parquet`;
    const read = () => readQuestions(path, () => binaryReward(false));
    const question = { name: "question", type: "text", values: ["a", "b", "c"] } as const;
    const answer = { name: "answer", type: "text", values: ["1", null, "3"] } as const;

    await writeParquet(path, [question, answer]);
    await assertRejects(
      read,
      TypeError,
      "a.parquet:row 2:answer as it must be text: current value is null",
    );

    await writeParquet(path, [question]);
    await assertRejects(
      read,
      TypeError,
      'a.parquet:answer as the header must name this column: current value is "question"',
    );

    const id = { name: "id", type: "whole", values: [1, 2, 1] } as const;
    await writeParquet(path, [question, { ...answer, values: ["1", "2", "3"] }, id]);
    await assertRejects(
      read,
      RangeError,
      'a.parquet:row 3:id as ids must differ: current value is "1", as on row 1',
    );
  });
});

Deno.test("openParquet() rejects what is no Parquet file, or is cut off or damaged", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/a.parquet`;
    for (const text of ["", "PAR1", "question,answer\na,1\n"]) {
      await Deno.writeTextFile(path, text);
      await assertRejects(() => openParquet(path), SyntaxError, "a.parquet as it must be Parquet");
    }
    await writeParquet(path, [{ name: "x", type: "text", values: ["a".repeat(99), "b"] }]);
    const bytes = await Deno.readFile(path);
    await Deno.writeFile(path, bytes.subarray(0, -9));
    await assertRejects(() => openParquet(path), SyntaxError, "a.parquet as it must be Parquet");
    await Deno.writeFile(path, bytes.fill(255, 4, 40)); // the first page
    await assertRejects(() => rowsOf(path), SyntaxError, "a.parquet:row 1 as it must be Parquet");
  });
});
