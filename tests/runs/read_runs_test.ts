import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { flatSettings, openRuns, type RunView } from "../../lib/runs/read_runs.ts";

/** A run's files by name; a text as it is, anything else as JSON. */
type Files = Readonly<Record<string, unknown>>;

/** A folder of runs for a test, and what looks at it. */
async function withRuns(
  runs: Readonly<Record<string, Files>>,
  body: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, files] of Object.entries(runs)) await writeFiles(`${folder}/${name}`, files);
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function writeFiles(folder: string, files: Files): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
}

const config = (steps: number) => ({
  settings: { method: "relift", config: { seed: 3, steps, clip: { low: 0.2 } } },
  preset: "relift",
});

const lines = (...records: readonly Readonly<Record<string, unknown>>[]): string =>
  records.map((record) => JSON.stringify(record) + "\n").join("");

const TWO = lines({ step: 0, accuracy: 0.25 }, { step: 1, accuracy: 0.5 });

/** The only run of a folder. */
async function only(folder: string, now?: () => number): Promise<RunView> {
  const runs = await openRuns(folder, { now }).list();
  assertEquals(runs.length, 1);
  return runs[0]!;
}

Deno.test("list() tells what a run is and where it stands", async () => {
  const files = {
    "config.json": config(2),
    "metrics.jsonl": TWO,
    "samples.jsonl": "",
    "evaluation.json": { after: { average: { mean: 0.75 } } },
  };
  await withRuns({ a: files }, async (folder) => {
    const { written, ...run } = await only(folder);
    assert(Math.abs(Date.now() - written) < 60_000);
    assertEquals(run, {
      name: "a",
      status: "finished",
      step: 2,
      steps: 2,
      accuracy: 0.5,
      evaluated: 0.75,
      settings: { "method": "relift", "seed": 3, "steps": 2, "clip.low": 0.2, "preset": "relift" },
      metrics: ["step", "accuracy"],
      sampled: true,
      faults: [],
    });
  });
});

Deno.test("list() takes a run for stopped after a minute, or after three of its steps", async () => {
  const quick = lines({ step: 0, "time/step_s": 1 }), slow = lines({ step: 0, "time/step_s": 100 });
  for (const [metrics, patience] of [[quick, 60], [slow, 300]] as const) {
    await withRuns(
      { a: { "config.json": config(9), "metrics.jsonl": metrics } },
      async (folder) => {
        const { written } = await only(folder);
        const statusAfter = async (seconds: number) =>
          (await only(folder, () => written + 1000 * seconds)).status;
        assertEquals(await statusAfter(patience - 1), "running");
        assertEquals(await statusAfter(patience), "stopped");
      },
    );
  }
});

Deno.test("list() names what is wrong with a run's settings, and shows the rest of it", async () => {
  const garbled = {
    "config.json is missing": undefined,
    "config.json is not JSON": '{"settings": {"me',
    "config.json is not an object": "[1]",
  };
  for (const [fault, text] of Object.entries(garbled)) {
    const files = { "metrics.jsonl": TWO, ...text === undefined ? {} : { "config.json": text } };
    await withRuns({ a: files }, async (folder) => {
      const { faults, settings, step, steps, accuracy } = await only(folder);
      assertEquals({ faults, settings, step, steps, accuracy }, {
        faults: [fault],
        settings: {},
        step: 2,
        steps: null,
        accuracy: 0.5,
      });
    });
  }
});

Deno.test("list() tells a file it cannot read, for a folder in its place", async () => {
  await withRuns({ a: { "config.json": config(2) } }, async (folder) => {
    await Deno.mkdir(`${folder}/a/metrics.jsonl`);
    const { faults: [fault, ...others], step } = await only(folder);
    assert(fault?.startsWith("metrics.jsonl cannot be read: "));
    assertEquals([others, step], [[], 0]);
  });
});

Deno.test("list() passes over files, other folders, and a folder that is not there", async () => {
  await withRuns(
    { strata: { "a.json": {} }, fresh: { "config.json": config(2) } },
    async (folder) => {
      await Deno.writeTextFile(`${folder}/note.txt`, "");
      const { name, step, status } = await only(folder);
      assertEquals([name, step, status], ["fresh", 0, "running"]);
      assertEquals(await openRuns(`${folder}/none`).list(), []);
    },
  );
});

Deno.test("list() reads the end of long metrics, where the first line it sees is cut", async () => {
  const records = Array.from(
    { length: 1500 },
    (_, step) => ({ step, accuracy: step / 2000, note: "é".repeat(30) }),
  );
  await withRuns(
    { a: { "config.json": config(2000), "metrics.jsonl": lines(...records) } },
    async (folder) => {
      const { step, accuracy, faults } = await only(folder);
      assertEquals([step, accuracy, faults], [1500, 1499 / 2000, []]);
    },
  );
});

Deno.test("series() leaves out a last line cut off, until it is whole", async () => {
  const [first, second] = TWO.trimEnd().split("\n") as [string, string];
  await withRuns({ a: { "metrics.jsonl": `${first}\n${second.slice(0, 15)}` } }, async (folder) => {
    const runs = openRuns(folder);
    const torn = await runs.series("a");
    assertEquals(torn.columns.get("accuracy"), [0.25]);
    assertEquals(torn.faults, ["metrics.jsonl ends in a line cut off"]);

    await Deno.writeTextFile(`${folder}/a/metrics.jsonl`, TWO);
    const whole = await runs.series("a");
    assertEquals(whole.columns.get("accuracy"), [0.25, 0.5]);
    assertEquals([whole.faults, whole.generation], [[], torn.generation]);
  });
});

Deno.test("series() leaves out lines that are no records, and tells the first", async () => {
  const text = `${lines({ step: 0 })}{"st\n[1]\n\n${
    lines({ step: 0 }, { accuracy: 1 }, { step: 1 })
  }`;
  await withRuns({ a: { "config.json": config(2), "metrics.jsonl": text } }, async (folder) => {
    const runs = openRuns(folder);
    const { columns, faults } = await runs.series("a");
    assertEquals(columns.get("step"), [0, 1]);
    assertEquals(faults, ["metrics.jsonl:2 is no record, nor are 3 others: left out"]);
    assertEquals((await runs.list())[0]?.faults, faults); // known once they were read
  });
});

Deno.test("series() is NaN where a step lacks a metric, has null, or came before it", async () => {
  const text = lines({ step: 0, loss: null, note: "x" }, { step: 1, loss: 2 }, {
    step: 2,
    late: 3,
  });
  await withRuns({ a: { "metrics.jsonl": text } }, async (folder) => {
    const { columns, length } = await openRuns(folder).series("a");
    assertEquals(length, 3);
    assertEquals([...columns], [["step", [0, 1, 2]], ["loss", [NaN, 2, NaN]], ["late", [
      NaN,
      NaN,
      3,
    ]]]);
  });
});

Deno.test("series() keeps its generation while a run grows, and changes it when steps are made again", async () => {
  await withRuns({ a: { "metrics.jsonl": TWO } }, async (folder) => {
    const runs = openRuns(folder);
    const read = () => runs.series("a");
    const replace = async (text: string) => {
      await Deno.writeTextFile(`${folder}/new`, text);
      await Deno.rename(`${folder}/new`, `${folder}/a/metrics.jsonl`); // as a run does
      return await read();
    };
    const before = await read();
    assertEquals(await read(), before);

    const grown = await replace(TWO + lines({ step: 2, accuracy: 0.75, late: 1 }));
    assertEquals(grown.generation, before.generation);
    assertEquals(grown.columns.get("accuracy"), [0.25, 0.5, 0.75]);
    assertEquals(grown.columns.get("late"), [NaN, NaN, 1]);
    assertEquals(before.length, 2); // who holds it sees no change

    const cut = await replace(lines({ step: 0, accuracy: 0.25 }));
    assertNotEquals(cut.generation, grown.generation);
    assertEquals(cut.columns.get("accuracy"), [0.25]);

    const other = await replace(lines({ step: 0, accuracy: 0.35 })); // of the same length
    assertEquals(other.columns.get("accuracy"), [0.35]);
  });
});

Deno.test("series() reads metrics.csv where there is no metrics.jsonl", async () => {
  const csv = "step,accuracy,loss\r\n0,0.25,\r\n1,0.5,1e-3\r\n";
  await withRuns(
    { a: { "config.json": config(2), "metrics.csv": csv + "2,0.6" } },
    async (folder) => {
      const runs = openRuns(folder);
      const [run] = await runs.list();
      assertEquals([run?.step, run?.accuracy, run?.status], [2, 0.5, "finished"]);
      assertEquals(run?.faults, ["metrics.csv ends in a line cut off"]);
      assertEquals((await runs.series("a")).columns.get("loss"), [NaN, 0.001]);

      await Deno.writeTextFile(`${folder}/a/metrics.csv`, csv + '1,"\r\n');
      const { length, faults: [fault] } = await runs.series("a");
      assertEquals(length, 0);
      assert(fault?.startsWith("metrics.csv is no table: "));
    },
  );
});

Deno.test("samples() reads what is whole, and tells the rest", async () => {
  const sample = {
    step: 4,
    question: "q1",
    prompt: "1+1:",
    answer: "2",
    completion: "<answer>2</answer>",
    tokens: 7,
    finishReason: "stop",
    reward: 1,
    parts: { format: 1 },
  };
  const text = `${lines({ ...sample, correct: true })}garbled\n${lines({ step: 5 })}{"step":6,"que`;
  await withRuns(
    { a: { "samples.jsonl": text }, b: { "config.json": config(2) } },
    async (folder) => {
      const runs = openRuns(folder);
      const { samples, faults } = await runs.samples("a");
      assertEquals(samples[0], { ...sample, right: true });
      const unknown = { question: "", prompt: "", answer: "", completion: "", finishReason: "" };
      assertEquals(samples.slice(1), [
        { step: 5, ...unknown, tokens: null, reward: null, parts: {}, right: null },
      ]);
      assertEquals(faults, [
        "samples.jsonl:2 is no sample: left out",
        "samples.jsonl ends in a line cut off",
      ]);
      assertEquals(await runs.samples("b"), { samples: [], faults: [] });
    },
  );
});

Deno.test("series() and samples() refuse a name that leads elsewhere", async () => {
  await withRuns({ a: { "metrics.jsonl": TWO } }, async (folder) => {
    const runs = openRuns(`${folder}/a`);
    for (const name of ["", ".", "..", "../a", "a/..", "..\\a", "a\0"]) {
      await assertRejects(() => runs.series(name), RangeError, "must be a folder's");
      await assertRejects(() => runs.samples(name), RangeError, "must be a folder's");
    }
  });
});

Deno.test("flatSettings() names settings by their paths, and keeps lists whole", () => {
  assertEquals(
    flatSettings({
      settings: { method: "sft", config: { seed: 1, adamw: { beta1: 0.9 }, clip: null } },
      device: { name: "cpu" },
      order: [1, [2]],
    }),
    {
      "method": "sft",
      "seed": 1,
      "adamw.beta1": 0.9,
      "clip": null,
      "device.name": "cpu",
      "order": "[1,[2]]",
    },
  );
});
