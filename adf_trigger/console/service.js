// What the page shows, as the trigger service's published HTTP API has it.

import { ACTIVE } from "./format.js";
import { call, inPath, pathOf, withQuery } from "./api.js";
import { SPANS } from "./known.js";

/** Ways to narrow the list down, each with the statuses that the service is asked for. */
export const VIEWS = [
  { id: "", label: "All", statuses: null },
  { id: "active", label: "Active", statuses: ACTIVE },
  { id: "waiting", label: "Waiting", statuses: ["Accepted"], wanted: ({ waitsFor }) => Boolean(waitsFor) },
  { id: "succeeded", label: "Succeeded", statuses: ["Succeeded"] },
  { id: "failed", label: "Failed", statuses: ["Failed"] },
  { id: "cancelled", label: "Cancelled", statuses: ["Cancelled"] },
  { id: "decide", label: "To decide", statuses: ["Rejected", "Unknown"], wanted: ({ links }) => links.resolve || links.replay },
];


/** What the list is asked for, of what stands in the page's address. */
export function questionOf(query) {
  const view = VIEWS.find((each) => each.id === (query.view ?? "")) ?? VIEWS[0];
  const span = SPANS[query.since];
  return {
    status: view.statuses?.join(",") ?? "",
    pipeline: query.pipeline ?? "",
    correlationId: query.correlationId ?? "",
    since: span ? new Date(Date.now() - span).toISOString() : "",
  };
}

/** A page of the list: { runs, continuation }. */
export async function listRuns(question, { continuation, limit, signal }) {
  const answer = await call(withQuery("runs", { ...question, limit, continuation }), { signal });
  return answer.body;
}

/** Where the page shows a run: the service's own link to it. */
export function hrefOf(run) {
  return `#/${pathOf(run.links?.self) ?? `runs/${inPath(run.messageId ?? run.requestId)}`}`;
}

/** Where the page shows the run of an id. */
export function hrefOfId(id, query = {}) {
  return `#/${withQuery(`runs/${inPath(id)}`, query)}`;
}

/** A run, by what stands in the page's address. */
export async function openRun(path, signal) {
  return (await call(path, { signal })).body;
}

/** Whether there is a run of an id; null where the service has none. */
export async function findRun(id) {
  try {
    return (await call(`runs/${inPath(id)}`)).body;
  } catch (error) {
    if (error.status === 404 || error.status === 400) return null;
    throw error;
  }
}

/** The activity runs of a run; null where it has not been started. */
export async function activitiesOf(run, signal) {
  const path = pathOf(run.links.activities);
  return path === null ? null : (await call(path, { signal })).body;
}

/** The activity runs of a run that another one has started. */
export async function childActivities(run, id, signal) {
  const path = pathOf(run.links.activities);
  return (await call(`${path}${path.includes("?") ? "&" : "?"}${new URLSearchParams({ child: id })}`, { signal, quiet: true })).body;
}

/** Pipelines of all factories, with what they declare. */
export async function listPipelines(signal, { quiet = false } = {}) {
  return (await call("pipelines", { signal, quiet })).body;
}

/** One pipeline, with what it declares; null where it cannot be read. */
export async function readPipeline(name, factory) {
  try {
    return (await call(withQuery(`pipelines/${encodeURIComponent(name)}`, { factory }), { quiet: true })).body;
  } catch {
    return null;
  }
}

/** Ask what would become of a start, or start; the answer with its status. */
export function start({ pipeline, body, key, validateOnly = false, signal }) {
  const path = withQuery(`pipelines/${encodeURIComponent(pipeline)}/runs`, { validateOnly: validateOnly || "" });
  return call(path, { method: "POST", body, signal, headers: key ? { "Idempotency-Key": `"${key}"` } : {} });
}

/** Do something about a run: what one of its links leads to. */
export function act(link, body, headers) {
  return call(pathOf(link), { method: "POST", body, headers });
}

/** All that the service says of itself, also where it is not well. */
export async function readHealth(signal) {
  return (await call("health/details", { signal, welcome: [503] })).body;
}

/** What operators hold; nothing where this key does not open that. */
export async function readHolds(signal) {
  try {
    return (await call("health/details", { signal, welcome: [503], quiet: true })).body?.holds ?? [];
  } catch (error) {
    if (signal.aborted) throw error;
    return [];
  }
}

/** Say that the ledger is known to be new. */
export function acknowledge() {
  return call("health/acknowledge", { method: "POST", body: {} });
}

/** All of it, as the list and a run are shown of. */
export const service = {
  views: VIEWS,
  canStart: true,
  hasCorrelation: true,
  idLabel: "Request id",
  whenLabel: "Requested",
  howToBegin: "Start one here, by HTTP, or with a message on the requests queue; it is listed at once.",
  howToFind: "Press Enter to ask the service for a run of that very id or correlation id.",
  questionOf,
  listRuns,
  hrefOf,
  hrefOfId,
  openRun,
  findRun,
  activitiesOf,
  childActivities,
  listPipelines,
  readHolds,
};
