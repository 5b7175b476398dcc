// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The page: draws what is known, asks every second what became of it.
 *
 * @module
 */
import { drawCurves, loadPlotly, neededColumns, startCurves } from "./curves.js";
import { byId, setText } from "./dom.js";
import { drawList, startList } from "./list.js";
import { drawSamples, startSamples } from "./samples.js";
import { drawSettings, startSettings } from "./settings.js";
import {
  choices,
  choose,
  known,
  recall,
  refreshRuns,
  refreshSeries,
  runs,
  selectedRuns,
  subscribe,
} from "./state.js";

/** Milliseconds between an answer and the next question. */
const PAUSE = 1000;

const VIEWS = ["curves", "samples", "settings"];

/** @type {string | undefined} What went wrong with the last question. */
let fault;

function draw() {
  if (!VIEWS.includes(choices.view)) choices.view = "curves";
  for (const view of VIEWS) byId(view).hidden = view !== choices.view;
  for (const button of document.querySelectorAll("nav button")) {
    const current = /** @type {HTMLElement} */ (button).dataset["view"] === choices.view;
    button.ariaCurrent = current ? "page" : null;
  }
  drawLive();
  drawList();
  void attempt(drawView);
}

async function drawView() {
  switch (choices.view) {
    case "samples":
      return await drawSamples();
    case "settings":
      return await drawSettings();
    default: {
      const first = refreshSeries(selectedRuns(), neededColumns());
      void loadPlotly();
      for (let more = await first; more;) {
        more = await refreshSeries(selectedRuns(), neededColumns());
      }
      return await drawCurves();
    }
  }
}

function drawLive() {
  const running = [...runs.values()].filter(({ status }) => status === "running").length;
  const none = `no runs in ${known.folder} yet: deno task train makes one`;
  const all = runs.size === 0
    ? none
    : `${runs.size} ${runs.size === 1 ? "run" : "runs"}, ${running} running`;
  setText(byId("folder"), known.folder === "" ? "" : `in ${known.folder}`);
  setText(byId("live"), fault ?? all);
  byId("live").classList.toggle("lost", fault !== undefined);
}

/**
 * Does something with the server, and tells when it fails.
 *
 * @param {() => Promise<void>} action
 */
async function attempt(action) {
  const before = fault;
  try {
    await action();
    fault = undefined;
  } catch (error) {
    fault = error instanceof TypeError
      ? "no answer: is deno task dashboard still running?"
      : /** @type {Error} */ (error).message;
  }
  if (fault !== before) drawLive();
}

/** Asks again and again; not while nobody looks. */
async function watch() {
  if (!document.hidden) await attempt(refreshRuns);
  setTimeout(() => void watch(), PAUSE);
}

for (const button of document.querySelectorAll("nav button")) {
  button.addEventListener(
    "click",
    () => choose({ view: /** @type {HTMLElement} */ (button).dataset["view"] ?? "curves" }),
  );
}
recall();
startList();
startCurves();
startSamples();
startSettings();
subscribe(draw);
void watch();
