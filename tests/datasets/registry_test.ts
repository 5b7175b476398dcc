import { assert, assertEquals, assertRejects } from "@std/assert";
import { PROTOCOLS } from "../../datasets/protocols.ts";
import { openCheckedDataset, openDataset } from "../../datasets/registry.ts";
import { questionsOf, type Split } from "../../lib/data/question.ts";
import { sharedPath, testWith } from "../_shared.ts";

/** Where published sets look for their files, and which shared file that is. */
const FILES: Readonly<Record<string, string>> = {
  "gsm8k/train.jsonl": "gsm8k_train.jsonl",
  "gsm8k/test.jsonl": "gsm8k_test.jsonl",
  "math-500/test.jsonl": "math500.jsonl",
  "aime24/test.jsonl": "aime24.jsonl",
  "aime25/valid.parquet": "relift_valid.parquet",
  "amc/valid.parquet": "relift_valid.parquet",
  "olympiadbench/test.jsonl": "olympiadbench.jsonl",
  "aime-1983-2023/aime.json": "aime_1983_2023.json",
  "relift-valid/valid.parquet": "relift_valid.parquet",
};

/** Runs `body` with a folder of downloads, made of links, that is gone afterwards. */
async function withDownloads(body: (downloads: string) => Promise<void>): Promise<void> {
  const downloads = await Deno.makeTempDir();
  try {
    for (const [path, shared] of Object.entries(FILES)) {
      const target = sharedPath(`data/${shared}`);
      if (target === undefined) continue;
      await Deno.mkdir(`${downloads}/${path.split("/")[0]}`, { recursive: true });
      await Deno.symlink(await Deno.realPath(target), `${downloads}/${path}`);
    }
    await body(downloads);
  } finally {
    await Deno.remove(downloads, { recursive: true });
  }
}

Deno.test("openDataset() makes the splits of built-in families", async () => {
  assertEquals((await openDataset("operators")).name, "operators-mixed-train");
  const held = await openDataset("operators", "validation");
  assertEquals([held.name, held.size], ["operators-mixed-validation", 240]);
});

Deno.test("openDataset() grades a file of one's own by the answer, whatever its spelling", async () => {
  const path = await Deno.makeTempFile({ suffix: ".csv" });
  await Deno.writeTextFile(path, "question,answer\nHalf of 1?,\\frac{1}{2}\n");
  try {
    for (const split of ["train", "validation", "ood"] as const) {
      const dataset = await openDataset(path, split);
      const question = dataset.question(0);
      for (const right of ["so \\boxed{0.5}", "1/2#1/2", "The answer is $\\frac12$."]) {
        assert((await dataset.reward(question, right)).correct, right);
      }
      for (const wrong of ["so \\boxed{2}", "1/2#2", ""]) {
        assertEquals((await dataset.reward(question, wrong)).total, 0, wrong);
      }
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("openDataset() says in one line what a missing set takes", async () => {
  const error = await assertRejects(
    () => openDataset("gsm8k", "train", { downloads: "nowhere" }),
    RangeError,
    "Cannot open gsm8k as nowhere/gsm8k/train.jsonl must be there: current value is no file; " +
      "deno task fetch data gsm8k brings it, or place grade_school_math/data/train.jsonl of " +
      "openai/grade-school-math@3101c7d",
  );
  assert(!error.message.includes("\n"));
  await assertRejects(
    () => openDataset("mmlu-pro", "validation", { downloads: "nowhere" }),
    RangeError,
    "or place data/test-00000-of-00001.parquet of TIGER-Lab/MMLU-Pro@",
  );
});

Deno.test("openDataset() rejects an unknown name and a split that a set has not", async () => {
  await assertRejects(() => openDataset("gsm9k"), RangeError, "math-500");
  await assertRejects(
    () => openDataset("math-500", "train"),
    RangeError,
    "Cannot open math-500 as its split must be validation: current value is train",
  );
});

testWith("openDataset() opens published sets by name and split", {
  gsm8k: sharedPath("data/gsm8k_train.jsonl"),
  valid: sharedPath("data/relift_valid.parquet"),
}, async () => {
  await withDownloads(async (downloads) => {
    const cases: [string, Split, string, number][] = [
      ["gsm8k", "train", "gsm8k-train", 7473],
      ["gsm8k", "validation", "gsm8k-validation", 1319],
      ["gsm8k", "ood", "math-500-validation", 500],
      ["aime-1983-2023", "train", "aime-1983-2023-train", 975],
      ["aime-1983-2023", "validation", "aime24-validation", 30],
      ["openr1-math-46k-8192", "validation", "relift-valid-validation", 1987],
    ];
    for (const [name, split, named, size] of cases) {
      const dataset = await openDataset(name, split, { downloads });
      assertEquals([dataset.name, dataset.size], [named, size]);
    }
  });
});

testWith("openDataset() opens the paper's benchmarks with as many questions as it says", {
  math: sharedPath("data/math500.jsonl"),
  valid: sharedPath("data/relift_valid.parquet"),
}, async () => {
  await withDownloads(async (downloads) => {
    for (
      const { dataset, questions } of PROTOCOLS.filter(({ dataset }) => dataset !== "mmlu-pro")
    ) {
      const opened = await openDataset(dataset, "validation", { downloads });
      assertEquals([dataset, opened.size], [dataset, questions]);
      assertEquals(new Set(questionsOf(opened).map(({ prompt }) => prompt)).size, questions);
    }
  });
});

Deno.test("openCheckedDataset() takes a built-in family as it is", async () => {
  const { dropped, report, dataset } = await openCheckedDataset("countdown", "ood");
  assertEquals([dropped, report, dataset.size], [[], [], 240]);
});
