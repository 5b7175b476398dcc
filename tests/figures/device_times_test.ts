import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { deviceTimes, readBenchmark } from "../../lib/figures/device_times.ts";
import { toSvg } from "../../lib/figures/static.ts";

const row = (what: string, contender: string, ms?: number) => ({
  what,
  size: "0.8M",
  contender,
  point: { batch: 64, seq: 64 },
  ...(ms === undefined ? { error: "out of memory" } : { ms, range: [ms - 1, ms + 2] }),
});

const about = { date: "2026-01-02", commit: "0123456", machine: "a machine", seed: 1 };

/** Writes a file, runs a test on it, removes it. */
async function withFile(text: string, test: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("readBenchmark() reads the rows of all parts, without those that failed", async () => {
  const bench = {
    train: { about, rows: [row("train step", "wasm", 20), row("train step", "PyTorch")] },
    generate: { about, rows: [row("generate", "wasm", 30)] },
  };
  await withFile(JSON.stringify(bench), async (path) => {
    const [first, second, ...others] = await readBenchmark(path);
    assertEquals(first, {
      what: "train step",
      size: "0.8M",
      contender: "wasm",
      ms: 20,
      least: 19,
      most: 22,
      point: "batch 64, seq 64",
      about: "2026-01-02, commit 0123456, a machine",
    });
    assertEquals([second!.what, others.length], ["generate", 0]);
  });
});

Deno.test("readBenchmark() reads what is stored, and names a field that is wrong", async () => {
  const stored = await readBenchmark("results/bench/bench.json");
  assertEquals(stored.some(({ what }) => what === "train step"), true);
  await withFile('{"train": {"about": 1}}', async (path) => {
    await assertRejects(() => readBenchmark(path), TypeError, "train.about");
  });
});

const time = (contender: string, ms: number) => ({ contender, ms, least: ms / 2, most: 2 * ms });

Deno.test("deviceTimes() draws bars to the medians, fastest first", async () => {
  const panels = [{ title: "Step", times: [time("PyTorch", 40), time("webgpu", 8)] }];
  const figure = deviceTimes(panels, { title: "Times", subtitle: "Here." });
  const [bars, ranges] = figure.data as unknown as Record<string, number[] & string[]>[];
  assertEquals(bars!.x!.map((length, i) => length + bars!.base![i]!), [8, 40]);
  assertEquals(bars!.text, ["webgpu: 8 ms", "PyTorch: 40 ms"]);
  assertEquals(ranges!.x, [4, 16, null, 20, 80, null]);
  const svg = await toSvg(figure);
  for (const words of ["webgpu", "PyTorch", "milliseconds", "Here."]) {
    assertEquals(svg.includes(words), true, words);
  }
});

Deno.test("deviceTimes() refuses no times, and times that have no logarithm", () => {
  const options = { title: "Times", subtitle: "Here." };
  assertThrows(() => deviceTimes([], options), RangeError, "current value is none");
  const panels = [{ title: "Step", times: [{ ...time("wasm", 1), least: 0 }] }];
  assertThrows(() => deviceTimes(panels, options), RangeError, "current value is 0");
});
