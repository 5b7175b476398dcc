import { assertStringIncludes } from "@std/assert";
import { metricsTable } from "../lib/methods/metrics.ts";
import { PRESETS } from "../lib/methods/registry.ts";
import { comparisonTable, readOutcomes } from "../lib/runs/compare.ts";
import denoJson from "../deno.json" with { type: "json" };

const root = new URL("../", import.meta.url);
const readme = await Deno.readTextFile(new URL("README.md", root));

/** Tables as they read, whatever the formatter did to their padding. */
const plain = (text: string): string => text.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");

Deno.test("README explains every metric", () => {
  assertStringIncludes(plain(readme), plain(metricsTable()));
});

Deno.test("README's table of results is the one that the committed runs give", async () => {
  const folder = decodeURIComponent(new URL("results/operators", root).pathname);
  assertStringIncludes(plain(readme), plain(comparisonTable(await readOutcomes(folder))));
});

Deno.test("README names every command and every preset", () => {
  const commands = Object.keys(denoJson.tasks).filter((name) => name !== "check");
  for (const name of commands) assertStringIncludes(readme, `deno task ${name}`);
  for (const name of Object.keys(PRESETS)) assertStringIncludes(readme, `\`${name}\``);
});
