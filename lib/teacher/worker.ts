/**
 * The thread that asks; see `courier.ts`.
 *
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import { openCollector } from "./collector.ts";
import type { CollectorStart } from "./courier.ts";
import type { FromCollector, ToCollector } from "./messages.ts";

const { server, ...start } = workerData as CollectorStart;
const send = (message: FromCollector): void => parentPort!.postMessage(message);
const collector = openCollector({
  ...{ ...start, server: { ...server, url: new URL(server.url) } },
  onReply: (sample) => send({ kind: "reply", sample }),
  onFault: (fault) => send({ kind: "fault", fault }),
  onGivenUp: (sample) => send({ kind: "givenUp", sample }),
  warn: (line) => send({ kind: "warn", line }),
});
parentPort!.on("message", (message: ToCollector) => {
  if (message.kind === "ask") collector.add(message.sample);
  else if (message.kind === "sync") send(message);
  else collector.close();
});
