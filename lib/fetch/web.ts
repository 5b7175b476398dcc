/**
 * Files at an address.
 *
 * @module
 */
import { FetchFault, type FileSource, type OpenedSource } from "./source.ts";

/** How requests are made. */
export interface WebOptions {
  /** {@linkcode fetch} unless given; Deno's follows HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
  readonly fetch?: typeof fetch;
  /** Milliseconds of silence after which the other side has hung; a minute unless given. */
  readonly idle?: number;
}

/** A file at an address. */
export function webSource(
  url: string,
  file: Pick<FileSource, "path" | "bytes" | "digest">,
  options: WebOptions = {},
): FileSource {
  return {
    ...file,
    from: url,
    async open(start: number): Promise<OpenedSource> {
      // The bytes as they are stored: ranges and lengths are of what travels.
      const headers = { "accept-encoding": "identity", ...rangeFrom(start) };
      const response = await request(url, { headers }, options, start > 0 ? [416] : []);
      const { body } = response;
      if (response.status !== 416) return { ...extentOf(response), body: body ?? empty() };
      await body?.cancel();
      const bytes = /^bytes \*\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
      return Number(bytes) === start // all is there already
        ? { start, bytes: start, body: empty() }
        : await this.open(0);
    },
  };
}

function empty(): ReadableStream<Uint8Array> {
  return new Blob().stream();
}

function rangeFrom(start: number): { range?: string } {
  return start > 0 ? { range: `bytes=${start}-` } : {};
}

/** Where the body of a response begins in its file, and how long that is. */
function extentOf({ status, headers }: Response): { start: number; bytes?: number } {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  if (status === 206 && range) {
    return { start: Number(range[1]), bytes: range[2] === "*" ? undefined : Number(range[2]) };
  }
  const length = headers.has("content-encoding") ? null : headers.get("content-length");
  return { start: 0, bytes: length === null ? undefined : Number(length) };
}

/**
 * Makes a request whose answer must be a good one.
 *
 * @param besides Statuses that will do too.
 * @throws {FetchFault} In one line, whatever came instead.
 */
export async function request(
  url: string,
  init: RequestInit,
  { fetch: send = fetch, idle = 60_000 }: WebOptions = {},
  besides: readonly number[] = [],
): Promise<Response> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), idle);
  let response: Response;
  try {
    response = await send(url, { ...init, signal: abort.signal });
  } catch (error) {
    if (error instanceof FetchFault) throw error;
    throw unreachable(url, abort.signal.aborted ? `silent for ${idle / 1000} s` : error);
  } finally {
    clearTimeout(timer);
  }
  if (response.ok || besides.includes(response.status)) return response;
  await response.body?.cancel();
  throw refusal(url, response);
}

function unreachable(url: string, reason: unknown): FetchFault {
  const { host } = new URL(url);
  return new FetchFault(
    `Cannot fetch ${url} as ${host} cannot be reached: ${
      reason instanceof Error ? faultWords(reason) : reason
    }`,
    { passing: true, unreachable: true, cause: reason },
  );
}

/** Why {@linkcode fetch} failed, without the address, which is told elsewhere. */
export function faultWords({ message, cause }: Error): string {
  const words = cause instanceof Error ? cause.message : message;
  return words.replace(/^error sending request for url \(.*?\): /, "");
}

/** What the status of an answer means to who asked for a file. */
function refusal(url: string, { status, statusText, headers }: Response): FetchFault {
  const retryAfter = retryAfterOf(headers);
  const wait = retryAfter === undefined
    ? ""
    : `, and asks to wait ${Math.ceil(retryAfter / 1000)} s`;
  const reason = status === 401 || status === 403
    ? "it may be read only with a token that has access (HF_TOKEN on the hub)"
    : status === 404 || status === 410
    ? "there is no such file or repository, or it may be read only with a token (HF_TOKEN)"
    : status === 429
    ? `the server has had too many requests${wait}`
    : `the server has a fault${wait}`;
  const passing = status === 408 || status === 429 || status >= 500;
  const code = `${status} ${statusText}`.trim();
  return new FetchFault(
    passing || status < 405
      ? `Cannot fetch ${url} as ${reason}: current answer is ${code}`
      : `Cannot fetch ${url} as the server must send it: current answer is ${code}`,
    { passing, retryAfter },
  );
}

/** Milliseconds that a server asks to wait: `Retry-After`, in seconds or as a date. */
export function retryAfterOf(headers: Headers, now = Date.now()): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return;
  const wait = /^\s*\d+\s*$/.test(text) ? 1000 * Number(text) : Date.parse(text) - now;
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}
