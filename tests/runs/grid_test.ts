import { assertEquals, assertRejects } from "@std/assert";
import {
  cellsOf,
  checkGrid,
  type Grid,
  type GridEntry,
  planCell,
  staleness,
} from "../../lib/runs/grid.ts";
import type { CellAbout } from "../../lib/runs/study.ts";
import { tinyEntry, tinyGrid } from "./_tiny_study.ts";

const ENTRY = tinyEntry("policy");
const GRID = tinyGrid([ENTRY]);

Deno.test("checkGrid() gives back a grid that can be run", async () => {
  assertEquals(await checkGrid(GRID, "grid.ts"), GRID);
  const many = tinyGrid([
    { ...ENTRY, budget: { rollouts: 100, flops: 1e9 } },
    { ...ENTRY, dataset: "data/other.csv", policy: undefined },
  ]);
  assertEquals(await checkGrid(many, "grid.ts"), many);
});

/** What is wrong, and what the one line must say. */
const FAULTS: readonly [overrides: unknown, line: string][] = [
  [{ ...GRID, name: "../up" }, "name of its default export must be a name of a-z, 0-9, dot and"],
  [{ ...GRID, entries: [] }, "entries of its default export must be a list of entries"],
  [undefined, "its default export must be an object: current value is undefined"],
  [{ ...GRID, evaluation: { every: 0, samples: 1, finalSamples: 1 } }, "evaluation.every of its"],
  [{ ...GRID, entries: [3] }, "entry number 1 must be an object: current value is 3"],
  [entry({ id: undefined }), "id of entry number 1 must be a name"],
  [entry({ seeds: [1, -1] }), "seeds.1 of entry relift must be a whole number >= 0: current value"],
  [entry({ seeds: [] }), "seeds of entry relift must be a list of seeds: current value is []"],
  [entry({ seeds: [1.5] }), "seeds.0 of entry relift must be a whole number >= 0"],
  [entry({ dataset: 7 }), "dataset of entry relift must be a text: current value is 7"],
  [entry({ budget: { flop: 1 } }), "budget.flop of entry relift must be left out, as there is no"],
  [entry({ budget: { flops: 0 } }), "budget.flops of entry relift must be a number > 0"],
  [entry({ polcy: "x" }), "polcy of entry relift must be left out"],
  [settings({ method: "ppo" }), "the settings of entry relift are wrong: Cannot train as a method"],
  [config({ steps: 0 }), "settings.config.steps of entry relift must be a whole number >= 1"],
  [config({ groupSize: 1 }), "the settings of entry relift are wrong: Cannot compare"],
  [
    tinyGrid([ENTRY, { ...ENTRY, seeds: [2] }]),
    "id, dataset and seed of its cells must differ: current value is relift-tiny-2 twice",
  ],
  [
    tinyGrid([{ ...ENTRY, dataset: "a/b.csv" }, { ...ENTRY, dataset: "c/b.jsonl" }]),
    "relift-b-1 twice",
  ],
];

/** The grid with something else in its entry. */
function entry(overrides: Record<string, unknown>): unknown {
  return { ...GRID, entries: [{ ...ENTRY, ...overrides }] };
}

function settings(overrides: Record<string, unknown>): unknown {
  return entry({ settings: { ...ENTRY.settings, ...overrides } });
}

function config(overrides: Record<string, unknown>): unknown {
  return settings({ config: { ...ENTRY.settings.config, ...overrides } });
}

for (const [value, line] of FAULTS) {
  Deno.test(`checkGrid() refuses a grid in one line: ${line}`, async () => {
    const error = await assertRejects(() => checkGrid(value, "grid.ts"), Error, line);
    assertEquals([error.message.startsWith("Cannot run grid.ts as "), /\n/.test(error.message)], [
      true,
      false,
    ]);
  });
}

Deno.test("cellsOf() takes the first seed of every entry, then the second", () => {
  const grid = tinyGrid([
    { ...ENTRY, id: "a", seeds: [5, 1] },
    { ...ENTRY, id: "b", seeds: [7], dataset: "data/my questions.csv" },
    { ...ENTRY, id: "c", seeds: [1, 2, 3] },
  ]);
  assertEquals(cellsOf(grid).map(({ name }) => name), [
    ...["a-tiny-5", "b-my_questions-7", "c-tiny-1", "a-tiny-1", "c-tiny-2", "c-tiny-3"],
  ]);
});

/** A finished cell as it would be stored, and the plan it was made by. */
function finished(): { plan: (entry?: Partial<GridEntry>) => ReturnType<typeof planCell> } & {
  readonly cell: CellAbout;
} {
  const prints = { datasetFingerprint: "d1", policyFingerprint: "p1" };
  const plan = (overrides: Partial<GridEntry> = {}) => {
    const grid: Grid = tinyGrid([{ ...ENTRY, ...overrides }]);
    return planCell(grid, cellsOf(grid)[0]!, prints);
  };
  const { entry, title, family, evaluation, budget, run } = plan();
  const device = { name: "wasm" as const, description: "wasm" };
  const about = { entry, title, family, evaluation, budget, evaluationSeconds: 1 };
  const totals = {} as CellAbout["totals"];
  return {
    plan,
    cell: { ...about, totals, run: { ...run, device, versions: {}, commit: null } },
  };
}

Deno.test("planCell() puts the cell's seed in the place of that of the settings", () => {
  const { run, name, grid } = finished().plan({ seeds: [9] });
  assertEquals([grid, name, run.settings.config.seed], ["tiny", "relift-tiny-9", 9]);
  assertEquals(run.preset, "relift");
});

Deno.test("staleness() tells the first difference that would change numbers, and no other", () => {
  const { plan, cell } = finished();
  const { settings } = ENTRY;
  assertEquals(staleness(cell, plan()), undefined);
  assertEquals(staleness(cell, plan({ title: "Other", family: "ablation" })), undefined);
  const smaller = { ...settings, config: { ...settings.config, bufferSize: 2 } };
  assertEquals(
    staleness(cell, plan({ settings: smaller })),
    "settings.config.bufferSize was 3 and is now 2",
  );
  assertEquals(
    staleness(cell, plan({ budget: { flops: 5 } })),
    'budget was null and is now {"flops":5}',
  );
  assertEquals(
    staleness(cell, { ...plan(), run: { ...plan().run, policyFingerprint: "p2" } }),
    'policyFingerprint was "p1" and is now "p2"',
  );
  const { bufferSize: _, ...fewer } = settings.config as unknown as Record<string, unknown>;
  assertEquals(
    staleness(cell, plan({ settings: { method: "relift", config: fewer } as never })),
    "settings.config.bufferSize was 3 and is now absent",
  );
});
