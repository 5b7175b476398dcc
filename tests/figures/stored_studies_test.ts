import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { NotebookKernel } from "../../lib/figures/show.ts";
import { readStudies, showStudyFigure } from "../../lib/figures/stored_studies.ts";
import { writeCell } from "../../lib/runs/study.ts";
import { madeUpStudy, MAIN } from "./_cells.ts";

/** A kernel that keeps the line of text of each output. */
function recorder(): { kernel: NotebookKernel; texts: string[] } {
  const texts: string[] = [];
  const kernel = {
    broadcast(_: string, { data }: Record<string, unknown>): Promise<void> {
      texts.push((data as Record<string, string>)["text/plain"]!);
      return Promise.resolve();
    },
  };
  return { kernel, texts };
}

const named = (...entries: string[]) =>
  madeUpStudy({ recipes: MAIN.filter(({ entry }) => entries.includes(entry)), seeds: 1, steps: 4 });

Deno.test("readStudies() reads those that are there, in order", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assertEquals(await readStudies([`${folder}/full`]), []);
    await Deno.mkdir(`${folder}/full`);
    await Deno.mkdir(`${folder}/quick`);
    assertEquals(await readStudies([`${folder}/full`, `${folder}/quick`]), []); // no cell yet
    const [cell] = named("rl");
    await writeCell(`${folder}/quick/rl-1`, cell!);
    const [study, ...others] = await readStudies([`${folder}/full`, `${folder}/quick`]);
    assertEquals([study!.folder, study!.cells.length, others.length], [`${folder}/quick`, 1, 0]);
    await writeCell(`${folder}/full/rl-1`, cell!);
    const both = await readStudies([`${folder}/full`, `${folder}/quick`]);
    assertEquals(both.map((each) => each.folder), [`${folder}/full`, `${folder}/quick`]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("showStudyFigure() draws from the first study that has what it needs", async () => {
  const { kernel, texts } = recorder();
  const studies = [
    { folder: "full", cells: named("rl") },
    { folder: "quick", cells: named("rl", "sft") },
  ];
  await showStudyFigure("dead-groups", studies, { kernel, scale: 1 });
  await showStudyFigure("dynamics", studies, { kernel, scale: 1 });
  assertMatch(texts[0]!, /^RL: groups/);
  assertMatch(texts[1]!, /^RL and SFT/);
});

Deno.test("showStudyFigure() says what a study must have, and draws what needs none", async () => {
  const { kernel, texts } = recorder();
  await showStudyFigure("dynamics", [], { kernel });
  assertMatch(
    texts[0]!,
    /^Not drawn: no stored study has main entries rl and sft\. deno task reproduce/,
  );
  await showStudyFigure("framework", [], { kernel, scale: 1 });
  assertMatch(texts[1]!, /ReLIFT/);
});

Deno.test("showStudyFigure() refuses an id that is none", async () => {
  await assertRejects(() => showStudyFigure("nothing", []), RangeError, "current value is nothing");
});
