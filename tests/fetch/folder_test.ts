import { assert, assertEquals, assertRejects } from "@std/assert";
import { changedFiles, fetchFolder, readFolderRecord } from "../../lib/fetch/folder.ts";
import { hubFolder, type HubRepo } from "../../lib/fetch/hub.ts";
import { FetchFault } from "../../lib/fetch/source.ts";
import { webSource } from "../../lib/fetch/web.ts";
import { COMMIT, content, openHub, sha256Of, temporaryFolder, type TestHub } from "./_hub.ts";

const FILES = { "config.json": content(20, 2), "model.safetensors": content(90_000) };
const AT: HubRepo = { repo: "owner/model", repoType: "model", commit: COMMIT };
const ORIGIN = { name: "model", source: `owner/model@${COMMIT}`, licence: "MIT" };
const now = () => Date.UTC(2026, 0, 2);

async function fetchAll(hub: TestHub, folder: string): ReturnType<typeof fetchFolder> {
  const sources = await hubFolder(AT, () => true, hub.options);
  return await fetchFolder(folder, ORIGIN, sources, { ...hub.options, now });
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("fetchFolder() puts a folder in place with a record of every file", async () => {
  await using hub = openHub(FILES);
  await using folder = await temporaryFolder();
  const target = `${folder.path}/deep/model`;
  const { received, ...record } = await fetchAll(hub, target);
  assertEquals(received, ["config.json", "model.safetensors"]);
  assertEquals(record, await readFolderRecord(target));
  const url = `${hub.options.endpoint}/owner/model/resolve/${COMMIT}`;
  assertEquals(record, {
    ...ORIGIN,
    fetched: "2026-01-02T00:00:00.000Z",
    files: Object.entries(FILES).map(([path, bytes]) => ({
      path,
      bytes: bytes.length,
      sha256: sha256Of(bytes),
      from: `${url}/${path}`,
    })),
  });
  assertEquals(namesIn(target), ["config.json", "model.safetensors", "source.json"]);
  assertEquals(namesIn(`${folder.path}/deep`), ["model"]);
  assertEquals(await changedFiles(target, record), []);
});

Deno.test("fetchFolder() receives again only what has changed", async () => {
  await using hub = openHub(FILES);
  await using folder = await temporaryFolder();
  const target = `${folder.path}/model`;
  await fetchAll(hub, target);
  assertEquals((await fetchAll(hub, target)).received, []);
  await Deno.writeTextFile(`${target}/config.json`, "mine");
  assertEquals(await changedFiles(target, (await readFolderRecord(target))!), ["config.json"]);
  assertEquals((await fetchAll(hub, target)).received, ["config.json"]);
  assertEquals(await Deno.readFile(`${target}/config.json`), FILES["config.json"]);
});

Deno.test("fetchFolder() leaves the old folder, when a file of the new one is wrong", async () => {
  await using hub = openHub({ ...FILES });
  await using folder = await temporaryFolder();
  const target = `${folder.path}/model`;
  await fetchAll(hub, target);
  hub.files["config.json"] = content(30, 3);
  hub.files["model.safetensors"] = content(80_000, 3);
  hub.faults.push({ kind: "whole" }, { kind: "wrong" });
  await assertRejects(() => fetchAll(hub, target), RangeError, "as its sha256 must be");
  assertEquals(await Deno.readFile(`${target}/config.json`), FILES["config.json"]);
  assertEquals(await Deno.readFile(`${target}/model.safetensors`), FILES["model.safetensors"]);
  await fetchAll(hub, target);
  assertEquals(await Deno.readFile(`${target}/model.safetensors`), content(80_000, 3));
  assertEquals(namesIn(folder.path), ["model"]);
});

Deno.test("fetchFolder() goes on where it was stopped", async () => {
  await using hub = openHub(FILES);
  await using folder = await temporaryFolder();
  const target = `${folder.path}/model`;
  const down = { kind: "status", status: 403 } as const;
  hub.faults.push({ kind: "whole" }, { kind: "cut", after: 40_000 }, down);
  await assertRejects(() => fetchAll(hub, target), FetchFault, "403");
  assertEquals(namesIn(folder.path), ["model.part"]);
  hub.log.length = 0;
  assertEquals((await fetchAll(hub, target)).received, ["model.safetensors"]);
  const asked = hub.log.filter((line) => line.startsWith("store"));
  assert(/^store GET \/model.safetensors bytes=\d+-$/.test(asked.join()), asked.join());
  assertEquals(namesIn(folder.path), ["model"]);
});

Deno.test("fetchFolder() leaves nothing, when nothing arrived", async () => {
  await using hub = openHub(FILES);
  await using folder = await temporaryFolder();
  hub.faults.push({ kind: "status", status: 404 });
  await assertRejects(() => fetchAll(hub, `${folder.path}/model`), FetchFault);
  assertEquals(namesIn(folder.path), []);
});

Deno.test("fetchFolder() leaves what another process has just begun", async () => {
  await using hub = openHub(FILES);
  await using folder = await temporaryFolder();
  const target = `${folder.path}/model`;
  await Deno.mkdir(`${target}.part`);
  const part = `${target}.part/config.json.part`;
  {
    using other = await Deno.open(part, { write: true, create: true });
    assert(await other.tryLock(true));
    await assertRejects(() => fetchAll(hub, target), FetchFault, "as another process does");
  }
  assertEquals((await Deno.stat(part)).size, 0); // there, though nothing has arrived yet
  assertEquals((await fetchAll(hub, target)).received.length, 2);
});

Deno.test("fetchFolder() tells how far it is, over all files", async () => {
  await using hub = openHub(FILES);
  await using folder = await temporaryFolder();
  const told: [path: string, bytes: number, total?: number][] = [];
  const sources = await hubFolder(AT, () => true, hub.options);
  await fetchFolder(`${folder.path}/model`, ORIGIN, sources, {
    onProgress: ({ path, bytes, total }) => told.push([path, bytes, total]),
  });
  assertEquals(told[0], ["config.json", 0, 90_020]);
  assertEquals(told.at(-1), ["model.safetensors", 90_020, 90_020]);
  assert(told.every(([, bytes], i) => bytes >= (told[i - 1]?.[1] ?? 0)));
});

Deno.test("fetchFolder() keeps a file without a known hash while its address is the same", async () => {
  await using hub = openHub(FILES);
  await using folder = await temporaryFolder();
  const target = `${folder.path}/data`;
  const url = `${hub.options.endpoint}/owner/model/resolve/${COMMIT}/config.json`;
  const run = (url: string) => {
    const sources = [webSource(url, { path: "a/questions.jsonl" }, hub.options)];
    return fetchFolder(target, { name: "data", source: url }, sources, hub.options);
  };
  assertEquals((await run(url)).received, ["a/questions.jsonl"]);
  assertEquals((await run(url)).received, []);
  assertEquals((await run(`${url}?v=2`)).received, ["a/questions.jsonl"]);
});

Deno.test("fetchFolder() refuses sources that would be placed elsewhere, or are none", async () => {
  const at = (path: string) => [webSource("http://127.0.0.1/x", { path })];
  for (
    const [sources, words] of [
      [[], "there must be a file: there is none"],
      [at("../x"), "must stay below its folder"],
      [at("source.json"), "source.json is the name of the record"],
    ] as const
  ) {
    await assertRejects(() => fetchFolder("never", ORIGIN, sources), RangeError, words);
  }
});

Deno.test("readFolderRecord() names what is wrong with a record", async () => {
  await using folder = await temporaryFolder();
  assertEquals(await readFolderRecord(folder.path), undefined);
  await Deno.writeTextFile(`${folder.path}/source.json`, `{"name":"a","source":"b"}`);
  await assertRejects(() => readFolderRecord(folder.path), TypeError, "as fetched is wrong");
});
