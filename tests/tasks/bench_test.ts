import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { toSvg } from "../../mod.ts";
import { fitPowerLaw } from "../../tasks/_bench/fit.ts";
import { figuresOf } from "../../tasks/_bench/figures.ts";
import { type Contender, race, type Row, tokensOf } from "../../tasks/_bench/race.ts";
import type { About } from "../../tasks/_bench/results.ts";
import { llama, SIZES, stepFlops } from "../../tasks/_bench/sizes.ts";
import { page, raceTable, short, sweepsOf, table } from "../../tasks/_bench/tables.ts";

const row = (contender: string, ms: number | undefined, more: Partial<Row> = {}): Row => ({
  what: "train step",
  size: "0.8M",
  contender,
  point: { batch: 2, seq: 50 },
  tokens: 100,
  repeats: 3,
  ...(ms === undefined ? {} : { ms, range: [ms, 2 * ms] }),
  ...more,
});

const ABOUT: About = {
  date: "2026-01-02",
  commit: "abc1234",
  machine: "a machine",
  versions: { Deno: "2.9.6" },
  environment: { OMP_NUM_THREADS: "2" },
  seed: 1,
  quick: false,
};

async function bench(...args: string[]): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL("../../tasks/bench.ts", import.meta.url)), ...args],
    env: { NO_COLOR: "1" },
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("bench names the flag, for a part it does not have", async () => {
  const { code, stderr } = await bench("--only", "train,grpo");
  assertEquals(code, 2);
  assertMatch(stderr, /^error: --only must be one of train, .*: current value is "train,grpo"\n$/);
});

Deno.test("bench tells in one line that a Python is not there", async () => {
  const { code, stderr } = await bench("--quick", "--python", "/nowhere/python");
  assertEquals(code, 1);
  assertMatch(stderr, /^error: Cannot measure PyTorch as \/nowhere\/python must .*\n$/);
});

Deno.test("fitPowerLaw() finds the exponent, and less of a fit with noise", () => {
  const exact = fitPowerLaw([[1, 5], [4, 10], [16, 20]]); // 5 √n
  assertAlmostEquals(exact.exponent, 0.5);
  assertAlmostEquals(exact.scale, 5);
  assertAlmostEquals(exact.rSquared, 1);
  assert(fitPowerLaw([[1, 5], [4, 30], [16, 20]]).rSquared < 0.7);
  assertEquals(fitPowerLaw([[1, 7], [2, 7]]).exponent, 0);
});

Deno.test("stepFlops() counts what one token of one layer multiplies", () => {
  const shape = { ...llama(32, 1, 10), intermediate_size: 40 };
  assertEquals(stepFlops(shape, 1, 1), {
    projections: 3 * 2 * (4 * 32 * 32 + 3 * 32 * 40),
    attention: 3 * 2 * (32 + 32), // one score, and one value times it
    output: 3 * 2 * 10 * 32,
  });
  const [short, long] = [stepFlops(shape, 2, 8), stepFlops(shape, 2, 16)];
  assertEquals(long.projections / short.projections, 2);
  assertEquals(long.attention / short.attention, 16 * 17 / (8 * 9));
});

Deno.test("SIZES hold about as many parameters as their names say", () => {
  const named = { "0.8M": 0.8e6, "10M": 10e6, "30M": 30e6, "135M": 135e6 };
  for (const { name, shape } of SIZES) {
    const { projections, output } = stepFlops(shape, 1, 1); // 3 passes, 2 operations
    const parameters = (projections + output) / 6;
    const expected = named[name as keyof typeof named];
    assert(Math.abs(parameters / expected - 1) < 0.07, `${name}: ${parameters}`);
  }
});

Deno.test("tokensOf() multiplies rows and tokens, where completions have a length", () => {
  assertEquals(tokensOf({ batch: 4, seq: 8 }), 32);
  assertEquals(tokensOf({ batch: 4, newTokens: 9 }), 36);
  assertEquals(tokensOf({ questions: 2, groupSize: 3, newTokens: 5 }), 0); // they end when they like
  assertEquals(tokensOf({ kernel: "matmul", times: 10 }), 0);
});

/** A process that runs `body` to answer the `count`-th request. */
function fake(name: string, body: string): Contender {
  const code = `
    const say = (value) => console.log(JSON.stringify(value));
    const spec = JSON.parse(Deno.args[0]);
    let count = 0;
    say(spec.ready);
    const text = new TextDecoder();
    for await (const lines of Deno.stdin.readable) {
      for (const line of text.decode(lines).trim().split("\\n")) {
        const request = JSON.parse(line);
        count++;
        ${body}
      }
    }`;
  return {
    name,
    program: { file: Deno.execPath(), args: ["eval", code] },
    spec: { kind: "fake", ready: { gap: name === "another model" ? 0.5 : 1e-6 } },
  };
}

Deno.test("race() leaves the first repeat out, and goes on without who fails", async () => {
  const contenders = [
    fake("steady", "say({ ms: count === 1 ? 1000 : request.batch + count, launches: count });"),
    fake("slow", "say({ ms: 3000 });"),
    fake("broken", "if (count === 2) throw new RangeError('no more'); say({ ms: 1 });"),
    fake("another model", "say({ ms: 1 });"),
  ];
  const point = { batch: 10, seq: 2 };
  const rows = await race(
    { what: "step", size: "tiny", contenders, points: [point] },
    { repeats: 3, seconds: 5, apart: false },
  );
  const shared = { what: "step", size: "tiny", point, tokens: 20 };
  const same = { gap: 1e-6 };
  assertEquals(rows, [
    {
      ...shared,
      ...same,
      contender: "steady",
      repeats: 3,
      ms: 13,
      range: [12, 14],
      seen: { launches: 4 },
    },
    { ...shared, ...same, contender: "slow", repeats: 2, ms: 3000, range: [3000, 3000] },
    {
      ...shared,
      ...same,
      contender: "broken",
      repeats: 0,
      error: "error: Uncaught (in promise) RangeError: no more",
    },
    {
      ...shared,
      contender: "another model",
      repeats: 0,
      gap: 0.5,
      error: "its scores differ from ours by 0.5",
    },
  ]);
});

Deno.test("short() keeps three digits", () => {
  assertEquals([1234567, 999.6, 12.345, 0.01234, 0].map(short), [
    "1,234,567",
    "1,000",
    "12.3",
    "0.0123",
    "0.00",
  ]);
  assertEquals([undefined, NaN, Infinity].map(short), ["-", "-", "-"]);
});

Deno.test("table() aligns numbers to the right", () => {
  assertEquals(table(["a", "b"], [["x", "1"]]), "| a | b |\n| --- | ---: |\n| x | 1 |");
});

Deno.test("raceTable() divides by the peer's better setting, and says who failed", () => {
  const text = raceTable([
    row("wasm", 50),
    row("PyTorch eager, 1 thread", 100),
    row("PyTorch eager, 2 threads", 200),
    row("plain tfjs wasm", 1000),
    row("webgpu", undefined, { repeats: 0, error: "out of memory" }),
  ]);
  assertEquals(
    text,
    [
      "**train step, 0.8M**, batch 2, seq 50",
      "",
      "| contender | median ms | least | most | repeats | tokens/s | time / peer's best | plain / time |",
      "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
      "| wasm | 50.0 | 50.0 | 100 | 3 | 2,000 | 0.500 | 20.0 |",
      "| PyTorch eager, 1 thread | 100 | 100 | 200 | 3 | 1,000 | 1.00 | 10.0 |",
      "| PyTorch eager, 2 threads | 200 | 200 | 400 | 3 | 500 | 2.00 | 5.00 |",
      "| plain tfjs wasm | 1,000 | 1,000 | 2,000 | 3 | 100 | 10.0 | 1.00 |",
      "| webgpu: out of memory | - | - | - | - | - | - | - |",
    ].join("\n"),
  );
  assertMatch(raceTable([row("wasm", 50)]), /\| 2,000 \| - \| - \|$/); // compared with nobody
});

const SWEEP: readonly Row[] = [4, 8, 16].flatMap((batch) =>
  ["wasm", "PyTorch eager, 2 threads"].map((contender) =>
    row(contender, batch * batch, { what: "train step by batch", point: { batch, seq: 64 } })
  )
);

Deno.test("sweepsOf() puts the points of a contender together and fits them", () => {
  const [wasm, torch] = sweepsOf(SWEEP);
  assertEquals(wasm!.points, [[4, 16], [8, 64], [16, 256]]);
  assertEquals([wasm!.what, wasm!.axis, wasm!.contender], ["train step", "batch", "wasm"]);
  assertAlmostEquals(torch!.growth!.exponent, 2);
  const [cut] = sweepsOf(SWEEP, ({ point }) => point.batch === 4 ? 1 : undefined);
  assertEquals(cut!.growth, undefined); // one point has no slope
});

Deno.test("page() tells machine, commit, seed and how far peers are from ours", () => {
  const results = {
    growth: {
      about: ABOUT,
      rows: [row("wasm", undefined, {
        what: "growth",
        seen: { tensors: [3, 3], deviceBytes: [2 ** 20, 2 ** 21], residentBytes: [0, 2 ** 22] },
      })],
    },
    train: { about: ABOUT, rows: [row("wasm", 50, { gap: 2e-6, device: "wasm, 2 threads" })] },
  };
  const text = page(results, ["growth.svg"]);
  assert(text.indexOf("## Training step") < text.indexOf("## Memory over many steps"));
  for (
    const part of [
      "2026-01-02, commit abc1234, seed 1.",
      "a machine; Deno 2.9.6, wasm, 2 threads, OMP_NUM_THREADS=2.",
      "by at most 2.0e-6",
      "| wasm | 3 → 3 | 1.00 → 2.00 | 0.00 → 4.00 |",
      "![growth.svg](growth.svg)",
    ]
  ) assert(text.includes(part), `${part} is not in ${text}`);
});

Deno.test("figuresOf() puts growth into legends, and axes below", async () => {
  const figures = figuresOf({ cost: { about: ABOUT, rows: SWEEP } });
  assertEquals(Object.keys(figures), ["train_step_0.8M.svg"]);
  const svg = await toSvg(figures["train_step_0.8M.svg"]!);
  assert(svg.includes("wasm: exponent 2.00") && svg.includes("batch, sequences"));
});
