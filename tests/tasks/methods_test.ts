import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { METHODS, PRESETS } from "../../lib/methods/registry.ts";
import { methods, methodsPage } from "../../tasks/methods.ts";

const docs = new URL("../../docs/", import.meta.url);

Deno.test("docs/METHODS.md is what the methods give", async () => {
  const committed = await Deno.readTextFile(new URL("METHODS.md", docs));
  assertEquals(committed, methodsPage(), "deno task methods writes it again");
});

Deno.test("methodsPage() links the file of every method, and names every preset", async () => {
  const page = methodsPage();
  for (const id of Object.keys(METHODS)) {
    const link = page.match(`\\[\`${id}\`\\]\\((\\S+)\\)`)?.[1];
    assert(link, `${id} is not on the page`);
    assert((await Deno.stat(new URL(link, docs))).isFile);
  }
  for (const preset of Object.keys(PRESETS)) assertStringIncludes(page, `\`${preset}\``);
});

Deno.test("methodsPage() tells a preset's settings by their difference from the method's", () => {
  assertStringIncludes(
    methodsPage(),
    "`steps` 149, `sftSteps` 69, `sftQuestions.to` 0.5, `rlQuestions.from` 0.5",
  );
});

Deno.test("methods() writes the page, and the folder it is in", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await methods({ out: `${folder}/new/METHODS.md` });
    assertEquals(await Deno.readTextFile(`${folder}/new/METHODS.md`), methodsPage());
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
