// @ts-check
/**
 * Panels as Plotly figures.
 *
 * @module
 */

/** @typedef {import("./statistics.js").Band} Band */
/** @typedef {import("./panel.js").Line} Line */
/** @typedef {import("./panel.js").Drawn} Drawn */
/** @typedef {import("./panel.js").DrawnLine} DrawnLine */
/** @typedef {import("./panel.js").Panel} Panel */
/** @typedef {{ dark: boolean, ink: string, soft: string, grid: string, paper: string }} Look */

/** How figure files look, whatever the screen does. */
export const PRINT = {
  dark: false,
  ink: "#222222",
  soft: "#5A5A5A",
  grid: "#E6E6E6",
  paper: "#FFFFFF",
};

/** Curves with fewer points show them. */
const FEW = 12;

/**
 * The figure of a panel, in Plotly's format.
 *
 * @param {Panel} panel
 * @param {Look} look
 * @returns {{ data: Record<string, unknown>[], layout: Record<string, unknown> }}
 */
export function figureOf(panel, look) {
  const { metric, axis, lines, choices } = panel;
  const inked = lines.map((each) => ({
    ...each,
    line: { ...each.line, colour: look.dark ? legible(each.line.colour) : each.line.colour },
  }));
  const bands = choices.band === "none" ? [] : inked.flatMap(bandTrace);
  const seeds = inked.filter(({ band }) => band && choices.seeds).map(seedTrace);
  const strong = inked.map((each) => each.band ? meanTrace(each, each.band) : runTrace(each));
  const visible = inked.filter(({ band }) => !band || choices.seeds);
  const events = choices.events ? visible.flatMap((each) => eventTrace(each, look)) : [];
  const side = {
    gridcolor: look.grid,
    linecolor: look.soft,
    tickcolor: look.soft,
    ticks: "outside",
    ticklen: 4,
    zeroline: false,
    automargin: true,
    nticks: 7,
    visible: lines.length > 0, // without a line the numbers would mean nothing
  };
  return {
    data: [...bands, ...seeds, ...strong, ...events],
    layout: {
      font: { family: "system-ui, Helvetica, Arial, sans-serif", size: 11, color: look.ink },
      paper_bgcolor: look.paper,
      plot_bgcolor: look.paper,
      margin: { l: 50, r: 14, t: 8, b: 36 },
      showlegend: false,
      hovermode: "closest",
      hoverlabel: { bgcolor: look.paper, bordercolor: look.soft, font: { color: look.ink } },
      uirevision: [metric.name, axis.id, choices.logX, choices.logY].join(" "),
      xaxis: {
        ...side,
        title: { text: axis.title, standoff: 6 },
        exponentformat: "power",
        type: choices.logX ? "log" : "linear",
      },
      yaxis: {
        ...side,
        title: { text: escaped(metric.unit), standoff: 6 },
        type: choices.logY ? "log" : "linear",
      },
    },
  };
}

/**
 * The figure as a file shows it: with a title, what must be said of it, and a legend.
 *
 * @param {Panel} panel
 * @param {string} note
 * @returns {{ data: Record<string, unknown>[], layout: Record<string, unknown> }}
 */
export function printOf(panel, note) {
  const { data, layout } = figureOf(panel, PRINT);
  const { name, meaning } = panel.metric;
  const title = meaning === "" ? name : `${name}: ${meaning}`;
  return {
    data,
    layout: {
      ...layout,
      margin: { l: 60, r: 20, t: 62, b: 50 },
      title: {
        text: escaped(title),
        x: 0.01,
        xanchor: "left",
        font: { size: 15 },
        subtitle: { text: escaped(note), font: { size: 11, color: PRINT.soft } },
      },
      showlegend: true,
      legend: { orientation: "h", y: -0.18, yanchor: "top" },
    },
  };
}

/**
 * @param {DrawnLine} each
 * @returns {Record<string, unknown>[]}
 */
function bandTrace({ line, drawn, band }) {
  if (!band) return [];
  // A logarithmic axis has no 0: there a band ends at the least value that a run has.
  const least = Math.min(...drawn.flatMap(({ curve }) => curve.y));
  const low = least > 0 ? band.low.map((value) => value > 0 ? value : least) : band.low;
  return [{
    x: [...band.x, ...band.x.toReversed()],
    y: [...band.high, ...low.toReversed()],
    mode: "lines",
    line: { width: 0 },
    fill: "toself",
    fillcolor: translucent(line.colour, 0.16),
    hoverinfo: "skip",
    showlegend: false,
  }];
}

/**
 * @param {DrawnLine} each
 * @returns {Record<string, unknown>}
 */
function seedTrace({ line, drawn }) {
  return {
    ...joined(drawn),
    mode: "lines",
    line: { color: translucent(line.colour, 0.45), width: 0.8 },
    showlegend: false,
  };
}

/**
 * @param {DrawnLine} each
 * @returns {Record<string, unknown>}
 */
function runTrace({ line, drawn }) {
  const few = drawn.every(({ curve }) => curve.x.length < FEW);
  return {
    ...joined(drawn),
    mode: few ? "lines+markers" : "lines",
    line: { color: line.colour, dash: line.dash, width: 1.6 },
    marker: { size: 5 },
    name: nameOf(line, drawn.length),
  };
}

/**
 * @param {DrawnLine} each
 * @param {Band} band
 * @returns {Record<string, unknown>}
 */
function meanTrace({ line, drawn }, { x, mean, low, high, n }) {
  const title = escaped(line.title);
  return {
    x,
    y: mean,
    text: x.map((_, i) => {
      const [from, to] = [low[i], high[i]].map((value) => value?.toPrecision(3));
      return `${title}<br>mean of ${n[i]} (${from} to ${to})`;
    }),
    hovertemplate: HOVER,
    mode: x.length < FEW ? "lines+markers" : "lines",
    line: { color: line.colour, dash: line.dash, width: 2.2 },
    marker: { size: 5 },
    name: nameOf(line, drawn.length),
  };
}

/**
 * @param {DrawnLine} each
 * @param {Look} look
 * @returns {Record<string, unknown>[]}
 */
function eventTrace({ line, drawn }, look) {
  /** @type {{ x: unknown[], y: unknown[], text: string[] }} */
  const points = { x: [], y: [], text: [] };
  for (const { run, curve, events } of drawn) {
    for (const i of events) {
      points.x.push(curve.x[i]);
      points.y.push(curve.y[i]);
      points.text.push(`${escaped(run.name)}<br>SFT event`);
    }
  }
  if (points.x.length === 0) return [];
  return [{
    ...points,
    hovertemplate: HOVER,
    mode: "markers",
    marker: {
      symbol: "triangle-up",
      size: 6,
      color: line.colour,
      line: { width: 0.7, color: look.paper },
    },
    name: `${escaped(line.title)}, SFT event`,
  }];
}

const HOVER = "%{text}<br>%{xaxis.title.text} %{x:,}: %{y:.4~g}<extra></extra>";

/**
 * Curves as one trace with gaps, which Plotly draws much faster than one trace each.
 *
 * @param {readonly Drawn[]} drawn
 * @returns {Record<string, unknown>}
 */
function joined(drawn) {
  /** @type {{ x: unknown[], y: unknown[], text: string[] }} */
  const points = { x: [], y: [], text: [] };
  for (const { run, curve } of drawn) {
    const label = escaped(run.name);
    if (points.x.length > 0) {
      points.x.push(null);
      points.y.push(null);
      points.text.push("");
    }
    for (let i = 0; i < curve.x.length; i++) {
      points.x.push(curve.x[i]);
      points.y.push(curve.y[i]);
      points.text.push(label);
    }
  }
  return { ...points, hovertemplate: HOVER };
}

/**
 * @param {Line} line
 * @param {number} drawn
 * @returns {string}
 */
function nameOf({ title, runs }, drawn) {
  const alone = runs.length === 1 && runs[0]?.name === title;
  return escaped(title) + (alone ? "" : ` (n = ${drawn})`);
}

/**
 * Text that Plotly does not take for its own markup.
 *
 * @param {string} text
 * @returns {string}
 */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/**
 * @param {string} colour `#rrggbb`.
 * @returns {number[]} Red, green, blue, each in [0, 255].
 */
function channels(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/**
 * @param {string} colour
 * @param {number} opacity
 * @returns {string}
 */
function translucent(colour, opacity) {
  return `rgba(${channels(colour).join(",")},${opacity})`;
}

/**
 * A colour that can be seen on a dark ground: dark ones are mixed with white.
 *
 * @param {string} colour
 * @returns {string}
 */
export function legible(colour) {
  const [red = 0, green = 0, blue = 0] = channels(colour);
  if (0.2126 * red + 0.7152 * green + 0.0722 * blue > 90) return colour;
  const mixed = [red, green, blue].map((channel) => Math.round(channel + 0.45 * (255 - channel)));
  return `#${mixed.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}
