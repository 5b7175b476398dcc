import { assertEquals, assertRejects } from "@std/assert";
import { median, timed } from "../../lib/compute/timing.ts";

/** A clock that only the thing that is timed moves on. */
function clock(...costs: number[]): { now: () => number; run: () => void; runs: () => number } {
  let [time, runs] = [0, 0];
  return {
    now: () => time,
    run: () => {
      time += costs[runs++] ?? 1;
    },
    runs: () => runs,
  };
}

Deno.test("timed() leaves out the first run and tells the middle of the others", async () => {
  const { now, run, runs } = clock(5000, 30, 10, 20, 60);
  const timing = await timed(run, { repeats: 4, now });
  assertEquals(timing, { ms: 25, least: 10, most: 60, repeats: 4 }); // between 20 and 30
  assertEquals(runs(), 5);
});

Deno.test("timed() stops when its time is over, but not before one repeat", async () => {
  const { now, run } = clock(1, 400, 700, 100);
  assertEquals((await timed(run, { seconds: 1, now })).repeats, 2);
  const slow = clock(1, 9000);
  assertEquals((await timed(slow.run, { seconds: 1, now: slow.now })).repeats, 1);
});

Deno.test("timed() waits for promises, and refuses no repeats", async () => {
  let done = 0;
  await timed(async () => {
    await Promise.resolve();
    done++;
  }, { repeats: 2 });
  assertEquals(done, 3);
  await assertRejects(() => timed(() => {}, { repeats: 0 }), RangeError, "current value is 0");
});

Deno.test("median() takes the middle, or the mean of two", () => {
  assertEquals(median([30, 1, 2]), 2);
  assertEquals(median([30, 1, 2, 4]), 3);
  assertEquals(median([]), NaN);
});
