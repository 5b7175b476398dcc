import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { exists } from "../../lib/files.ts";
import { drawStudy } from "../../lib/figures/figures.ts";
import { toSvg } from "../../lib/figures/static.ts";
import { readStudy } from "../../lib/runs/study.ts";

const study = fileURLToPath(new URL("../../results/full", import.meta.url));

Deno.test({
  name: "drawStudy() gives the committed figures again, byte for byte, on any machine",
  ignore: !await exists(`${study}/figures`),
  async fn(): Promise<void> {
    const drawn = drawStudy(await readStudy(study));
    const names = drawn.map(({ id }) => `${id}.svg`).sort();
    const committed = Array.from(Deno.readDirSync(`${study}/figures`), ({ name }) => name)
      .filter((name) => name.endsWith(".svg")).sort();
    assertEquals(names, committed);
    for (const { id, figure } of drawn) {
      assertEquals(await toSvg(figure), await Deno.readTextFile(`${study}/figures/${id}.svg`), id);
    }
  },
});
