import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { seedOf, writeCell } from "../../mod.ts";
import { madeUpStudy, MAIN } from "../figures/_cells.ts";

/** Runs the command in a folder of its own, as `deno task figures` does. */
async function figures(folder: string, ...args: string[]): Promise<Deno.CommandOutput> {
  const root = new URL("../../", import.meta.url);
  const permissions = ["--allow-read", "--allow-write", "--allow-env", "--allow-sys"];
  const config = new URL("deno.json", root).pathname;
  const task = new URL("tasks/figures.ts", root).pathname;
  return await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", `--config=${config}`, ...permissions, task, ...args],
    cwd: folder,
    env: { NO_COLOR: "1" },
  }).output();
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("figures draws what a study holds, and says what it lacks", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/results/small`, { recursive: true });
  const recipes = MAIN.slice(0, 2);
  for (const cell of madeUpStudy({ recipes, seeds: 1, questions: 8, steps: 4, samples: 8 })) {
    await writeCell(`${folder}/results/small/${cell.entry}-${seedOf(cell)}`, cell);
  }
  const { code, stdout, stderr } = await figures(
    folder,
    "--study",
    "results/small",
    "--only",
    "mo",
  );
  assertEquals([text(stderr), code], ["", 0]);
  assertStringIncludes(text(stdout), "left out moves: it needs main entries rl, sft and relift");
  assertStringIncludes(text(stdout), "0 figures in results/small/figures");

  const drawn = await figures(folder, "--study", "results/small", "--only", "forgetting");
  assertEquals([text(drawn.stderr), drawn.code], ["", 0]);
  const pictures = Array.from(Deno.readDirSync(`${folder}/results/small/figures`), (e) => e.name);
  assertEquals(pictures.sort(), ["forgetting.png", "forgetting.svg"]);
  const svg = await Deno.readTextFile(`${folder}/results/small/figures/forgetting.svg`);
  assertStringIncludes(svg, "2 cells on operators at commit 0123456; seeds 1");
  const page = await Deno.readTextFile(`${folder}/runs/figures/small/forgetting.html`);
  assert(page.includes("Plotly.newPlot") && page.includes("default-src 'none'")); // no network
  await Deno.remove(folder, { recursive: true });
});

Deno.test("figures tells in one line that there is no study, or no such figure", async () => {
  const folder = await Deno.makeTempDir();
  const none = await figures(folder);
  assertEquals([text(none.stderr), none.code], [
    "error: Cannot read results/full: there is no such folder\n",
    1,
  ]);
  const wrong = await figures(folder, "--only", "picture");
  assertStringIncludes(text(wrong.stderr), 'current value is "picture"');
  assertEquals([wrong.code, text(wrong.stderr).trim().split("\n").length], [2, 1]);
  assertEquals([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder, { recursive: true });
});
