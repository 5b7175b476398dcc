import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  hubFile,
  hubFolder,
  type HubOptions,
  remoteSources,
  resolveHub,
  withKnown,
} from "../../lib/fetch/hub.ts";
import { checkRelativePath, checkRepo } from "../../lib/fetch/remote_file.ts";
import { receiveFile } from "../../lib/fetch/receive.ts";
import { FetchFault } from "../../lib/fetch/source.ts";
import { COMMIT, content, openHub, sha256Of, temporaryFolder } from "./_hub.ts";

const LARGE = content(5000);
const FILES = { "config.json": content(20, 2), "big file#1.bin": LARGE, "notes.txt": content(5) };
const ALL = (): boolean => true;

Deno.test("resolveHub() finds the commit of a branch, and asks nothing for a commit", async () => {
  await using hub = openHub(FILES);
  const found = await resolveHub("owner/model", "model", "main", hub.options);
  assertEquals(found, { repo: "owner/model", repoType: "model", commit: COMMIT });
  assertEquals(hub.log.length, 1);
  await resolveHub("owner/model", "model", COMMIT, hub.options);
  assertEquals(hub.log.length, 1);
});

Deno.test("hubFolder() lists the wanted files over all pages, with git's hash or sha256", async () => {
  await using hub = openHub(FILES);
  const at = { repo: "owner/model", repoType: "model", commit: COMMIT } as const;
  const sources = await hubFolder(at, (path) => path !== "notes.txt", hub.options);
  assertEquals(sources.map(({ path, bytes, digest }) => [path, bytes, digest?.algorithm]), [
    ["config.json", 20, "git"],
    ["big file#1.bin", 5000, "sha256"],
  ]);
  // git hash-object of a file with bytes (31 i + 34) mod 256, i < 20; git 2.39.5
  assertEquals(sources[0]!.digest!.hex, "cd5929ed8b4fc7f5e43f002ac8538d6f4328b7d6");
  assertEquals(sources[1]!.digest!.hex, sha256Of(LARGE));
  assertEquals(hub.log.length, 3); // one page each
});

Deno.test("hubFolder() gives sources that are received and checked by either hash", async () => {
  await using hub = openHub(FILES);
  await using folder = await temporaryFolder();
  const at = { repo: "owner/model", repoType: "model", commit: COMMIT } as const;
  for (const source of await hubFolder(at, ALL, hub.options)) {
    const path = `${folder.path}/${source.path}`;
    await receiveFile(source, path, hub.options);
    assertEquals(await Deno.readFile(path), FILES[source.path as keyof typeof FILES]);
  }
  const [config] = await hubFolder(at, ALL, hub.options);
  hub.faults.push({ kind: "wrong" });
  const path = `${folder.path}/config.json`;
  await assertRejects(
    () => receiveFile(config!, path, hub.options),
    RangeError,
    "as its git hash must be",
  );
});

Deno.test("hubFolder() sends its token to the hub alone, not to the store it redirects to", async () => {
  await using hub = openHub(FILES);
  await using folder = await temporaryFolder();
  const options: HubOptions = { ...hub.options, token: "any-form" };
  const at = await resolveHub("owner/model", "model", "main", options);
  const [source] = await hubFolder(at, (path) => path.startsWith("big"), options);
  await receiveFile(source!, `${folder.path}/big`, options);
  const tokens = hub.log.map((line) => [line.split(" ")[0], line.endsWith(" token")]);
  assertEquals(tokens.slice(-2), [["hub", true], ["store", false]]);
  assert(tokens.slice(0, -1).every(([, token]) => token), hub.log.join("\n"));
});

Deno.test("hubFile() gives one file under another name, and names one that is not there", async () => {
  await using hub = openHub(FILES);
  const at = { repo: "owner/model", repoType: "model", commit: COMMIT } as const;
  const source = await hubFile(at, "big file#1.bin", "data/big.bin", hub.options);
  assertEquals([source.path, source.bytes], ["data/big.bin", 5000]);
  assert(source.from.endsWith(`/owner/model/resolve/${COMMIT}/big%20file%231.bin`));
  await assertRejects(
    () => hubFile(at, "none.bin", "none.bin", hub.options),
    FetchFault,
    `Cannot fetch owner/model as commit ${COMMIT} must hold none.bin: there is no such file`,
  );
});

Deno.test("resolveHub() asks a busy hub again, and says in a line why one refuses", async () => {
  await using hub = openHub(FILES);
  hub.apiFaults.push({ status: 429, headers: { "retry-after": "2" } }, { status: 503 });
  const found = await resolveHub("owner/model", "model", "main", hub.options);
  assertEquals([found.commit, hub.log.length], [COMMIT, 3]);
  hub.apiFaults.push({ status: 401 });
  for (const [repo, revision, status] of [["owner/none", "main", 404], ["owner/model", "x", 404]]) {
    const error = await assertRejects(
      () => resolveHub(String(repo), "model", String(revision), hub.options),
      FetchFault,
    );
    assert(/current answer is 40[14]/.test(error.message), `${status}: ${error.message}`);
  }
});

Deno.test("remoteSources() takes a file from the hub or an address, and checks what is known", async () => {
  await using hub = openHub(FILES);
  const hubFile = { repo: "owner/model", revision: COMMIT, path: "big file#1.bin" };
  const file = { path: "big.bin", hub: { ...hubFile, repoType: "model" } } as const;
  const [big, other] = await remoteSources([
    { ...file, sha256: sha256Of(LARGE) },
    { path: "x.jsonl", url: "https://example.org/x.jsonl", sha256: "00" },
  ], hub.options);
  assertEquals([big!.path, big!.digest!.hex], ["big.bin", sha256Of(LARGE)]);
  assertEquals([other!.from, other!.digest!.hex], ["https://example.org/x.jsonl", "00"]);
  await assertRejects(
    () => remoteSources([{ ...file, sha256: "00" }], hub.options),
    RangeError,
    `as its sha256 must be 00: current value is ${sha256Of(LARGE)}`,
  );
  await assertRejects(() => remoteSources([{ path: "x" }]), RangeError, "give it by --from");
});

Deno.test("withKnown() puts a sha256 in the place of git's hash", () => {
  const digest = { algorithm: "git", hex: "11" } as const;
  const source = { path: "a", from: "b", digest, open: () => Promise.reject() };
  assertEquals(withKnown(source, "22").digest, { algorithm: "sha256", hex: "22" });
  assertEquals(withKnown(source, undefined).digest, digest);
});

Deno.test("checkRelativePath() lets nothing out of its folder", () => {
  for (const path of ["config.json", "data/a-0.parquet", ".hidden", "big file#1.bin"]) {
    checkRelativePath(path);
  }
  const bad = [
    "",
    "/etc/passwd",
    "..",
    "a/../b",
    "a//b",
    "a/",
    "./a",
    "C:a",
    "a\\b",
    "a\0b",
    "a. ",
  ];
  for (const path of bad) {
    assertThrows(() => checkRelativePath(path), RangeError, "must stay below its folder", path);
  }
  for (const repo of ["owner", "a/b/c", "../b", "a/b?x", "a/.."]) {
    assertThrows(() => checkRepo(repo), RangeError, undefined, repo);
  }
});
