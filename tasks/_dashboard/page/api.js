// @ts-check
/// <reference lib="dom" />
/**
 * What the page asks its server.
 *
 * @module
 */

/** @typedef {import("../protocol.ts").RunsReply} RunsReply */
/** @typedef {import("../protocol.ts").SeriesRequest} SeriesRequest */
/** @typedef {import("../protocol.ts").SeriesReply} SeriesReply */
/** @typedef {import("../protocol.ts").SamplesReply} SamplesReply */
/** @typedef {import("../protocol.ts").DifferenceReply} DifferenceReply */

/**
 * @param {number} revision
 * @returns {Promise<RunsReply>}
 */
export async function askRuns(revision) {
  return await ask(`api/runs?since=${revision}`);
}

/**
 * @param {SeriesRequest} request
 * @returns {Promise<SeriesReply>}
 */
export async function askSeries(request) {
  return await ask("api/series", request);
}

/**
 * @param {Record<string, string>} query See `SamplesQuery` in `samples.ts`, and `run`.
 * @returns {Promise<SamplesReply>}
 */
export async function askSamples(query) {
  return await ask(`api/samples?${new URLSearchParams(query)}`);
}

/**
 * @param {readonly string[]} runs
 * @returns {Promise<DifferenceReply>}
 */
export async function askDifference(runs) {
  return await ask("api/difference", { runs });
}

/**
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
async function ask(path, body) {
  const response = await fetch(
    path,
    body === undefined ? {} : { method: "POST", body: JSON.stringify(body) },
  );
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}
