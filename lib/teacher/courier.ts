/**
 * The collector in a thread of its own: a training step may keep this one busy for minutes without
 * a turn of its event loop, and meanwhile connections would stand still and time out.
 *
 * @module
 */
import { Worker } from "node:worker_threads"; // the Web's gives no error of its start
import type { ChatServer } from "./chat.ts";
import type { Asking, TeacherLimits } from "./collector.ts";
import type { FromCollector, Sample, ToCollector } from "./messages.ts";

/** With what the collector's thread starts. */
export interface CollectorStart {
  readonly server: Omit<ChatServer, "url"> & { readonly url: string };
  readonly asking: Asking;
  readonly limits: TeacherLimits;
  readonly seed: number;
}

/** The way to the thread that asks. */
export interface Courier {
  ask(sample: Sample): void;
  /** Waits until everything that came before now was received; a moment, as the thread is free. */
  sync(): Promise<void>;
  /** Gives up what is under way. */
  close(): Promise<void>;
}

/** Starts the thread. */
export function openCourier(
  start: CollectorStart,
  receive: (message: Exclude<FromCollector, { kind: "sync" }>) => void,
): Courier {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: start });
  const syncs = new Map<number, () => void>();
  let [count, isGone] = [0, false];
  const gone = () => {
    isGone = true;
    for (const resolve of syncs.values()) resolve();
    syncs.clear();
  };
  worker.on("message", (message: FromCollector) => {
    if (message.kind !== "sync") return receive(message);
    syncs.get(message.count)?.();
    syncs.delete(message.count);
  });
  worker.on("error", (error: Error) => {
    gone();
    receive({ kind: "gone", why: error.message });
  });
  worker.on("exit", gone);
  const send = (message: ToCollector): void => worker.postMessage(message);
  const sync = async (): Promise<void> => {
    if (isGone) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    syncs.set(++count, resolve);
    send({ kind: "sync", count });
    await promise;
  };
  return {
    ask: (sample) => send({ kind: "ask", sample }),
    sync,
    async close(): Promise<void> {
      send({ kind: "close" });
      await sync();
      await worker.terminate();
    },
  };
}
