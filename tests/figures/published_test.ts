import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  PUBLISHED_ABLATIONS,
  PUBLISHED_FLOPS,
  PUBLISHED_MAIN,
  PUBLISHED_SIZE_GATE,
  SOURCES,
} from "../../lib/figures/published.ts";

Deno.test("published figures name their source and that they were transcribed", () => {
  for (const { cite, title } of Object.values(SOURCES)) {
    assertMatch(cite, /arXiv:\d{4}\.\d{5}.*as transcribed by third parties$/);
    assertMatch(title, /arXiv:\d{4}\.\d{5}/);
  }
});

Deno.test("published figures are percent, once for each method and source", () => {
  for (const rows of [PUBLISHED_MAIN, PUBLISHED_FLOPS, PUBLISHED_ABLATIONS]) {
    assert(rows.every(({ accuracy }) => accuracy > 1 && accuracy < 100));
    const keys = rows.map(({ entry, source }) => `${entry} ${source}`);
    assertEquals(new Set(keys).size, rows.length);
  }
});

Deno.test("PUBLISHED_SIZE_GATE has a row for each gate and a column for each size", () => {
  const { sizes, gates, accuracy } = PUBLISHED_SIZE_GATE;
  assertEquals(accuracy.map((row) => row.length), gates.map(() => sizes.length));
  // the paper's choice, M = 64 and Q = 0, is no more than a hair below its best cells
  assertEquals([accuracy[0][1], Math.max(...accuracy.flat())], [49, 49.3]);
});
