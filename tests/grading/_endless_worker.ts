/**
 * A thread of graders that does as the answer says: grades, never ends, or dies.
 *
 * @module
 */
import { exit } from "node:process";
import { parentPort } from "node:worker_threads";
import type { Pair } from "../../lib/grading/pool.ts";

parentPort!.on("message", (pairs: readonly Pair[]) => {
  for (const { gold, answer } of pairs) {
    while (answer === "endless");
    if (answer === "dies") exit(3);
    parentPort!.postMessage({ correct: gold === answer, reason: "compared" });
  }
});
parentPort!.postMessage("ready");
