/**
 * Receives a file: streamed into `<path>.part`, hashed on the way, and only when it is whole and
 * hashes to what it must, renamed. What arrived before a cut or a kill is not asked for again.
 *
 * @module
 */
import type { OpenFile } from "../files.ts";
import { retrying, type RetryOptions } from "./retry.ts";
import { FetchFault, type FileSource, type Hasher, hasherOf, hashRest } from "./source.ts";

/** Settings of {@linkcode receiveFile}. */
export interface ReceiveOptions extends RetryOptions {
  /** Told how much of the file is there, as it grows. */
  readonly onBytes?: (bytes: number) => void;
  /** Milliseconds of silence after which the other side has hung; a minute unless given. */
  readonly idle?: number;
  /** Opens a file to write; {@linkcode Deno.open} unless a test wants a disk that is full. */
  readonly open?: OpenFile;
}

/** A file that arrived. */
export interface ReceivedFile {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Receives a file; its folder must exist. Cut-offs, hangs and busy servers are asked again, each
 * time for the rest.
 *
 * @throws {FetchFault} When it cannot be had; what arrived stays in `<path>.part`.
 * @throws {RangeError} When it is not what it must be; the part is emptied.
 * @throws {Error} When it cannot be written, as when the disk is full.
 */
export async function receiveFile(
  source: FileSource,
  path: string,
  options: ReceiveOptions = {},
): Promise<ReceivedFile> {
  const { onBytes = () => {} } = options;
  let there = Infinity; // what an earlier run left did not arrive now
  return await retrying((arrived) => {
    const note = (bytes: number) => {
      if (bytes > there) arrived();
      onBytes(there = bytes);
    };
    return receiveOnce(source, path, { ...options, onBytes: note });
  }, options);
}

/** Receives what is missing of a file, until it is whole or the stream ends. */
async function receiveOnce(
  source: FileSource,
  path: string,
  options: ReceiveOptions,
): Promise<ReceivedFile> {
  const part = `${path}.part`;
  let received: ReceivedFile;
  {
    using file = await openPart(part, options.open ?? Deno.open);
    const { bytes, hasher, resumed } = await fill(file, part, source, options);
    const sha256 = hasher.sha256();
    const found = hasher.found();
    if (source.digest && found !== source.digest.hex) {
      await writing(part, () => file.truncate(0));
      throw mismatch(source, found, resumed);
    }
    await writing(part, () => file.sync());
    received = { bytes, sha256 };
  } // closed before the rename, as Windows demands
  await writing(path, () => Deno.rename(part, path));
  return received;
}

/** Opens the part, which no other process may be filling. */
async function openPart(part: string, open: OpenFile): Promise<Deno.FsFile> {
  const file = await writing(part, () => open(part, { read: true, write: true, create: true }));
  if (await file.tryLock(true)) return file;
  file.close();
  throw new FetchFault(`Cannot fetch into ${part} as another process does`);
}

/** Brings a part to its full length. */
async function fill(
  file: Deno.FsFile,
  part: string,
  source: FileSource,
  { onBytes = () => {}, idle = 60_000 }: ReceiveOptions,
): Promise<{ bytes: number; hasher: Hasher; resumed: boolean }> {
  let hasher = hasherOf(source.digest, source.bytes);
  let bytes = source.digest ? await hashRest(file, hasher) : 0; // else nobody could tell a mix
  const startAnew = async () => {
    hasher = hasherOf(source.digest, source.bytes);
    bytes = await file.seek(0, Deno.SeekMode.Start);
  };
  if (bytes > (source.bytes ?? Infinity)) await startAnew();
  onBytes(bytes);
  const resumed = bytes > 0;
  if (bytes === source.bytes) return { bytes, hasher, resumed };
  const opened = await source.open(bytes);
  if (opened.start !== bytes) await startAnew();
  if (opened.start !== bytes) {
    await opened.body.cancel();
    throw new FetchFault(`Cannot fetch ${source.from} as it came from byte ${opened.start} on`, {
      passing: true,
    });
  }
  const whole = source.bytes ?? opened.bytes;
  await writing(part, () => file.truncate(bytes)).catch(async (error) => {
    await opened.body.cancel();
    throw error;
  });
  for await (const chunk of chunksOf(opened.body, source, idle)) {
    await writing(part, () => writeAll(file, chunk));
    hasher.update(chunk);
    onBytes(bytes += chunk.length);
    if (bytes > (whole ?? Infinity)) break;
  }
  if (whole !== undefined && bytes !== whole) {
    if (bytes > whole) await writing(part, () => file.truncate(0));
    throw wrongLength(source, bytes, whole);
  }
  return { bytes, hasher, resumed: resumed && opened.start > 0 };
}

/** The fault of a file that is too short, which the rest may mend, or too long. */
function wrongLength({ from }: FileSource, bytes: number, whole: number): Error {
  if (bytes > whole) {
    return new RangeError(`Cannot take ${from} as it must have ${whole} bytes: it has more`);
  }
  const message = `Cannot fetch ${from} as it was cut off: ${bytes} of ${whole} bytes arrived`;
  return new FetchFault(message, { passing: true });
}

/** The fault of a file that is not what it must be; if it was put together, it is asked whole. */
function mismatch({ from, digest }: FileSource, found: string, resumed: boolean): Error {
  const name = digest!.algorithm === "git" ? "git hash" : "sha256";
  const message = `Cannot take ${from} as its ${name} must be ${digest!.hex}: ` +
    `current value is ${found}`;
  return resumed ? new FetchFault(message, { passing: true }) : new RangeError(message);
}

/** The chunks of a stream; cancels it when they cease, or when they are not wanted any more. */
async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  { from }: FileSource,
  idle: number,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    while (true) {
      const silence = new Promise<never>((_, reject) => {
        const message = `Cannot fetch ${from} as nothing arrived for ${idle / 1000} s`;
        timer = setTimeout(() => reject(new FetchFault(message, { passing: true })), idle);
      });
      const { done, value } = await Promise.race([reader.read(), silence]);
      clearTimeout(timer);
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (error instanceof FetchFault) throw error;
    const message = `Cannot fetch ${from} as it was cut off: ${(error as Error).message}`;
    throw new FetchFault(message, { passing: true, cause: error });
  } finally {
    clearTimeout(timer);
    await reader.cancel().catch(() => {}); // a stream that broke cannot be cancelled
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** Writes; tells in one line when that fails. */
async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    const reason = code === "ENOSPC" ? "the disk is full" : message;
    throw new Error(`Cannot write ${path} as ${reason}: what was there before is unchanged`, {
      cause: error,
    });
  }
}
