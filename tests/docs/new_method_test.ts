/** The guide's files do what it says: they pass their checks, their test, and train. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { checkGrid } from "../../lib/runs/grid.ts";
import { openMethod, startMethod } from "../../lib/methods/registry.ts";
import { METRICS } from "../../lib/methods/metrics.ts";
import { disposeState, type Metrics, trainingState } from "../../lib/methods/training.ts";
import { createPolicy, disposePolicy } from "../../lib/model/policy.ts";
import { eachDevice } from "../_devices.ts";
import { puzzles, shape, tokenizer } from "../methods/_puzzles.ts";

const root = new URL("../../", import.meta.url);
const guide = await Deno.readTextFile(new URL("docs/NEW_METHOD.md", root));

/** The guide's files by name: each is named in the paragraph before its text. */
function filesOf(text: string): Record<string, string> {
  const blocks = text.matchAll(/`(my_\w+\.ts)`[^`]*\n\n```ts\n(.*?)```\n/gs);
  return Object.fromEntries(Array.from(blocks, ([, name, content]) => [name!, content!]));
}

/** Runs a test in a folder with the guide's files, which import `mod.ts` from where it is. */
async function withFiles(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(filesOf(guide))) {
      const moved = content.replaceAll('"./mod.ts"', `"${new URL("mod.ts", root)}"`);
      await Deno.writeTextFile(`${folder}/${name}`, moved);
    }
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs Deno with the settings of this project; gives what it said and its exit code. */
async function deno(...args: string[]): Promise<{ code: number; said: string }> {
  const config = fileURLToPath(new URL("deno.json", root));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [args[0]!, "--quiet", `--config=${config}`, ...args.slice(1)],
    env: { NO_COLOR: "1" },
  }).output();
  return {
    code,
    said: [stderr, stdout].map((bytes) => new TextDecoder().decode(bytes)).join("\n"),
  };
}

Deno.test("the guide has a method of about 60 lines, its test and a grid", () => {
  const files = filesOf(guide);
  assertEquals(Object.keys(files), ["my_method.ts", "my_method_test.ts", "my_grid.ts"]);
  assert(files["my_method.ts"]!.split("\n").length <= 70);
});

Deno.test("the guide's files pass deno check and deno test", async () => {
  await withFiles(async (folder) => {
    const files = Object.keys(filesOf(guide)).map((name) => `${folder}/${name}`);
    const checked = await deno("check", ...files);
    assertEquals(checked.code, 0, checked.said);
    const tested = await deno("test", "-A", "--no-check", `${folder}/my_method_test.ts`);
    assertEquals(tested.code, 0, tested.said);
  });
});

eachDevice("the guide's method trains, and tells what its settings' metrics mean", async () => {
  await withFiles(async (folder) => {
    const path = `${folder}/my_method.ts`;
    const { config } = await openMethod(path);
    const sizes = { steps: 2, questionsPerStep: 4, groupSize: 3, maxNewTokens: 6 };
    const settings = { method: path, config: { ...config, ...sizes } };
    const [policy, state] = [createPolicy(shape, tokenizer, 1), trainingState()];
    const yielded: Metrics[] = await Array.fromAsync(
      startMethod(settings, policy, puzzles(), state),
    );
    assertEquals(state.budget.optimizerSteps, 4); // two a step, of demonstrations alone at least
    for (const metrics of yielded) {
      assert(metrics["sft/nll"]! > 0 && metrics["sft/weight"]! > 0 && metrics["sft/weight"]! < 1);
      assertEquals(Object.keys(metrics).filter((name) => !(name in METRICS)), ["reward/correct"]);
    }
    assert(yielded[1]!["demonstrations/used"]! > 0);
    disposePolicy(policy);
    disposeState(state);
  });
}, { devices: ["cpu"] });

Deno.test("the guide's grid is one that deno task reproduce takes", async () => {
  await withFiles(async (folder) => {
    const { default: grid } = await import(`file://${folder}/my_grid.ts`);
    const entries = grid.entries.map((entry: { settings: { method: string } }) => ({
      ...entry,
      settings: {
        ...entry.settings,
        method: entry.settings.method.replace("my_method.ts", `${folder}/my_method.ts`),
      },
    }));
    const { name } = await checkGrid({ ...grid, entries }, "my_grid.ts");
    assertEquals(name, "helped");
  });
});
