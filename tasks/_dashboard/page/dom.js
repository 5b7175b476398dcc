// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * Elements of the page. Text always goes in as text, never as HTML: a prompt can hold anything.
 *
 * @module
 */

/**
 * Makes an element.
 *
 * @param {string} tag
 * @param {Record<string, string | boolean | number>} [attributes] `true` sets one without a value,
 * `false` leaves it out.
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}

/**
 * An element of the page by its id.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`Cannot find ${id} as the page lacks it`);
  return found;
}

/**
 * A field of a form by its id.
 *
 * @param {string} id
 * @returns {HTMLInputElement}
 */
export function field(id) {
  return /** @type {HTMLInputElement} */ (byId(id));
}

/**
 * Sets a text that changes seldom.
 *
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Plotly's dashes as SVG writes them. */
const DASHES = /** @type {Record<string, string>} */ ({
  dash: "6 4",
  dot: "2 3",
  dashdot: "6 3 2 3",
  longdash: "10 4",
  longdashdot: "10 3 2 3",
});

/**
 * A short piece of a line.
 *
 * @param {{ colour: string, dash: string }} line
 * @returns {SVGElement}
 */
export function swatch({ colour, dash }) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  const line = document.createElementNS(space, "line");
  const attributes = { x1: 0, x2: 24, y1: 4, y2: 4, stroke: colour, "stroke-width": 3 };
  for (
    const [name, value] of Object.entries({ ...attributes, "stroke-dasharray": DASHES[dash] ?? "" })
  ) {
    line.setAttribute(name, String(value));
  }
  for (
    const [name, value] of Object.entries({
      width: 24,
      height: 8,
      class: "swatch",
      "aria-hidden": true,
    })
  ) {
    picture.setAttribute(name, String(value));
  }
  picture.append(line);
  return picture;
}

/**
 * A number as short as it can be read.
 *
 * @param {number | null | undefined} value
 * @param {number} digits After the point.
 * @returns {string}
 */
export function shortNumber(value, digits) {
  return value === null || value === undefined ? "" : value.toFixed(digits);
}
