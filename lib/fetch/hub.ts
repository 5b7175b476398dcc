/**
 * Repositories of the Hugging Face hub: which commit a revision is, and which files it holds with
 * the hashes they must have.
 *
 * The hub is asked by `@huggingface/hub`; the files themselves are received as any other, from
 * their `resolve` address, because its own download neither resumes nor checks.
 *
 * @module
 */
import { checkRelativePath, checkRepo, type RemoteFile, type RepoType } from "./remote_file.ts";
import { retrying, type RetryOptions } from "./retry.ts";
import { type Digest, FetchFault, type FileSource } from "./source.ts";
import { request, type WebOptions, webSource } from "./web.ts";

/** Where the hub is and who asks. */
export interface HubOptions extends WebOptions, RetryOptions {
  /** Its address, without a `/` at the end; `HF_ENDPOINT` for those who use a mirror. */
  readonly endpoint?: string;
  /** `HF_TOKEN`; sent to the hub alone, never to where it redirects. */
  readonly token?: string;
}

/** A repository at a commit. */
export interface HubRepo {
  readonly repo: string;
  readonly repoType: RepoType;
  /** 40 hexadecimal digits. */
  readonly commit: string;
}

/** The hub's own address. */
export const HUB = "https://huggingface.co";

const COMMIT = /^[0-9a-f]{40}$/;

/**
 * Finds the commit that a revision of a repository is; asks only for branches and tags.
 *
 * @throws {FetchFault} When the hub cannot tell.
 */
export async function resolveHub(
  repo: string,
  repoType: RepoType,
  revision: string,
  options: HubOptions = {},
): Promise<HubRepo> {
  checkRepo(repo);
  if (COMMIT.test(revision)) return { repo, repoType, commit: revision };
  const hub = await library();
  const info = await asking(repo, () => {
    const asked = { name: repo, revision, ...hubParams(options) };
    return repoType === "model"
      ? hub.modelInfo({ ...asked, additionalFields: ["sha"] })
      : hub.datasetInfo({ ...asked, additionalFields: ["sha"] });
  }, options);
  if (!COMMIT.test(info.sha)) {
    throw new FetchFault(
      `Cannot fetch ${repo} as the hub must name a commit: current value is ${info.sha}`,
    );
  }
  return { repo, repoType, commit: info.sha };
}

/**
 * The files at the top of a repository, each with the hash it must have: its sha256 when it is
 * large (LFS), git's own otherwise.
 *
 * @param wanted Which of them.
 * @throws {FetchFault} When the hub cannot tell.
 */
export async function hubFolder(
  at: HubRepo,
  wanted: (path: string) => boolean,
  options: HubOptions = {},
): Promise<FileSource[]> {
  const hub = await library();
  return await asking(at.repo, async () => {
    const sources: FileSource[] = [];
    const { commit: revision } = at;
    for await (
      const entry of hub.listFiles({ repo: nameOf(at), revision, ...hubParams(options) })
    ) {
      if (entry.type === "file" && wanted(entry.path)) sources.push(sourceOf(at, entry, options));
    }
    return sources;
  }, options);
}

/**
 * One file of a repository, with the hash it must have.
 *
 * @param path Where it goes; its place in the repository may be another.
 * @throws {FetchFault} When there is no such file, or the hub cannot tell.
 */
export async function hubFile(
  at: HubRepo,
  hubPath: string,
  path: string,
  options: HubOptions = {},
): Promise<FileSource> {
  const hub = await library();
  const { commit: revision } = at;
  const paths = [hubPath];
  const [entry] = await asking(
    at.repo,
    () => hub.pathsInfo({ repo: nameOf(at), revision, paths, ...hubParams(options) }),
    options,
  );
  if (entry?.type !== "file") {
    throw new FetchFault(
      `Cannot fetch ${at.repo} as commit ${revision} must hold ${hubPath}: there is no such file`,
    );
  }
  return { ...sourceOf(at, entry, options), path };
}

/** Loaded when needed: every command would load it otherwise. */
async function library(): Promise<typeof import("@huggingface/hub")> {
  return await import("@huggingface/hub");
}

function nameOf({ repo, repoType }: HubRepo): { type: RepoType; name: string } {
  return { type: repoType, name: repo };
}

function hubParams(options: HubOptions): { hubUrl: string; fetch: typeof fetch } {
  const send = { ...options, fetch: withToken(options) };
  return {
    hubUrl: endpointOf(options),
    fetch: (input, init) => request(String(input), init ?? {}, send),
  };
}

function endpointOf({ endpoint = HUB }: HubOptions): string {
  return endpoint.replace(/\/+$/, "");
}

/** Sends the token to the hub and nowhere else; the library takes only tokens of one form. */
function withToken(options: HubOptions): typeof fetch {
  const { token, fetch: send = fetch } = options;
  const { origin } = new URL(endpointOf(options));
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    const isHub = new URL(String(input)).origin === origin;
    if (token && isHub) headers.set("authorization", `Bearer ${token}`);
    return await send(input, { ...init, headers });
  };
}

/** Asks again when the hub was busy for a moment. */
async function asking<T>(
  repo: string,
  ask: () => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  return await retrying(async () => {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof FetchFault) throw error;
      throw new FetchFault(
        `Cannot fetch ${repo} as the hub must answer in its own form: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }, options);
}

interface Entry {
  readonly path: string;
  readonly size: number;
  readonly oid?: string;
  readonly lfs?: { readonly oid: string; readonly size: number };
}

function sourceOf(at: HubRepo, { path, size, oid, lfs }: Entry, options: HubOptions): FileSource {
  checkRelativePath(path);
  const digest: Digest | undefined = lfs
    ? { algorithm: "sha256", hex: lfs.oid }
    : oid
    ? { algorithm: "git", hex: oid }
    : undefined;
  const bytes = lfs?.size ?? size;
  const folder = at.repoType === "model" ? "" : `${at.repoType}s/`;
  const place = path.split("/").map(encodeURIComponent).join("/");
  const url = `${endpointOf(options)}/${folder}${at.repo}/resolve/${at.commit}/${place}`;
  return webSource(url, { path, bytes, digest }, { ...options, fetch: withToken(options) });
}

/**
 * The sources of published files.
 *
 * @throws {FetchFault} When the hub cannot tell what a file of its must hash to.
 * @throws {RangeError} When the hub's hash is not the published one.
 */
export async function remoteSources(
  files: readonly RemoteFile[],
  options: HubOptions = {},
): Promise<FileSource[]> {
  return await Promise.all(files.map(async ({ path, url, hub, sha256, bytes }) => {
    checkRelativePath(path);
    const digest = sha256 === undefined ? undefined : { algorithm: "sha256", hex: sha256 } as const;
    if (hub) {
      const at = await resolveHub(hub.repo, hub.repoType, hub.revision, options);
      return withKnown(await hubFile(at, hub.path, path, options), sha256);
    }
    if (url) return webSource(url, { path, bytes, digest }, options);
    throw new RangeError(`Cannot fetch ${path} as nobody publishes it: give it by --from`);
  }));
}

/**
 * A source whose sha256 is known beforehand.
 *
 * @throws {RangeError} When the other side says another.
 */
export function withKnown(source: FileSource, sha256: string | undefined): FileSource {
  if (sha256 === undefined) return source;
  const { digest } = source;
  if (digest?.algorithm === "sha256" && digest.hex !== sha256) {
    throw new RangeError(
      `Cannot take ${source.from} as its sha256 must be ${sha256}: current value is ${digest.hex}`,
    );
  }
  return { ...source, digest: { algorithm: "sha256", hex: sha256 } };
}
