import { assert, assertEquals, assertThrows } from "@std/assert";
import { openProgress, type Progress, type ProgressOptions } from "../../lib/runs/progress.ts";

/** A display that writes into `shown.text` and whose clock is `shown.now`, in milliseconds. */
function shown(options: Omit<ProgressOptions, "write" | "now">): {
  progress: Progress;
  at: (milliseconds: number) => void;
  text: () => string;
} {
  let text = "", now = 5000; // a clock may start anywhere
  const progress = openProgress({
    ...options,
    write: (part) => void (text += part),
    now: () => now,
  });
  return { progress, at: (milliseconds) => void (now = 5000 + milliseconds), text: () => text };
}

Deno.test("openProgress() writes plain lines where there is no terminal", () => {
  const { progress, at, text } = shown({ total: 3, isTerminal: false });
  at(20_000);
  progress.step(1, "accuracy 0.25"); // 20 s a step, 2 to go
  at(50_000);
  progress.step(2); // 25 s a step, 1 to go
  at(61_400);
  progress.step(3, "accuracy 0.5");
  progress.close();
  assertEquals(
    text(),
    "1/3, 40s left: accuracy 0.25\n2/3, 25s left\n3/3, took 1m01s: accuracy 0.5\n",
  );
});

Deno.test("openProgress() of a resumed run reckons with the steps of this session alone", () => {
  const { progress, at, text } = shown({ total: 200, start: 100, isTerminal: false });
  at(60_000);
  progress.step(101); // 1 min a step, 99 to go: not 0.6 s a step
  assertEquals(text(), "101/200, 1h39m left\n");
});

Deno.test("openProgress() shows nothing when quiet, on a terminal or not", () => {
  for (const isTerminal of [true, false]) {
    const { progress, text } = shown({ total: 2, isTerminal, quiet: true });
    progress.step(1, "accuracy 0.25");
    progress.close();
    assertEquals(text(), "");
  }
});

Deno.test("openProgress() draws a bar on a terminal, from where the run resumes to its end", () => {
  const { progress, at, text } = shown({ total: 8, start: 2, isTerminal: true });
  assert(text().includes("██████░░░░░░░░░░░░░░░░░░ 2/8  starting"), text()); // 24 × 2/8 = 6
  at(10_000);
  progress.step(5, "accuracy 0.25");
  at(90_000);
  progress.step(8, "accuracy 0.5");
  progress.close();
  progress.close(); // twice does no harm
  assert(text().includes(`${"█".repeat(24)} 8/8  took 1m30s  accuracy 0.5`), text());
  assert(text().endsWith("\n"));
});

Deno.test("openProgress() leaves no setting of the terminal changed if the run is interrupted", () => {
  const { progress, text } = shown({ total: 2, isTerminal: true });
  progress.step(1);
  // deno-lint-ignore no-control-regex
  assertEquals(/\x1b(7|8|\[\?)/.test(text()), false); // saved cursors and private modes
  progress.close();
});

Deno.test("openProgress() cuts lines to the width of the terminal", () => {
  const { progress, text } = shown({ total: 2, isTerminal: true });
  progress.step(1, "x".repeat(10_000));
  progress.close();
  assert(text().length < 3000);
});

Deno.test("openProgress() closes at the end of a using block, and its timer with it", () => {
  let text = "";
  {
    using progress = openProgress({ total: 0, isTerminal: true, write: (part) => text += part });
    progress.step(0);
  } // an open timer would fail this test
  assert(text.endsWith("\n"));
});

Deno.test("openProgress() rejects counts out of range", () => {
  for (const [start, total] of [[0, -1], [3, 2], [-1, 2], [0, 1.5], [0, NaN]] as const) {
    assertThrows(
      () => openProgress({ start, total, quiet: true }),
      RangeError,
      `current value is start = ${start}, total = ${total}`,
    );
  }
});
