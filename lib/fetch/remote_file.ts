/**
 * Files that others publish, by where they lie.
 *
 * @module
 */

/** A published file: at an address, or in a repository of the Hugging Face hub. */
export interface RemoteFile {
  /** Where it goes below its folder, with `/`. */
  readonly path: string;
  /** Its address, pinned to a commit where its host can. */
  readonly url?: string;
  readonly hub?: HubFile;
  /** What it must hash to, in hexadecimal. */
  readonly sha256?: string;
  readonly bytes?: number;
}

/** A file in a repository of the hub. */
export interface HubFile {
  /** `owner/name`. */
  readonly repo: string;
  /** A commit; a branch or tag where no commit is known. */
  readonly revision: string;
  readonly path: string;
  readonly repoType: RepoType;
}

/** What a repository of the hub holds. */
export type RepoType = "model" | "dataset";

/**
 * Checks a path that comes from elsewhere before anything is written there: it must stay below its
 * folder on every system.
 *
 * @throws {RangeError} When it is empty or absolute, or has `..`, `\`, `:`, a control character or a
 * part that ends in a dot or a space.
 *
 * @example Usage
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { checkRelativePath } from "./remote_file.ts";
 *
 * checkRelativePath("data/train-00000-of-00001.parquet");
 * assertThrows(() => checkRelativePath("../config.json"), RangeError, "must stay below its folder");
 * ```
 */
export function checkRelativePath(path: string): void {
  // deno-lint-ignore no-control-regex -- a name with one is a trap
  const part = /^[^\\/:*?"<>|\x00-\x1f]*[^\\/:*?"<>|\x00-\x1f. ]$/; // Windows drops last dots
  if (!path.split("/").every((name) => part.test(name))) {
    throw new RangeError(
      `Cannot place a file as its path must stay below its folder: current value is ${
        JSON.stringify(path)
      }`,
    );
  }
}

/**
 * Checks the name of a repository of the hub.
 *
 * @throws {RangeError} When it is not `owner/name`.
 */
export function checkRepo(repo: string): void {
  checkRelativePath(repo);
  if (!/^[\w.-]+\/[\w.-]+$/.test(repo)) {
    throw new RangeError(
      `Cannot ask the hub as a repository must be owner/name: current value is ${
        JSON.stringify(repo)
      }`,
    );
  }
}
