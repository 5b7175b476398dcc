import { assert, assertEquals } from "@std/assert";
import { PROTOCOLS } from "../../datasets/protocols.ts";
import { PUBLISHED_DATASETS } from "../../datasets/published.ts";
import { builtInDatasets, gallery, galleryPage } from "../../tasks/gallery.ts";
import { questionsOf } from "../../lib/data/question.ts";

Deno.test("galleryPage() shows five questions of each split and escapes what tables split on", () => {
  const page = galleryPage(
    [{
      name: "odd",
      about: "Odd ones.",
      options: [{ name: "size", value: 1000, meaning: "questions" }],
      make: ({ split }) => ({
        name: "odd",
        size: 7,
        question: (index) => ({ id: `${index}`, prompt: `${split} a|b${index}\n`, answer: "1" }),
        reward: () => ({ total: 0, correct: false, parts: {} }),
      }),
    }],
    [],
    [],
  );
  assert(page.includes("| `size` | 1000    | questions |"));
  for (const split of ["train", "validation", "ood"]) {
    assertEquals(page.split(`\`${split} a\\|b`).length - 1, 5);
  }
  assert(page.includes("| `ood a\\|b4⏎` | `1`    |               |      |"));
});

Deno.test("galleryPage() shows where a published set comes from, and the paper's measure", () => {
  const page = galleryPage([], PUBLISHED_DATASETS, PROTOCOLS);
  const row = page.split("\n").find((line) => line.startsWith("| `gsm8k`") && /train/.test(line))!;
  const cells = row.split("|").map((cell) => cell.trim());
  assertEquals(cells.slice(2, 8), [
    "train",
    "7473",
    "4166206",
    "`openai/grade-school-math@3101c7d5072418e28b9008a6636bde82a006892c`",
    "`grade_school_math/data/train.jsonl`",
    "MIT",
  ]);
  assert(page.includes("those of `math-500`"));
  assert(page.includes("HF_TOKEN"));
  assert(/\| AIME 2024 +\| `aime24` +\| 30 +\| avg@32 +\| 0.6 +\| 8192 +\|/.test(page));
});

Deno.test("builtInDatasets list the defaults that their datasets have", () => {
  for (const { name, options, make } of builtInDatasets) {
    const listed = Object.fromEntries(
      options.filter(({ value }) => typeof value === "number").map((
        { name, value },
      ) => [name, value]),
    );
    assertEquals(make(listed).name, make({}).name, name);
    assertEquals(make(listed).size, make({}).size, name);
    assertEquals(make(listed).question(9), make({}).question(9), name);
  }
});

Deno.test("gallery() writes the page and 100 questions of each dataset", async () => {
  const out = await Deno.makeTempDir();
  try {
    await gallery({ out });
    assertEquals(
      await Deno.readTextFile(`${out}/GALLERY.md`),
      galleryPage(builtInDatasets, PUBLISHED_DATASETS, PROTOCOLS),
    );
    for (const { name, make } of builtInDatasets) {
      const lines = (await Deno.readTextFile(`${out}/samples/${name}.csv`)).trimEnd().split("\n");
      assertEquals(lines.length, 101);
      assert(
        questionsOf(make({ size: 5 })).every(({ prompt }, i) => lines[i + 1]!.includes(prompt)),
      );
    }
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});
