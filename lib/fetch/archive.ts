/**
 * Files in a ZIP archive, such as a Python wheel.
 *
 * @module
 */
// Its reader wants only the end of an archive and the entry itself, checks their CRC-32 and knows
// ZIP64.
import { Reader, ZipReader } from "@zip.js/zip.js";
import { FetchFault, type FileSource, type OpenedSource } from "./source.ts";

/**
 * The files of an archive, each named by the last part of its path.
 *
 * @param wanted Which of them, by that name.
 * @throws {SyntaxError} When it is no archive, or is cut off.
 * @throws {RangeError} When two of them have one name.
 */
export async function archiveSources(
  archive: string,
  wanted: (name: string) => boolean,
): Promise<FileSource[]> {
  const sources = new Map<string, FileSource>();
  await reading(archive, async (zip) => {
    for await (const { filename, directory, uncompressedSize } of zip.getEntriesGenerator()) {
      const name = filename.split("/").at(-1)!;
      if (directory || !wanted(name)) continue;
      if (sources.has(name)) {
        throw new RangeError(
          `Cannot take ${name} from ${archive} as there must be one: there are two`,
        );
      }
      sources.set(name, {
        path: name,
        from: `${archive}/${filename}`,
        bytes: uncompressedSize,
        open: () => openEntry(archive, filename),
      });
    }
  });
  return [...sources.values()];
}

/** Opens an entry from its beginning; nothing begins in the middle of a compressed one. */
function openEntry(archive: string, filename: string): Promise<OpenedSource> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const done = reading(archive, async (zip) => {
    for await (const entry of zip.getEntriesGenerator()) {
      if (entry.directory || entry.filename !== filename) continue;
      await entry.getData(writable, { checkSignature: true, useWebWorkers: false });
    }
  });
  done.catch(() => {}); // told below, unless nobody reads on
  return Promise.resolve({ start: 0, body: ReadableStream.from(bytesOf(readable, done)) });
}

/** The bytes of an entry; that it is damaged will not pass. */
async function* bytesOf(
  readable: ReadableStream<Uint8Array>,
  done: Promise<void>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* readable;
    await done;
  } catch {
    const error = await done.then(() => undefined, (error: Error) => error);
    throw new FetchFault(error?.message ?? "", { cause: error });
  }
}

/** Opens an archive for as long as it is read. */
async function reading<T>(
  archive: string,
  read: (zip: ZipReader<unknown>) => Promise<T>,
): Promise<T> {
  using file = await Deno.open(archive);
  try {
    return await read(new ZipReader(new FileReader(file)));
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new SyntaxError(
      `Cannot read ${archive} as it must be a ZIP archive: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** Reads parts of an open file. */
class FileReader extends Reader<Deno.FsFile> {
  readonly #file: Deno.FsFile;

  constructor(file: Deno.FsFile) {
    super(file);
    this.#file = file;
  }

  override async init(): Promise<void> {
    this.size = (await this.#file.stat()).size;
  }

  override async readUint8Array(index: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    await this.#file.seek(index, Deno.SeekMode.Start);
    let at = 0;
    while (at < length) {
      const read = await this.#file.read(bytes.subarray(at));
      if (read === null) break;
      at += read;
    }
    return bytes.subarray(0, at);
  }
}
