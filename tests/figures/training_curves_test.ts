import { assertEquals } from "@std/assert";
import { trainingCurves } from "../../lib/figures/training_curves.ts";
import { tracesOf } from "./_entries.ts";

const metrics = (events: number[]) => ({
  metrics: events.map((event, step) => ({
    step,
    "reward/mean": 0.5,
    "completion/tokens": 20,
    "completion/entropy": 0.1,
    "sft/events_now": event,
  })),
});
const relift = { entry: "relift", title: "ReLIFT", cells: [[0, 1, 1], [0, 0, 2]].map(metrics) };
const rl = { entry: "rl", title: "RL", cells: [metrics([0, 0, 0])] };

Deno.test("trainingCurves() ticks the steps with an SFT event, a row for each seed", () => {
  const figure = trainingCurves([rl, relift]);
  const ticks = tracesOf(figure, "x4");
  assertEquals(ticks.map(({ x, y }) => [x, y]), [[[1, 2], [0, 0]], [[2], [1]]]);
  assertEquals(figure.layout.yaxis4?.ticktext, ["ReLIFT"]);
});

Deno.test("trainingCurves() has no row of ticks when nothing was taught", () => {
  const { layout } = trainingCurves([rl]);
  assertEquals([layout.yaxis3?.title?.text, layout.yaxis4], ["entropy, nats", undefined]);
  assertEquals(layout.xaxis3?.title?.text, "training steps");
});
