/**
 * Folders of fetched files: filled beside their place and put there whole, with `source.json`,
 * which says where each file comes from and what it hashes to.
 *
 * @module
 */
import { z } from "zod";
import { exists, makeFolder, readJsonAs, recoverFolder, writeFolderWhole } from "../files.ts";
import { receiveFile, type ReceiveOptions } from "./receive.ts";
import { checkRelativePath } from "./remote_file.ts";
import { type FileSource, storedDigest } from "./source.ts";

/** What a folder is: the head of its `source.json`. */
export interface FolderOrigin {
  /** As it was asked for. */
  readonly name: string;
  /** `owner/name@commit` of the hub, an address, or the name of a local file or folder. */
  readonly source: string;
  readonly licence?: string;
}

/** A file of a fetched folder. */
export interface StoredFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** An address, or the name of a local file. */
  readonly from: string;
}

/** The `source.json` of a fetched folder. */
export interface FolderRecord extends FolderOrigin {
  /** When, as ISO 8601. */
  readonly fetched: string;
  readonly files: readonly StoredFile[];
}

/** How far a fetch is. */
export interface FetchProgress {
  /** The file at hand. */
  readonly path: string;
  /** Bytes of all files that are there. */
  readonly bytes: number;
  /** Bytes of all files; undefined where one's is not known yet. */
  readonly total?: number;
}

/** Settings of {@linkcode fetchFolder}. */
export interface FolderOptions extends Omit<ReceiveOptions, "onBytes"> {
  readonly onProgress?: (progress: FetchProgress) => void;
  /** Milliseconds since 1970; the clock unless said. */
  readonly now?: () => number;
}

/** What became of a fetch. */
export interface FetchedFolder extends FolderRecord {
  /** Paths of the files that were received; the others were there and are what they must be. */
  readonly received: readonly string[];
}

const RECORD = "source.json";

const recordSchema = z.object({
  name: z.string(),
  source: z.string(),
  licence: z.string().optional(),
  fetched: z.string(),
  files: z.array(z.object({
    path: z.string(),
    bytes: z.number().int().nonnegative(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    from: z.string(),
  })),
});

/**
 * Fetches files into a folder. Until all are there and are what they must be, the folder stays as
 * it was and they wait in `<folder>.part`, where the next try finds them; files of the old folder
 * that are what they must be are not received again.
 *
 * @throws {FetchFault} When a file cannot be had.
 * @throws {RangeError} When a file is not what it must be, or there are none.
 * @throws {Error} When it cannot be written.
 */
export async function fetchFolder(
  folder: string,
  origin: FolderOrigin,
  sources: readonly FileSource[],
  options: FolderOptions = {},
): Promise<FetchedFolder> {
  checkSources(folder, sources);
  const staging = `${folder}.part`;
  await makeFolder(staging);
  await recoverFolder(folder);
  const { onProgress = () => {}, now = Date.now } = options;
  const old = await readFolderRecord(folder);
  const sizes = sources.map(({ bytes }) => bytes);
  const total = sizes.reduce((sum, bytes) => sum! + bytes!, 0);
  const files: StoredFile[] = [];
  const received: string[] = [];
  let before = 0;
  try {
    for (const source of sources) {
      const { path, from } = source;
      const told = { path, total: Number.isNaN(total) ? undefined : total };
      const onBytes = (bytes: number) => onProgress({ ...told, bytes: before + bytes });
      let file = await keptFile(source, folder, staging, old);
      if (!file) {
        received.push(path);
        file = await receiveFile(source, `${staging}/${path}`, { ...options, onBytes });
      }
      files.push({ path, bytes: file.bytes, sha256: file.sha256, from: publicName(from) });
      before += file.bytes;
      onBytes(0);
    }
  } catch (error) {
    if (await isHollow(staging)) await Deno.remove(staging, { recursive: true });
    throw error;
  }
  const record: FolderRecord = { ...origin, fetched: new Date(now()).toISOString(), files };
  await putInPlace(folder, staging, record);
  return { ...record, received };
}

function checkSources(folder: string, sources: readonly FileSource[]): void {
  if (sources.length === 0) {
    throw new RangeError(`Cannot fetch into ${folder} as there must be a file: there is none`);
  }
  for (const { path } of sources) {
    checkRelativePath(path);
    if (path === RECORD) {
      throw new RangeError(`Cannot fetch into ${folder} as ${RECORD} is the name of the record`);
    }
  }
}

/** Whether a folder holds not one byte, nor a file that another process has begun to fill. */
async function isHollow(folder: string): Promise<boolean> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (!await (isDirectory ? isHollow(path) : isEmptyFile(path))) return false;
  }
  return true;
}

async function isEmptyFile(path: string): Promise<boolean> {
  using file = await Deno.open(path, { read: true, write: true });
  return (await file.stat()).size === 0 && await file.tryLock(true);
}

/** A local path without the folders it lies in, which are nobody's business; an address as it is. */
function publicName(from: string): string {
  return isAddress(from) ? from : from.split(/[\\/]/).at(-1)!;
}

function isAddress(from: string): boolean {
  return /^https?:/.test(from);
}

/**
 * Puts a file that is what it must be into the staging folder, or finds it there. Where nobody knows
 * what it must hash to, that is what it did when it came from the same address.
 */
async function keptFile(
  { path, from, digest, bytes }: FileSource,
  folder: string,
  staging: string,
  old: FolderRecord | undefined,
): Promise<{ bytes: number; sha256: string } | undefined> {
  const place = `${staging}/${path}`;
  await makeFolder(place.slice(0, place.lastIndexOf("/")));
  const recorded = old?.files.find((file) => file.path === path && file.from === from);
  const hex = digest?.hex ?? (isAddress(from) ? recorded?.sha256 : undefined);
  if (hex === undefined) return;
  for (const at of [place, `${folder}/${path}`]) {
    const stored = await storedDigest(at, digest);
    if (!stored || stored.found !== hex || stored.bytes !== (bytes ?? stored.bytes)) continue;
    if (at !== place) await linkOrCopy(at, place);
    return stored;
  }
}

/** Fills the folder from the staging folder and removes that. */
async function putInPlace(folder: string, staging: string, record: FolderRecord): Promise<void> {
  await writeFolderWhole(folder, async (temporary) => {
    for (const { path } of record.files) {
      const place = `${temporary}/${path}`;
      await makeFolder(place.slice(0, place.lastIndexOf("/")));
      await linkOrCopy(`${staging}/${path}`, place);
    }
    await Deno.writeTextFile(`${temporary}/${RECORD}`, JSON.stringify(record, null, 2) + "\n");
  });
  await Deno.remove(staging, { recursive: true });
}

/** A second name for a file; a copy where the disk has no such thing. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  if (await exists(to)) await Deno.remove(to);
  try {
    await Deno.link(from, to);
  } catch {
    await Deno.copyFile(from, to);
  }
}

/**
 * What a fetched folder says of itself; undefined when it says nothing.
 *
 * @throws {SyntaxError} When that is garbled.
 * @throws {TypeError} When it does not fit.
 */
export async function readFolderRecord(folder: string): Promise<FolderRecord | undefined> {
  try {
    return await readJsonAs(`${folder}/${RECORD}`, recordSchema);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
}

/** Hashes the files of a fetched folder; gives the paths of those that are not what was fetched. */
export async function changedFiles(folder: string, record: FolderRecord): Promise<string[]> {
  const changed: string[] = [];
  for (const { path, sha256 } of record.files) {
    checkRelativePath(path);
    if ((await storedDigest(`${folder}/${path}`))?.sha256 !== sha256) changed.push(path);
  }
  return changed;
}
