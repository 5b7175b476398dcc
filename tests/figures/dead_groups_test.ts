import { assertEquals } from "@std/assert";
import { deadGroups } from "../../lib/figures/dead_groups.ts";
import { tracesOf, wordsOn } from "./_entries.ts";

const groups = (right: number, wrong: number) => ({
  "groups/all_right": right,
  "groups/all_wrong": wrong,
  "groups/dead": right + wrong,
  "groups/live": 8 - right - wrong,
});
const cells = [
  { metrics: [{ step: 0, ...groups(1, 3) }, { step: 1, ...groups(4, 2) }] },
  { metrics: [{ step: 0, ...groups(1, 5) }, { step: 1, ...groups(4, 2) }] },
];

Deno.test("deadGroups() stack to 100 % of the groups, means over seeds", () => {
  const figure = deadGroups([{ entry: "rl", title: "RL", cells }]);
  const areas = tracesOf(figure, "x").map(({ name, y }) => [name, y]);
  assertEquals(areas, [
    ["all wrong: no signal", [50, 25]], // (3 + 5) / 2 of 8
    ["some right: RL learns", [37.5, 25]],
    ["all right: no signal", [12.5, 50]],
  ]);
  assertEquals(wordsOn(figure)[0]!.includes("n = 8 groups a step, mean over 2 seeds"), true);
});
