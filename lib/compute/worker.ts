/**
 * A thread that runs parts of jobs; see `threads.ts`.
 *
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import {
  BLAS,
  controlOf,
  COUNT,
  DONE,
  FAILED,
  GIVEN,
  JOB,
  openThread,
  type ThreadStart,
  waitWhile,
} from "./threads.ts";

const { start, part, control } = workerData as {
  start: ThreadStart;
  part: number;
  control: SharedArrayBuffer;
};
const { jobs } = await openThread(start, part);
const { words, numbers } = controlOf(control);
parentPort!.postMessage("ready");
for (let done = 0;; done++) {
  waitWhile(words, GIVEN, done);
  try {
    jobs.run(words[JOB]!, words[BLAS]!, Array.from(numbers.subarray(0, words[COUNT])));
  } catch {
    words[FAILED] = 1;
  }
  Atomics.add(words, DONE, 1);
  Atomics.notify(words, DONE);
}
