/**
 * A server on this machine that answers as the Hugging Face hub does, with its store of large files
 * on another port; and that can be told to fail.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { HubOptions } from "../../lib/fetch/hub.ts";

/** What a request for a file is answered with, instead of the file. */
export type Fault =
  | { readonly kind: "cut"; readonly after: number }
  | { readonly kind: "hang"; readonly after: number }
  | { readonly kind: "wrong" }
  | { readonly kind: "whole" } // the range is ignored, which is no fault where there is none
  | { readonly kind: "status"; readonly status: number; readonly headers?: HeadersInit };

/** A hub that runs. */
export interface TestHub extends AsyncDisposable {
  readonly options: HubOptions & { readonly endpoint: string };
  /** Requests so far: method, path, range and whether they carried a token. */
  readonly log: string[];
  /** What becomes of the next requests for content. */
  readonly faults: Fault[];
  /** What the next requests of the API are answered with. */
  readonly apiFaults: { status: number; headers?: HeadersInit }[];
  /** Its files by path; those of more than 100 bytes are large files. */
  readonly files: Record<string, Uint8Array<ArrayBuffer>>;
}

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
export const LARGE = 100;

/** Content that differs from byte to byte. */
export function content(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >> 8)) & 255);
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A folder that goes when the test ends. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Starts a hub with one repository, `owner/model`, whose branch `main` is {@linkcode COMMIT}. */
export function openHub(files: TestHub["files"]): TestHub {
  const log: string[] = [];
  const faults: Fault[] = [];
  const apiFaults: TestHub["apiFaults"] = [];
  const note = (where: string, { method, headers, url }: Request) => {
    const parts = [
      `${where} ${method}`,
      new URL(url).pathname,
      headers.get("range"),
      headers.get("authorization") && "token",
    ];
    log.push(parts.filter(Boolean).join(" "));
  };
  const listen = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const store = Deno.serve(listen, (request) => {
    note("store", request);
    const path = new URL(request.url).pathname.slice(1);
    return serveFile(files[decodeURIComponent(path)], request, faults.shift());
  });
  const hub = Deno.serve(listen, (request) => {
    note("hub", request);
    const { pathname, origin } = new URL(request.url);
    if (pathname.startsWith("/api/")) {
      const fault = apiFaults.shift();
      return fault
        ? new Response("{}", { status: fault.status, headers: fault.headers })
        : api(request, origin, files);
    }
    const path = decodeURIComponent(pathname.split(`/resolve/${COMMIT}/`)[1] ?? "");
    const file = files[path];
    if (file && file.length > LARGE) {
      const place = encodeURIComponent(path);
      return Response.redirect(`http://127.0.0.1:${store.addr.port}/${place}`, 302);
    }
    return serveFile(file, request, faults.shift());
  });
  return {
    options: { endpoint: `http://127.0.0.1:${hub.addr.port}`, wait: () => Promise.resolve() },
    ...{ log, faults, apiFaults, files },
    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all([hub.shutdown(), store.shutdown()]);
    },
  };
}

function entryOf(path: string, file: Uint8Array): Record<string, unknown> {
  const oid = createHash("sha1").update(`blob ${file.length}\0`).update(file).digest("hex");
  const lfs = { oid: sha256Of(file), size: file.length, pointerSize: 130 };
  return { type: "file", path, size: file.length, oid, ...(file.length > LARGE ? { lfs } : {}) };
}

/** The parts of the API that are asked: a revision's commit, a tree in pages, chosen paths. */
async function api(request: Request, origin: string, files: TestHub["files"]): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const [, , kind, owner, name, verb, revision] = pathname.split("/");
  if (`${kind}/${owner}/${name}` !== "models/owner/model") {
    return Response.json({ error: "Repository not found" }, { status: 404 });
  }
  if (verb === "revision") {
    return revision === "main"
      ? Response.json({ id: "owner/model", _id: "1", sha: COMMIT, lastModified: "2026-01-01" })
      : Response.json({ error: "Invalid rev id" }, { status: 404 });
  }
  const all = Object.entries(files).map(([path, file]) => entryOf(path, file));
  if (verb === "paths-info") {
    const { paths } = await request.json();
    return Response.json(all.filter(({ path }) => paths.includes(path)));
  }
  const page = Number(searchParams.get("cursor") ?? 0);
  const next = `<${origin}${pathname}?cursor=${page + 1}>; rel="next"`;
  const headers = page + 1 < all.length ? { link: next } : undefined;
  return Response.json(all.slice(page, page + 1), { headers });
}

function serveFile(
  file: Uint8Array<ArrayBuffer> | undefined,
  { headers }: Request,
  fault: Fault | undefined,
): Response {
  if (fault?.kind === "status") {
    return new Response("no", { status: fault.status, headers: fault.headers });
  }
  if (!file) return new Response("Entry not found", { status: 404 });
  const range = /^bytes=(\d+)-$/.exec(headers.get("range") ?? "")?.[1];
  const start = fault?.kind === "whole" ? 0 : Number(range ?? 0);
  const total = file.length;
  if (start >= total && total > 0) {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${total}` } });
  }
  const rest = fault?.kind === "wrong"
    ? file.slice(start).map((byte) => byte ^ 1)
    : file.slice(start);
  const partial = { "content-range": `bytes ${start}-${total - 1}/${total}` };
  return new Response(bodyOf(rest, fault), {
    status: start > 0 ? 206 : 200,
    headers: { ...(start > 0 ? partial : {}), "content-length": String(rest.length) },
  });
}

function bodyOf(bytes: Uint8Array<ArrayBuffer>, fault: Fault | undefined): BodyInit {
  if (fault?.kind !== "cut" && fault?.kind !== "hang") return bytes;
  let sent = false;
  return new ReadableStream({
    pull(controller): Promise<void> | void {
      if (!sent) {
        sent = true;
        if (fault.after > 0) return controller.enqueue(bytes.slice(0, fault.after));
      }
      if (fault.kind === "cut") return controller.close(); // short of its content-length: the connection breaks
      return new Promise(() => {}); // until the other side gives up
    },
  });
}
