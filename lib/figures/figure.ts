import type { Data, Layout } from "plotly.js";

/** A figure in Plotly's own format: plain data, drawn by whoever shows it. */
export interface Figure {
  readonly data: readonly Partial<Data>[];
  readonly layout: Partial<Layout>;
}
