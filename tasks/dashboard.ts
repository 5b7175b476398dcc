// deno task dashboard --runs runs
// deno-lint-ignore-file no-console
import { isRun } from "../mod.ts";
import { type Command, type Flag, runTask, type Values } from "./_cli.ts";
import { dashboard } from "./_dashboard/server.ts";

const command = {
  name: "dashboard",
  about: "shows a folder of runs in the browser, while they go on: curves, samples, settings.",
  flags: {
    runs: { kind: "text", value: "DIR", default: "runs", help: "Folder whose folders are runs" },
    port: {
      kind: "integer",
      min: 0,
      default: 8421,
      help: "Port on this machine; 0 takes a free one",
    },
  },
  examples: ["deno task dashboard", "deno task dashboard --runs runs/study/full --port 8500"],
} as const satisfies Command<Record<string, Flag>>;

/** Serves the dashboard until it is interrupted. */
async function main({ runs, port }: Values<typeof command.flags>): Promise<void> {
  if (await isRun(runs)) {
    throw new RangeError(`Cannot show ${runs} as it is a run itself: name the folder it lies in`);
  }
  const waiting = await isMissing(runs);
  const server = listen(runs, port);
  console.log(`http://127.0.0.1:${server.addr.port}/ shows ${runs}; Ctrl-C ends it`);
  if (waiting) console.log(`${runs} is not there yet: its runs will appear when it is`);
  await server.finished;
}

/** Whether a folder is still to be made. */
async function isMissing(folder: string): Promise<boolean> {
  try {
    const { isDirectory } = await Deno.stat(folder);
    if (isDirectory) return false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw new Error(`Cannot show ${folder}: ${(error as Error).message}`);
  }
  throw new TypeError(`Cannot show ${folder} as it must be a folder of runs: it is a file`);
}

/** Serves this machine alone. */
function listen(runs: string, port: number): Deno.HttpServer<Deno.NetAddr> {
  const options = { hostname: "127.0.0.1", port, onListen: () => {} };
  try {
    return Deno.serve(options, dashboard(runs));
  } catch (error) {
    const why = error instanceof Deno.errors.AddrInUse
      ? "the port is taken: name another by --port, or 0 for any"
      : (error as Error).message;
    throw new Error(`Cannot listen on 127.0.0.1:${port} as ${why}`);
  }
}

if (import.meta.main) await runTask(command, main);
