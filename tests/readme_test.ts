import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { exists } from "../lib/files.ts";
import { metricsTable } from "../lib/methods/metrics.ts";
import { PRESETS } from "../lib/methods/registry.ts";
import { fillBlocks, studyReport } from "../lib/runs/report.ts";
import { readStudy } from "../lib/runs/study.ts";
import full from "../tasks/grids/full.ts";
import quick from "../tasks/grids/quick.ts";
import denoJson from "../deno.json" with { type: "json" };

const root = new URL("../", import.meta.url);
const readme = await Deno.readTextFile(new URL("README.md", root));

/** Tables as they read, whatever the formatter did to their padding. */
const plain = (text: string): string => text.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");

Deno.test("README explains every metric", () => {
  assertStringIncludes(plain(readme), plain(metricsTable()));
});

/** Folder of stored results. */
const resultsIn = (name: string): string => fileURLToPath(new URL(`results/${name}`, root));

for (const [grid, command] of [[full, ""], [quick, " --quick"]] as const) {
  const folder = resultsIn(grid.name);
  Deno.test({
    name: `tables of the study ${grid.name} are those that its committed cells give`,
    ignore: !await exists(`${folder}/README.md`),
    async fn(): Promise<void> {
      const { page, blocks } = studyReport(
        await readStudy(folder),
        grid,
        `deno task reproduce${command}`,
      );
      assertEquals(await Deno.readTextFile(`${folder}/README.md`), page);
      if (grid === full) assertEquals(readme, fillBlocks(readme, blocks));
    },
  });
}

Deno.test("README names every command and every preset", () => {
  const commands = Object.keys(denoJson.tasks).filter((name) => name !== "check");
  for (const name of commands) assertStringIncludes(readme, `deno task ${name}`);
  for (const name of Object.keys(PRESETS)) assertStringIncludes(readme, `\`${name}\``);
});
