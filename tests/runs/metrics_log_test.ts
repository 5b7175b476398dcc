import { assert, assertEquals, assertRejects } from "@std/assert";
import { parse } from "@std/csv";
import { openMetricsLog } from "../../lib/runs/metrics_log.ts";

/** Runs a test in a folder of its own and removes it. */
async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const jsonl = (folder: string): Promise<string> => Deno.readTextFile(`${folder}/metrics.jsonl`);
const csv = (folder: string): Promise<string> => Deno.readTextFile(`${folder}/metrics.csv`);

Deno.test("openMetricsLog() of a folder without metrics is empty and writes nothing", async () => {
  await inFolder(async (folder) => {
    const log = await openMetricsLog(folder);
    assertEquals(log.records, []);
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("append() writes a line of JSON and a row of the table", async () => {
  await inFolder(async (folder) => {
    const log = await openMetricsLog(folder);
    await log.append({ step: 0, accuracy: 0.25 });
    await log.append({ step: 1, accuracy: 0.5, note: `a "b", c` });
    assertEquals(
      await jsonl(folder),
      `{"step":0,"accuracy":0.25}\n{"step":1,"accuracy":0.5,"note":"a \\"b\\", c"}\n`,
    );
    assertEquals(await csv(folder), `step,accuracy,note\r\n0,0.25,\r\n1,0.5,"a ""b"", c"\r\n`);
    assertEquals([...Deno.readDirSync(folder)].length, 2);
  });
});

Deno.test("append() keeps columns in the order they first appear", async () => {
  await inFolder(async (folder) => {
    const log = await openMetricsLog(folder);
    await log.append({ step: 0, b: 1 });
    await log.append({ c: 2, a: 3, step: 1 });
    const [header, ...rows] = parse(await csv(folder));
    assertEquals(header, ["step", "b", "c", "a"]);
    assertEquals(rows, [["0", "1", "", ""], ["1", "", "2", "3"]]);
  });
});

Deno.test("append() stores what JSON has no number for as null and an empty cell", async () => {
  await inFolder(async (folder) => {
    const log = await openMetricsLog(folder);
    await log.append({ step: 0, a: NaN, b: undefined, c: null, d: Infinity, e: -Infinity, f: "" });
    const stored = { step: 0, a: null, b: null, c: null, d: null, e: null, f: "" };
    assertEquals(log.records, [stored]); // in memory as on disk
    assertEquals((await openMetricsLog(folder)).records, [stored]);
    assertEquals(await csv(folder), "step,a,b,c,d,e,f\r\n0,,,,,,\r\n");
  });
});

Deno.test("openMetricsLog() reads back the very bits of each number", async () => {
  const numbers = [0.1, 1 / 3, -0, 5e-324, Number.MAX_VALUE, 2 ** 53 - 1, 1e21, -1.5e-7, Math.PI];
  await inFolder(async (folder) => {
    const log = await openMetricsLog(folder);
    await log.append(Object.fromEntries([["step", 0], ...numbers.map((n, i) => [`n${i}`, n])]));
    const { records } = await openMetricsLog(folder);
    numbers.forEach((n, i) => assert(Object.is(records[0]![`n${i}`], n), String(n)));
    const lines = await jsonl(folder);
    await (await openMetricsLog(folder)).truncateTo(0);
    assertEquals(await jsonl(folder), lines); // and writes the same bytes again
  });
});

Deno.test("openMetricsLog() takes names that objects have a meaning for", async () => {
  await inFolder(async (folder) => {
    const log = await openMetricsLog(folder);
    await log.append(Object.fromEntries([["step", 0], ["__proto__", 1], ["constructor", 2]]));
    const { records } = await openMetricsLog(folder);
    assertEquals(Object.entries(records[0]!), [["step", 0], ["__proto__", 1], ["constructor", 2]]);
  });
});

Deno.test("append() after reopening gives the files of a run that never stopped", async () => {
  const record = (step: number): Record<string, number | undefined> => ({
    step,
    loss: 1 / (step + 3),
    sftLoss: step === 1 ? 0.5 : undefined,
    ...(step === 2 ? { evaluation: 0.75 } : {}),
  });
  await inFolder(async (whole) => {
    const log = await openMetricsLog(whole);
    for (let step = 0; step < 4; step++) await log.append(record(step));
    await inFolder(async (stopped) => {
      const first = await openMetricsLog(stopped);
      for (let step = 0; step < 3; step++) await first.append(record(step));
      const resumed = await openMetricsLog(stopped); // from a checkpoint of step 1
      assertEquals(await resumed.truncateTo(1), 1);
      for (let step = 2; step < 4; step++) await resumed.append(record(step));
      assertEquals(await jsonl(stopped), await jsonl(whole));
      assertEquals(await csv(stopped), await csv(whole));
    });
  });
});

Deno.test("append() rejects steps that do not increase and values that are not flat", async () => {
  await inFolder(async (folder) => {
    const log = await openMetricsLog(folder);
    await log.append({ step: 4 });
    for (const step of [4, 3]) {
      await assertRejects(
        () => log.append({ step }),
        RangeError,
        `step must be past the last, 4: current value is ${step}`,
      );
    }
    await assertRejects(() => log.append({ loss: 1 }), RangeError, "current value is undefined");
    await assertRejects(() => log.append({ step: 5.5 }), RangeError, "current value is 5.5");
    await assertRejects(() => log.append({ step: NaN }), RangeError, "step must be a whole number");
    await assertRejects(
      () => log.append({ step: 5, parts: { a: 1 } as unknown as number }),
      RangeError,
      `parts must be a number, a text or null: current value is {"a":1}`,
    );
    assertEquals(log.records, [{ step: 4 }]);
    assertEquals(await jsonl(folder), `{"step":4}\n`);
  });
});

Deno.test("append() that failed to write can be tried again", async () => {
  await inFolder(async (folder) => {
    const log = await openMetricsLog(`${folder}/run`);
    await assertRejects(() => log.append({ step: 0 }), Error, "Cannot write");
    assertEquals(log.records, []);
    await Deno.mkdir(`${folder}/run`);
    await log.append({ step: 0 });
    assertEquals(log.records, [{ step: 0 }]);
  });
});

Deno.test("truncateTo() drops the records after a step", async () => {
  await inFolder(async (folder) => {
    const log = await openMetricsLog(folder);
    for (const step of [0, 5, 10]) await log.append({ step });
    assertEquals(await log.truncateTo(10), 0);
    assertEquals(await log.truncateTo(7), 1);
    assertEquals(await csv(folder), "step\r\n0\r\n5\r\n");
    assertEquals(await log.truncateTo(-1), 2);
    assertEquals([await jsonl(folder), await csv(folder)], ["", ""]);
    assertEquals((await openMetricsLog(folder)).records, []);
  });
});

Deno.test("openMetricsLog() drops and reports a last line cut short, wherever it was cut", async () => {
  const last = `{"step":1,"loss":0.5}`;
  for (let length = 0; length <= last.length; length++) {
    await inFolder(async (folder) => {
      await Deno.writeTextFile(
        `${folder}/metrics.jsonl`,
        `{"step":0,"loss":1}\n${last.slice(0, length)}`,
      );
      const log = await openMetricsLog(folder);
      const whole = length === last.length; // only its line end is missing
      assertEquals(log.records.length, whole ? 2 : 1);
      assertEquals(log.tornLine, whole || length === 0 ? undefined : last.slice(0, length));
      await log.append({ step: 2, loss: 0.25 });
      const reopened = await openMetricsLog(folder);
      assertEquals(reopened.tornLine, undefined);
      assertEquals(reopened.records.at(-1), { step: 2, loss: 0.25 });
    });
  }
});

Deno.test("openMetricsLog() names the file and the line that is corrupt", async () => {
  const cases: [string, string][] = [
    [`{"step":0}\n{"ste\n{"step":2}\n`, ":2 must be JSON"],
    [`{"step":0}\n{"step":1,"a":[1]}\n{"step":2}\n`, ":2 as a must be a number, a text or null"],
    [`{"step":0}\n\n{"step":0}\n`, ":3 as step must be past the last, 0: current value is 0"],
    [`{"loss":0}\n`, ":1 as step must be a whole number >= 0: current value is undefined"],
    [`42\n`, ":1 as a record must be an object: current value is 42"],
    [`[{"step":0}]\n`, ":1 as a record must be an object"],
  ];
  for (const [text, message] of cases) {
    await inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/metrics.jsonl`, text);
      await assertRejects(
        () => openMetricsLog(folder),
        SyntaxError,
        `${folder}/metrics.jsonl${message}`,
      );
    });
  }
});
