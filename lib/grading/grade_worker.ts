/**
 * A thread that grades: takes batches of pairs, and tells of each when it is done.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import type { Grade } from "./grade.ts";
import { judge } from "./judge.ts";
import type { Pair } from "./pool.ts";

/** A grade for any text: what even the parser did not expect is a wrong answer that says so. */
function graded({ gold, answer }: Pair): Grade {
  try {
    return judge(gold, answer);
  } catch (error) {
    const { name, message } = error as Error;
    return { correct: false, reason: `the answer could not be graded: ${name}: ${message}` };
  }
}

parentPort!.on("message", (pairs: readonly Pair[]) => {
  for (const pair of pairs) parentPort!.postMessage(graded(pair));
});
parentPort!.postMessage("ready");
