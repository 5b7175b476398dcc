/**
 * What a file can be received from, whatever it lies in, and what can go wrong on the way.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto"; // the Web's digest() cannot stream

/** What a file must hash to. */
export interface Digest {
  /** `git` is how git names a blob: the SHA-1 of `blob <bytes>\0` and the content. */
  readonly algorithm: "sha256" | "git";
  /** In hexadecimal. */
  readonly hex: string;
}

/** A file that can be received. */
export interface FileSource {
  /** Where it goes below its folder, with `/`. */
  readonly path: string;
  /** How errors and records call where it comes from. */
  readonly from: string;
  /** Known beforehand, if at all; always with a digest of git. */
  readonly bytes?: number;
  /** Known beforehand, if at all; without it nothing is resumed. */
  readonly digest?: Digest;
  /**
   * Opens it.
   *
   * @param start Byte to begin at; a source that cannot begins at 0 and says so.
   * @throws {FetchFault} When it cannot be had, now or at all.
   */
  open(start: number): Promise<OpenedSource>;
}

/** A file whose bytes arrive. */
export interface OpenedSource {
  /** The byte that comes first. */
  readonly start: number;
  /** Of the whole file, where the other side says. */
  readonly bytes?: number;
  readonly body: ReadableStream<Uint8Array>;
}

/** A file that did not arrive, in words for people. */
export class FetchFault extends Error {
  override readonly name = "FetchFault";
  /** Whether it may arrive when asked again. */
  readonly passing: boolean;
  /** Milliseconds that the other side asks to wait. */
  readonly retryAfter?: number;
  /** Whether the other side could not be reached at all. */
  readonly unreachable: boolean;

  constructor(
    message: string,
    options: ErrorOptions & { passing?: boolean; retryAfter?: number; unreachable?: boolean } = {},
  ) {
    super(message, options);
    this.passing = options.passing ?? false;
    this.retryAfter = options.retryAfter;
    this.unreachable = options.unreachable ?? false;
  }
}

/** Hashes a file as it passes. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Of all that passed, in hexadecimal; once. */
  sha256(): string;
  /** Of all that passed, by the algorithm of the digest; once, after `sha256`. */
  found(): string;
}

/** Opens a hasher for what a file must hash to; its sha256 is told whatever that is. */
export function hasherOf(digest: Digest | undefined, bytes: number | undefined): Hasher {
  const sha256 = createHash("sha256");
  const git: Hash | undefined = digest?.algorithm === "git"
    ? createHash("sha1").update(`blob ${bytes}\0`)
    : undefined;
  let hex = "";
  return {
    update(chunk: Uint8Array): void {
      sha256.update(chunk);
      git?.update(chunk);
    },
    sha256: (): string => hex = sha256.digest("hex"),
    found: (): string => git?.digest("hex") ?? hex,
  };
}

/** Bytes read from a file at once. */
const READ_SIZE = 1 << 20;

/** Hashes what is left of an open file; gives how many bytes that was. */
export async function hashRest(file: Deno.FsFile, hasher: Hasher): Promise<number> {
  const buffer = new Uint8Array(READ_SIZE);
  let bytes = 0;
  for (let read; (read = await file.read(buffer)) !== null;) {
    hasher.update(buffer.subarray(0, read));
    bytes += read;
  }
  return bytes;
}

/** What a stored file hashes to; undefined when there is none. */
export async function storedDigest(
  path: string,
  digest?: Digest,
): Promise<{ bytes: number; sha256: string; found: string } | undefined> {
  try {
    using file = await Deno.open(path);
    const hasher = hasherOf(digest, (await file.stat()).size);
    const bytes = await hashRest(file, hasher);
    return { bytes, sha256: hasher.sha256(), found: hasher.found() };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new Error(`Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
