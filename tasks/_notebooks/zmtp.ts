/**
 * The little of ZeroMQ that a client of a kernel needs: DEALER and SUB sockets that connect by TCP,
 * without security (ZMTP 3.0, rfc.zeromq.org/spec/23, mechanism NULL).
 *
 * Not `npm:zeromq@6.8.0`: it crashes Deno 2.9.6 when a socket closes that is being read.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** A connected socket. It gives the messages that come, each as its frames, until either side ends. */
export interface Socket extends AsyncIterable<Uint8Array[]>, Disposable {
  /** Sends the frames of a message; messages go in the order of the calls. */
  send(frames: readonly Uint8Array[]): Promise<void>;
}

/** Bits of the byte that starts a frame. */
const [MORE, LONG, COMMAND] = [1, 2, 4];

/**
 * Connects to a socket on this machine; one of kind SUB then gets every message.
 *
 * @throws {Error} When nothing listens on the port, or it speaks another protocol.
 */
export async function openSocket(port: number, kind: "DEALER" | "SUB"): Promise<Socket> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  const writer = connection.writable.getWriter();
  const read = exactReader(connection.readable.getReader());
  const close = (): void => {
    try {
      connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // it is closed already
    }
  };
  try {
    await writer.write(greeting());
    const answer = await read(64);
    if (answer[0] !== 0xff || answer[10]! < 3) {
      throw new Error(`Cannot talk to port ${port} as it must speak ZMTP 3: it does not`);
    }
    await writer.write(frame(COMMAND, ready(kind)));
    await readFrame(read); // its own READY
    if (kind === "SUB") await writer.write(frame(0, Uint8Array.of(1))); // 1: subscribe to ""
  } catch (error) {
    close();
    throw error;
  }
  return {
    send(frames): Promise<void> {
      const last = frames.length - 1;
      const bytes = frames.map((body, i) => frame(i < last ? MORE : 0, body));
      return writer.write(Buffer.concat(bytes));
    },
    [Symbol.asyncIterator]: () => messages(read),
    [Symbol.dispose]: close,
  };
}

/** Reads messages until the connection ends. */
async function* messages(read: Read): AsyncGenerator<Uint8Array[]> {
  let frames: Uint8Array[] = [];
  while (true) {
    let next: Frame;
    try {
      next = await readFrame(read);
    } catch {
      return; // closed here or there
    }
    if (next.flags & COMMAND) continue;
    frames.push(next.body);
    if (next.flags & MORE) continue;
    yield frames;
    frames = [];
  }
}

/** What each side says first: signature, version 3.0, the mechanism, client. */
function greeting(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(64);
  bytes[0] = 0xff;
  bytes.set([0x7f, 3, 0], 9);
  bytes.set(encode("NULL"), 12);
  return bytes;
}

/** The command READY, which tells the kind of the socket. */
function ready(kind: string): Uint8Array<ArrayBuffer> {
  const [command, name, value] = ["READY", "Socket-Type", kind].map(encode);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, value!.length);
  return Buffer.concat([
    Uint8Array.of(command!.length),
    command!,
    Uint8Array.of(name!.length),
    name!,
    length,
    value!,
  ]);
}

/** A frame: flags, length in one byte or in eight, body. */
function frame(flags: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  if (body.length < 256) return Buffer.concat([Uint8Array.of(flags, body.length), body]);
  const head = new DataView(new ArrayBuffer(9));
  head.setUint8(0, flags | LONG);
  head.setBigUint64(1, BigInt(body.length));
  return Buffer.concat([new Uint8Array(head.buffer), body]);
}

interface Frame {
  readonly flags: number;
  readonly body: Uint8Array;
}

async function readFrame(read: Read): Promise<Frame> {
  const flags = (await read(1))[0]!;
  const length = await read(flags & LONG ? 8 : 1);
  const size = Number(BigInt(`0x${length.toHex()}`));
  return { flags, body: await read(size) };
}

/** Reads just so many bytes. */
type Read = (count: number) => Promise<Uint8Array>;

/** Makes reads of a given size from chunks as they come. */
function exactReader(reader: ReadableStreamDefaultReader<Uint8Array>): Read {
  let chunks: Uint8Array[] = [];
  let held = 0;
  return async (count) => {
    while (held < count) {
      const { value, done } = await reader.read();
      if (done) throw new Deno.errors.UnexpectedEof("the connection ended");
      chunks.push(value);
      held += value.length;
    }
    const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    chunks = [bytes.subarray(count)];
    held -= count;
    return bytes.subarray(0, count);
  };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
