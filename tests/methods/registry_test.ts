import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { checkSettings, METHODS, openMethod, PRESETS } from "../../lib/methods/registry.ts";
import { rl } from "../../lib/methods/rl.ts";
import { puzzles } from "./_puzzles.ts";

const lib = new URL("../../lib/methods/", import.meta.url);

/** Opens a file of one's own that holds a text. */
async function openOwn(name: string, text: string): Promise<unknown> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/${name}`, text);
    return await openMethod(`${folder}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("METHODS and PRESETS know each method by its id", () => {
  for (const [id, method] of Object.entries(METHODS)) {
    assertEquals([method.id, PRESETS[id]], [id, { method: id, config: method.config }]);
  }
});

Deno.test("openMethod() gives a built-in method, or that of a file of one's own", async () => {
  assertStrictEquals(await openMethod("rl"), rl);
  const text = `import { method } from "${new URL("method.ts", lib)}";
    import { rl } from "${new URL("rl.ts", lib)}";
    export default method({ ...rl, id: "mine" });`;
  assertEquals((await openOwn("mine.ts", text) as typeof rl).id, "mine");
});

Deno.test("openMethod() says what is wrong with a name or a file", async () => {
  const list = Object.keys(METHODS).join(", ");
  for (const name of ["ppo", "", "toString", "relift.md"]) {
    const message =
      `Cannot train as a method must be ${list} or a .ts file: current value is ${name}`;
    await assertRejects(() => openMethod(name), RangeError, message);
  }
  const message = "Cannot read none/mine.ts: there is no such file";
  await assertRejects(() => openMethod("none/mine.ts"), Deno.errors.NotFound, message);
  const noMethod = "mine.ts as its default export must be made by method(): current value is";
  for (
    const [text, is] of [
      ["export const mine = 1;", "none"],
      ["export default 42;", "number"],
      ["export default { id: 'mine' };", "object"],
      ["export default function mine() {}", "function"],
    ]
  ) await assertRejects(() => openOwn("mine.ts", text!), TypeError, `${noMethod} ${is}`);
  const broken = "mine.ts as it must load: ";
  await assertRejects(() => openOwn("mine.ts", "export default 3 +;"), SyntaxError, broken);
  await assertRejects(
    () => openOwn("mine.ts", 'import "./nowhere.ts";\nexport default 1;'),
    SyntaxError,
    broken,
  );
});

Deno.test("openMethod() lets what a file throws itself through, with its stack", async () => {
  await assertRejects(() => openOwn("mine.ts", "throw new Error('mine');"), Error, "mine");
});

Deno.test("checkSettings() checks settings, and the number of questions where it is known", async () => {
  const { config } = PRESETS["sft-rl"]!;
  await checkSettings({ method: "sft-rl", config });
  const settings = { method: "sft-rl", config };
  const message = "Cannot train on puzzles as sftQuestions must hold the 32 questions of a step";
  await assertRejects(() => checkSettings(settings, puzzles()), RangeError, message);
  await assertRejects(() => checkSettings({ method: "ppo", config }), RangeError, "must be rl,");
  assertThrows(() => rl.check({ ...rl.config, groupSize: 1 }), RangeError, "groupSize");
});
