import { assert, assertEquals, assertRejects } from "@std/assert";
import { receiveFile } from "../../lib/fetch/receive.ts";
import { FetchFault, type FileSource } from "../../lib/fetch/source.ts";
import { webSource } from "../../lib/fetch/web.ts";
import { content, type Fault, openHub, sha256Of, temporaryFolder, type TestHub } from "./_hub.ts";

const FILE = content(200_000);
const SHA256 = sha256Of(FILE);

/** A source with everything known of it, straight from the store. */
function source(hub: TestHub, known: Partial<FileSource> = {}): FileSource {
  const digest = { algorithm: "sha256", hex: SHA256 } as const;
  const url = `${hub.options.endpoint}/owner/model/resolve/${
    "0123456789abcdef".repeat(3).slice(0, 40)
  }/w`;
  return webSource(url, { path: "w", bytes: FILE.length, digest, ...known }, hub.options);
}

/** Receives with faults on the way; what was asked of the store, and the pauses. */
async function receive(
  faults: readonly Fault[],
  options: { known?: Partial<FileSource>; idle?: number; part?: Uint8Array; old?: string } = {},
): Promise<{ asked: string[]; pauses: number[]; error?: Error; left: Record<string, number> }> {
  await using hub = openHub({ w: FILE });
  await using folder = await temporaryFolder();
  hub.faults.push(...faults);
  const path = `${folder.path}/w`;
  if (options.part) await Deno.writeFile(`${path}.part`, options.part);
  if (options.old) await Deno.writeTextFile(path, options.old);
  const pauses: number[] = [];
  const wait = (pause: number) => Promise.resolve(void pauses.push(pause));
  let error: Error | undefined;
  try {
    const { idle = 5000 } = options;
    const got = await receiveFile(source(hub, options.known), path, { wait, idle });
    assertEquals(got, { bytes: FILE.length, sha256: SHA256 });
    assertEquals(await Deno.readFile(path), FILE);
  } catch (thrown) {
    error = thrown as Error;
  }
  const left = [...Deno.readDirSync(folder.path)]
    .map(({ name }) => [name, Deno.statSync(`${folder.path}/${name}`).size] as const);
  const asked = hub.log.filter((line) => line.startsWith("store"));
  return { asked, pauses, error, left: Object.fromEntries(left) };
}

const WHOLE = { w: FILE.length };

Deno.test("receiveFile() receives a file, and leaves nothing else", async () => {
  const { asked, error, left } = await receive([]);
  assertEquals([error, asked, left], [undefined, ["store GET /w"], WHOLE]);
});

Deno.test("receiveFile() asks for the rest of a file that was cut off, time and again", async () => {
  const { asked, pauses, error, left } = await receive([
    { kind: "cut", after: 50_000 },
    { kind: "cut", after: 70_000 },
    { kind: "status", status: 503 },
    { kind: "status", status: 429, headers: { "retry-after": "7" } },
  ]);
  assertEquals([error, left], [undefined, WHOLE]);
  const ranges = asked.map((line) => Number(/bytes=(\d+)/.exec(line)?.[1] ?? 0));
  assertEquals(ranges[0], 0);
  assert(ranges.every((range, i) => range >= (ranges[i - 1] ?? 0)), String(ranges));
  assertEquals(ranges.length, 5);
  assertEquals(pauses.slice(-1), [7000]);
});

Deno.test("receiveFile() goes on with what an earlier run left, hashed again", async () => {
  const { asked, error, left } = await receive([], { part: FILE.slice(0, 150_000) });
  assertEquals([error, asked, left], [undefined, ["store GET /w bytes=150000-"], WHOLE]);
});

Deno.test("receiveFile() asks for nothing when an earlier run left all", async () => {
  const { asked, error, left } = await receive([], { part: FILE });
  assertEquals([error, asked, left], [undefined, [], WHOLE]);
});

Deno.test("receiveFile() takes the end of a file from the server, when nobody knows its length", async () => {
  const known = { bytes: undefined };
  const { asked, error, left } = await receive([], { part: FILE, known });
  assertEquals([error, asked, left], [undefined, ["store GET /w bytes=200000-"], WHOLE]);
});

Deno.test("receiveFile() begins anew, when an earlier run left other bytes or too many", async () => {
  const other = await receive([], { part: new Uint8Array(1000) });
  assertEquals(other.asked, ["store GET /w bytes=1000-", "store GET /w"]);
  assertEquals([other.error, other.left], [undefined, WHOLE]);
  const more = await receive([], { part: new Uint8Array(FILE.length + 1) });
  assertEquals([more.error, more.asked, more.left], [undefined, ["store GET /w"], WHOLE]);
});

Deno.test("receiveFile() begins anew, when the server sends all whatever is asked", async () => {
  const { asked, error, left } = await receive([{ kind: "whole" }], { part: FILE.slice(0, 9) });
  assertEquals([error, asked, left], [undefined, ["store GET /w bytes=9-"], WHOLE]);
});

Deno.test("receiveFile() resumes nothing that it could not check", async () => {
  const known = { bytes: undefined, digest: undefined };
  const { asked, error, left } = await receive([], { part: FILE.slice(0, 9), known });
  assertEquals([error, asked, left], [undefined, ["store GET /w"], WHOLE]);
});

Deno.test("receiveFile() leaves the old file, when the new one hashes wrong", async () => {
  const { asked, error, left } = await receive([{ kind: "wrong" }], { old: "old" });
  assert(error instanceof RangeError);
  assert(error.message.includes(`as its sha256 must be ${SHA256}: current value is`));
  assertEquals([asked.length, left], [1, { w: 3, "w.part": 0 }]);
});

Deno.test("receiveFile() refuses a file that is longer than it may be", async () => {
  const { error, left } = await receive([], { known: { bytes: 100 }, old: "old" });
  assert(error instanceof RangeError && error.message.endsWith("must have 100 bytes: it has more"));
  assertEquals(left, { w: 3, "w.part": 0 });
});

Deno.test("receiveFile() gives up on a server that hangs, and keeps what arrived", async () => {
  const hang = { kind: "hang", after: 0 } as const;
  const faults = [{ kind: "hang", after: 60_000 } as const, hang, hang, hang, hang, hang];
  const { error, pauses, left } = await receive(faults, { idle: 60 });
  assert(error instanceof FetchFault && error.message.endsWith("nothing arrived for 0.06 s"));
  assertEquals(left, { "w.part": 60_000 });
  assertEquals(pauses, [1000, 2000, 4000, 8000]);
});

Deno.test("receiveFile() says in a line why a server refuses, and asks no second time", async () => {
  const cases: [status: number, headers: HeadersInit, words: string][] = [
    [
      401,
      {},
      "may be read only with a token that has access (HF_TOKEN on the hub): current answer is 401",
    ],
    [403, {}, "current answer is 403 Forbidden"],
    [404, {}, "there is no such file or repository"],
    [429, { "retry-after": "3600" }, "too many requests, and asks to wait 3600 s"],
    [418, {}, "as the server must send it: current answer is 418"],
  ];
  for (const [status, headers, words] of cases) {
    const { error, asked, left } = await receive([{ kind: "status", status, headers }]);
    assert(error instanceof FetchFault && error.message.includes(words), error?.message);
    assertEquals([asked.length, Object.values(left)], [1, [0]]);
  }
});

Deno.test("receiveFile() says at once that nobody can be reached", async () => {
  await using folder = await temporaryFolder();
  const { port } = ((listener) => (listener.close(), listener.addr))(
    Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  ) as Deno.NetAddr;
  const error = await assertRejects(
    () =>
      receiveFile(webSource(`http://127.0.0.1:${port}/w`, { path: "w" }), `${folder.path}/w`, {
        wait: () => Promise.reject(new Error("waited")),
      }),
    FetchFault,
    `as 127.0.0.1:${port} cannot be reached: client error (Connect): `,
  );
  assert(error.unreachable);
});

Deno.test("receiveFile() tells a full disk in a line, and keeps the old file", async () => {
  await using hub = openHub({ w: FILE });
  await using folder = await temporaryFolder();
  const path = `${folder.path}/w`;
  await Deno.writeTextFile(path, "old");
  const full = Object.assign(new Error("No space left on device (os error 28)"), {
    code: "ENOSPC",
  });
  const open = async (path: string, options: Deno.OpenOptions) => {
    const file = await Deno.open(path, options);
    file.write = () => Promise.reject(full);
    return file;
  };
  await assertRejects(
    () => receiveFile(source(hub), path, { open }),
    Error,
    `Cannot write ${path}.part as the disk is full: what was there before is unchanged`,
  );
  assertEquals(await Deno.readTextFile(path), "old");
});

Deno.test("receiveFile() does not fill a part that another process fills", async () => {
  await using hub = openHub({ w: FILE });
  await using folder = await temporaryFolder();
  const path = `${folder.path}/w`;
  using other = await Deno.open(`${path}.part`, { write: true, create: true });
  assert(await other.tryLock(true));
  const error = await assertRejects(() => receiveFile(source(hub), path), FetchFault);
  assert(error.message.endsWith(".part as another process does"));
});
