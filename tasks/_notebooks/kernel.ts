/**
 * A client of the Deno kernel: starts it, runs code on it and hands on what it puts out. Messages
 * as in "Messaging in Jupyter", protocol 5.3.
 *
 * The kernel may send `idle` before the last outputs of a request, so clients that stop there lose
 * some. This one reads on until the reply has come too and then nothing for a while.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { openSocket, type Socket } from "./zmtp.ts";

/** Quiet after reply and `idle` that ends a request; outputs were seen up to 10 ms late. */
const GRACE_MS = 50;

/** Longest wait for a kernel to answer at all; it takes 0.2 to 0.5 seconds. */
const START_MS = 60_000;

/** What is read here of a message. */
export interface Message {
  readonly type: string;
  /** Id of the request that it belongs to. */
  readonly parent: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** How a request ended. */
export interface Reply {
  readonly status: "ok" | "error" | "aborted";
  /** The error's name, message and stack where it ended in one. */
  readonly ename?: string;
  readonly evalue?: string;
  readonly traceback?: readonly string[];
}

/** A kernel that runs; it is killed when it is disposed of. */
export interface Kernel extends AsyncDisposable {
  /** What it tells of its language, as notebooks store it. */
  readonly languageInfo: Readonly<Record<string, unknown>>;
  /**
   * Runs code as a cell; resolves when it has ended and all its output has come.
   *
   * @param onMessage Takes what belongs to this request, also when it comes later.
   * @throws {Error} When the kernel ends.
   */
  execute(code: string, onMessage: (message: Message) => void): Promise<Reply>;
}

/**
 * Starts a kernel.
 *
 * @param folder Where its code runs: relative imports and `deno.json` are found from there.
 * @throws {Error} When it ends or does not answer.
 */
export async function startKernel(folder: string): Promise<Kernel> {
  await using opened = new AsyncDisposableStack(); // undone here unless the kernel starts
  const [shell_port, iopub_port, stdin_port, control_port, hb_port] = freePorts(5);
  const ports = { shell_port, iopub_port, stdin_port, control_port, hb_port };
  const key = crypto.randomUUID();
  const connection = { transport: "tcp", ip: "127.0.0.1", signature_scheme: "hmac-sha256", key };
  const file = await Deno.makeTempFile({ prefix: `relift-kernel-${Deno.pid}-`, suffix: ".json" });
  opened.defer(() => Deno.remove(file));
  await Deno.writeTextFile(file, JSON.stringify({ ...connection, ...ports }));

  const process = spawnKernel(file, folder);
  const death = deathOf(process);
  opened.defer(async () => {
    kill(process);
    await death.catch(() => {});
  });
  const shell = opened.use(await openPatiently(shell_port!, "DEALER", death));
  const iopub = opened.use(await openPatiently(iopub_port!, "SUB", death));
  const channel = channelOf(shell, iopub, key);
  const languageInfo = await firstAnswer(channel, death);

  const running = opened.move();
  return {
    languageInfo,
    execute: (code, onMessage) => Promise.race([execute(channel, code, onMessage), death]),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function spawnKernel(connectionFile: string, folder: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["jupyter", "--quiet", "--kernel", "--conn", connectionFile],
    cwd: folder,
    env: { NO_COLOR: "1" }, // else results are full of escape codes
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

/** Ports that were free a moment ago. */
function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** Rejects when the process ends, with how it did and the last that it wrote to stderr. */
async function deathOf(process: Deno.ChildProcess): Promise<never> {
  let last = "";
  for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
    last = (last + text).slice(-2000);
  }
  const { code, signal } = await process.status;
  const how = signal === null ? `exit code ${code}` : signal;
  const words = last.trim() === "" ? "" : `; its last words:\n${last.trim()}`;
  throw new Error(`the kernel ended (${how})${words}`);
}

function kill(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGKILL"); // a cell may be in an endless loop, or have taken the other signals
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // a TypeError: it has ended already
  }
}

/** Opens a socket of a kernel that may not listen yet. */
async function openPatiently(
  port: number,
  kind: "DEALER" | "SUB",
  death: Promise<never>,
): Promise<Socket> {
  const end = performance.now() + START_MS;
  while (true) {
    try {
      return await openSocket(port, kind);
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused) || performance.now() > end) throw error;
    }
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), death]);
  }
}

/** Messages to and from a kernel. */
interface Channel {
  /** Sends a request; `onMessage` takes its reply, and whatever else comes that belongs to it. */
  send(
    type: string,
    content: Readonly<Record<string, unknown>>,
    onMessage: (message: Message) => void,
  ): void;
}

function channelOf(shell: Socket, iopub: Socket, key: string): Channel {
  const takers = new Map<string, (message: Message) => void>();
  const listen = async (socket: Socket): Promise<void> => {
    for await (const frames of socket) {
      const message = parseMessage(frames);
      takers.get(message.parent)?.(message);
    }
  };
  listen(shell);
  listen(iopub);
  return {
    send(type, content, onMessage): void {
      const id = crypto.randomUUID();
      takers.set(id, onMessage);
      const frames = requestFrames({ id, type, session: key }, content, key);
      shell.send(frames).catch(() => {}); // the kernel is gone, which its death tells
    },
  };
}

/** The frames of a request, signed. */
function requestFrames(
  { id, type, session }: { id: string; type: string; session: string },
  content: Readonly<Record<string, unknown>>,
  key: string,
): Uint8Array[] {
  const date = new Date().toISOString();
  const header = { msg_id: id, msg_type: type, session, username: "", version: "5.3", date };
  const parts = [header, {}, {}, content].map((part) => JSON.stringify(part));
  const signature = createHmac("sha256", key).update(parts.join("")).digest("hex");
  return ["<IDS|MSG>", signature, ...parts].map((frame) => new TextEncoder().encode(frame));
}

/** Reads a message from its frames: addresses, a delimiter, the signature and four JSON texts. */
function parseMessage(frames: readonly Uint8Array[]): Message {
  const texts = frames.map((frame) => new TextDecoder().decode(frame));
  const start = texts.indexOf("<IDS|MSG>") + 2;
  const [header, parent, , content] = texts.slice(start, start + 4).map((text) => JSON.parse(text));
  return { type: header.msg_type, parent: parent.msg_id, content };
}

/** Asks until an answer comes and outputs are heard too: what was sent before that is lost. */
async function firstAnswer(
  channel: Channel,
  death: Promise<never>,
): Promise<Readonly<Record<string, unknown>>> {
  const heard = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<Readonly<Record<string, unknown>>>();
  const ask = () =>
    channel.send("kernel_info_request", {}, ({ type, content }) => {
      if (type === "status") heard.resolve();
      if (type !== "kernel_info_reply") return;
      answered.resolve(content.language_info as Readonly<Record<string, unknown>>);
    });
  ask();
  const asking = setInterval(ask, 100);
  const waiting = setTimeout(
    () => {
      const need = `it must answer within ${START_MS / 1000} seconds`;
      heard.reject(new Error(`Cannot start the kernel as ${need}: it did not`));
    },
    START_MS,
  );
  try {
    await Promise.race([heard.promise, death]);
    return await Promise.race([answered.promise, death]);
  } finally {
    clearInterval(asking);
    clearTimeout(waiting);
  }
}

/** Runs code; resolves after reply and `idle`, when nothing has come for {@linkcode GRACE_MS}. */
function execute(
  channel: Channel,
  code: string,
  onMessage: (message: Message) => void,
): Promise<Reply> {
  const ended = Promise.withResolvers<Reply>();
  let reply: Reply | undefined;
  let isIdle = false;
  let quiet: ReturnType<typeof setTimeout> | undefined;
  const request = { code, silent: false, store_history: true, allow_stdin: false };
  channel.send("execute_request", request, (message) => {
    clearTimeout(quiet);
    if (message.type === "execute_reply") reply = message.content as unknown as Reply;
    if (message.type === "status") isIdle ||= message.content.execution_state === "idle";
    onMessage(message);
    if (reply && isIdle) quiet = setTimeout(() => ended.resolve(reply!), GRACE_MS);
  });
  return ended.promise;
}
