// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The menu of metrics, by the first part of their names.
 *
 * @module
 */
import { byId, element, field, setText } from "./dom.js";
import { choices, choose, known } from "./state.js";

/** Names of the metrics that the menu holds. */
let menu = "";

/** Makes the menu answer. */
export function startMetricMenu() {
  byId("metric-filter").addEventListener("input", filterMetrics);
  byId("metric-menu").addEventListener("beforetoggle", () => {
    const { left, bottom } = byId("metric-button").getBoundingClientRect();
    Object.assign(byId("metric-menu").style, { left: `${left}px`, top: `${bottom + 4}px` });
  });
}

/** The chosen metrics that some run has; some of those there are when there is none of them. */
export function shownMetrics() {
  const chosen = known.metrics.filter(({ name }) => choices.metrics.includes(name));
  return chosen.length > 0 || choices.metrics.length === 0
    ? chosen
    : known.metrics.filter(({ name }) => name !== "step").slice(0, 4);
}

/** Shows the menu as it is now. */
export function drawMetricMenu() {
  const names = known.metrics.map(({ name }) => name).join(" ");
  if (menu !== names) {
    menu = names;
    byId("metric-list").replaceChildren(...fieldsets());
    filterMetrics();
  }
  const shown = new Set(shownMetrics().map(({ name }) => name));
  for (const box of byId("metric-list").querySelectorAll("input")) {
    box.checked = shown.has(box.value);
  }
  setText(byId("metric-button"), `Metrics (${shown.size}) ▾`);
}

/** The metrics to choose from, by the first part of their names. */
function fieldsets() {
  /** @type {Map<string, HTMLElement>} */
  const sets = new Map();
  for (const { name, unit, meaning } of known.metrics) {
    if (name === "step") continue;
    const part = name.split("/")[0] ?? name;
    const set = sets.get(part) ?? element("fieldset", {}, element("legend", {}, part));
    sets.set(part, set);
    const box = element("input", { type: "checkbox", value: name });
    box.addEventListener("input", () => toggle(name));
    const rest = name.slice(part.length + 1) || name;
    set.append(element("label", { title: meaning }, box, `${rest} `, element("span", {}, unit)));
  }
  return sets.values();
}

/** @param {string} name */
function toggle(name) {
  const shown = shownMetrics().map((metric) => metric.name);
  const metrics = shown.includes(name) ? shown.filter((each) => each !== name) : [...shown, name];
  choose({ metrics });
}

function filterMetrics() {
  const sought = field("metric-filter").value.toLowerCase();
  for (const set of byId("metric-list").querySelectorAll("fieldset")) {
    const labels = [...set.querySelectorAll("label")];
    for (const label of labels) {
      const text = `${label.querySelector("input")?.value} ${label.title}`.toLowerCase();
      label.hidden = !text.includes(sought);
    }
    set.hidden = labels.every(({ hidden }) => hidden);
  }
}
