// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The list of runs: groups with their runs below, filtered, ordered, selected.
 *
 * @module
 */
import { byId, element, field, setText, shortNumber, swatch } from "./dom.js";
import { changed, groups, MANY, runs, select, selected } from "./state.js";

/** @typedef {import("../protocol.ts").RunRow} RunRow */
/** @typedef {import("../protocol.ts").RunGroup} RunGroup */
/** @typedef {{ row: HTMLElement, box: HTMLInputElement, cells: HTMLElement[], fault: HTMLElement }} Row */
/**
 * @typedef {object} Body
 * @property {HTMLElement} body
 * @property {HTMLElement} head
 * @property {HTMLInputElement} box
 * @property {HTMLButtonElement} button
 * @property {HTMLElement[]} cells
 * @property {Map<string, Row>} rows
 */

const MARKS = { running: "● running", finished: "✓ finished", stopped: "■ stopped" };

/** @type {Map<string, Body>} */
const bodies = new Map();
/** @type {Set<string> | undefined} Folded groups; undefined until the first runs are there. */
let folded;
/** @type {string | undefined} The run that was clicked last. */
let anchor;

/** Makes the list answer. */
export function startList() {
  for (const id of ["filter", "status", "order"]) byId(id).addEventListener("input", changed);
  byId("select-shown").addEventListener("click", () => select(namesOf(shownRuns()), true));
  byId("select-none").addEventListener("click", () => select([...selected], false));
  byId("fold").addEventListener("click", () => {
    folded = new Set(folded?.size === groups.size ? [] : groups.keys());
    changed();
  });
}

/** Shows the runs as they are now. */
export function drawList() {
  if (runs.size === 0) folded = undefined;
  else folded ??= new Set(runs.size > MANY ? groups.keys() : []);
  const shown = shownRuns();
  setText(byId("count"), `${selected.size} of ${runs.size} selected`);
  setText(byId("fold"), folded?.size === groups.size ? "Unfold groups" : "Fold groups");
  const order = comparison(field("order").value);
  const drawn = [...groups.values()].map((group) => ({
    group,
    members: shown.filter((run) => run.group === group.id).sort(order),
  })).filter(({ members }) => members.length > 0);
  if (field("order").value !== "name") {
    drawn.sort((a, b) => order(...pair(a.members[0], b.members[0])));
  }
  replace(byId("runs"), [
    .../** @type {HTMLElement[]} */ ([byId("runs").firstElementChild]),
    ...drawn.map(({ group, members }) => bodyOf(group, members)),
  ]);
  for (const id of bodies.keys()) if (!groups.has(id)) bodies.delete(id);
}

/**
 * @param {RunRow | undefined} a
 * @param {RunRow | undefined} b
 * @returns {[RunRow, RunRow]}
 */
function pair(a, b) {
  return [/** @type {RunRow} */ (a), /** @type {RunRow} */ (b)]; // no group without a member
}

/** The runs that the filter lets through. */
function shownRuns() {
  const words = field("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const status = field("status").value;
  return [...runs.values()].filter((run) => {
    const { name, method, dataset, seed, commit, group, faults } = run;
    const title = groups.get(group)?.title;
    const text = [name, method, dataset, commit, title].join(" ").toLowerCase();
    return (status === "" || status === run.status || (status === "fault" && faults.length > 0)) &&
      words.every((word) => {
        const asked = /^seed:(.*)$/.exec(word)?.[1];
        return asked === undefined ? text.includes(word) : asked === String(seed);
      });
  });
}

/**
 * @param {string} order
 * @returns {(a: RunRow, b: RunRow) => number}
 */
function comparison(order) {
  switch (order) {
    case "written":
      return (a, b) => b.written - a.written;
    case "accuracy":
      return (a, b) => (b.accuracy ?? -1) - (a.accuracy ?? -1);
    case "step":
      return (a, b) => b.step - a.step;
    default:
      return () => 0; // they come by name
  }
}

/**
 * @param {RunGroup} group
 * @param {RunRow[]} members
 * @returns {HTMLElement}
 */
function bodyOf(group, members) {
  const made = bodies.get(group.id) ?? newBody(group.id);
  bodies.set(group.id, made);
  const open = !folded?.has(group.id) || field("filter").value !== "";
  drawHead(made, group, members, open);
  const rows = open ? members.map((run) => rowOf(made, run)) : [];
  replace(made.body, [made.head, ...rows]);
  for (const name of made.rows.keys()) {
    if (runs.get(name)?.group !== group.id) made.rows.delete(name);
  }
  return made.body;
}

/**
 * @param {string} id
 * @returns {Body}
 */
function newBody(id) {
  const box = checkbox();
  const button = /** @type {HTMLButtonElement} */ (element("button", { type: "button" }));
  const cells = ["number", "number", "number", "number", "", ""].map((kind) =>
    element("td", kind === "" ? {} : { class: kind })
  );
  const head = element(
    "tr",
    { class: "group" },
    element("td", {}, box),
    element("th", { scope: "rowgroup", colspan: 2 }, button),
    ...cells,
  );
  box.addEventListener("change", () => {
    const members = shownRuns().filter(({ group }) => group === id);
    select(namesOf(members), box.checked);
  });
  button.addEventListener("click", () => {
    if (folded?.has(id)) folded.delete(id);
    else folded?.add(id);
    changed();
  });
  return { body: element("tbody"), head, box, button, cells, rows: new Map() };
}

/**
 * @param {Body} body
 * @param {RunGroup} group
 * @param {RunRow[]} members
 * @param {boolean} open
 */
function drawHead({ box, button, cells }, { title, colour, dash }, members, open) {
  const chosen = members.filter(({ name }) => selected.has(name)).length;
  box.checked = chosen === members.length;
  box.indeterminate = chosen > 0 && chosen < members.length;
  box.setAttribute("aria-label", `All of ${title}`);
  const look = [title, colour, dash, open].join("\n");
  if (button.dataset["look"] !== look) {
    button.dataset["look"] = look;
    button.title = title;
    button.setAttribute("aria-expanded", String(open));
    button.replaceChildren(open ? "▾ " : "▸ ", swatch({ colour, dash }), title);
  }
  const running = members.filter(({ status }) => status === "running").length;
  const texts = [
    running > 0 ? `${running} running` : "",
    shortNumber(meanOf(members.map(({ accuracy }) => accuracy)), 3),
    shortNumber(meanOf(members.map(({ evaluated }) => evaluated)), 3),
    `n = ${members.length}`,
    members[0]?.method ?? "",
    "",
  ];
  cells.forEach((cell, i) => setText(cell, texts[i] ?? ""));
}

/**
 * @param {(number | null)[]} values
 * @returns {number | null}
 */
function meanOf(values) {
  const there = values.filter((value) => value !== null);
  return there.length === 0 ? null : there.reduce((sum, each) => sum + each, 0) / there.length;
}

/**
 * @param {Body} body
 * @param {RunRow} run
 * @returns {HTMLElement}
 */
function rowOf({ rows }, run) {
  const row = rows.get(run.name) ?? newRow(run.name);
  rows.set(run.name, row);
  row.box.checked = selected.has(run.name);
  const texts = [
    MARKS[run.status],
    run.steps === null ? String(run.step) : `${run.step}/${run.steps}`,
    shortNumber(run.accuracy, 3),
    shortNumber(run.evaluated, 3),
    run.seed === null ? "" : String(run.seed),
    run.method ?? "",
    shortCommit(run.commit),
  ];
  row.cells.forEach((cell, i) => setText(cell, texts[i] ?? ""));
  if (row.cells[0]) row.cells[0].className = run.status;
  if (row.cells[6]) row.cells[6].title = run.commit ?? "";
  setText(row.fault, run.faults.map((fault) => `⚠ ${fault}`).join("\n"));
  return row.row;
}

/**
 * @param {string | null} commit
 * @returns {string}
 */
function shortCommit(commit) {
  return commit === null ? "" : commit.slice(0, 7) + (commit.endsWith("-dirty") ? "+" : "");
}

/**
 * @param {string} name
 * @returns {Row}
 */
function newRow(name) {
  const box = checkbox();
  const fault = element("span", { class: "fault" });
  const kinds = ["", "number", "number", "number", "number", "", ""];
  const cells = kinds.map((kind) => element("td", kind === "" ? {} : { class: kind }));
  box.id = `run ${name}`;
  const label = element("label", { for: box.id, title: name }, name);
  const row = element(
    "tr",
    { class: "run" },
    element("td", {}, box),
    element("td", {}, label, fault),
    ...cells,
  );
  box.addEventListener("click", (event) => {
    const range = event.shiftKey ? between(anchor, name) : [name];
    anchor = name;
    select(range, box.checked);
  });
  return { row, box, cells, fault };
}

/**
 * Names of the shown runs from one to another, in the order they are shown in.
 *
 * @param {string | undefined} from
 * @param {string} to
 * @returns {string[]}
 */
function between(from, to) {
  const names = [...document.querySelectorAll("#runs .run label")].map((label) =>
    label.textContent
  );
  const ends = [names.indexOf(from ?? to), names.indexOf(to)].sort((a, b) => a - b);
  return ends[0] === -1 ? [to] : names.slice(ends[0], (ends[1] ?? 0) + 1);
}

/** @returns {HTMLInputElement} */
function checkbox() {
  return /** @type {HTMLInputElement} */ (element("input", { type: "checkbox" }));
}

/**
 * @param {RunRow[]} rows
 * @returns {string[]}
 */
function namesOf(rows) {
  return rows.map(({ name }) => name);
}

/**
 * Gives an element these children; touches nothing that is in place, so that focus stays.
 *
 * @param {HTMLElement} parent
 * @param {HTMLElement[]} children
 */
function replace(parent, children) {
  const same = parent.children.length === children.length &&
    children.every((child, i) => parent.children[i] === child);
  if (!same) parent.replaceChildren(...children);
}
