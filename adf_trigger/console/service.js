// The data of the page from the trigger service's published HTTP API.

import { ACTIVE } from "./format.js";
import { call, inPath, pathOf, withQuery } from "./api.js";
import { SPANS } from "./known.js";

/** Filters of the list, each with the statuses of its query. */
export const VIEWS = [
  { id: "", label: "All", statuses: null },
  { id: "active", label: "Active", statuses: ACTIVE },
  { id: "waiting", label: "Waiting", statuses: ["Accepted"], wanted: ({ waitsFor }) => Boolean(waitsFor) },
  { id: "succeeded", label: "Succeeded", statuses: ["Succeeded"] },
  { id: "failed", label: "Failed", statuses: ["Failed"] },
  { id: "cancelled", label: "Cancelled", statuses: ["Cancelled"] },
  { id: "decide", label: "To decide", statuses: ["Rejected", "Unknown"], wanted: ({ links }) => links.resolve || links.replay },
];


/** The query of the list, from the page's address. */
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

/** The page's address of a run, from the service's link. */
export function hrefOf(run) {
  return `#/${pathOf(run.links?.self) ?? `runs/${inPath(run.messageId ?? run.requestId)}`}`;
}

/** The page's address of the run with an id. */
export function hrefOfId(id, query = {}) {
  return `#/${withQuery(`runs/${inPath(id)}`, query)}`;
}

/** A run, by the page's address. */
export async function openRun(path, signal) {
  return (await call(path, { signal })).body;
}

/** The run with an id; null if there is none. */
export async function findRun(id) {
  try {
    return (await call(`runs/${inPath(id)}`)).body;
  } catch (error) {
    if (error.status === 404 || error.status === 400) return null;
    throw error;
  }
}

/** The activity runs of a run; null if it has not been started. */
export async function activitiesOf(run, signal) {
  const path = pathOf(run.links.activities);
  return path === null ? null : (await call(path, { signal })).body;
}

/** The activity runs of a run that another one has started. */
export async function childActivities(run, id, signal) {
  const path = pathOf(run.links.activities);
  return (await call(`${path}${path.includes("?") ? "&" : "?"}${new URLSearchParams({ child: id })}`, { signal, quiet: true })).body;
}

/** The pipelines of all factories, with their parameters. */
export async function listPipelines(signal, { quiet = false } = {}) {
  return (await call("pipelines", { signal, quiet })).body;
}

/** One pipeline, with its parameters; null if it cannot be read. */
export async function readPipeline(name, factory) {
  try {
    return (await call(withQuery(`pipelines/${encodeURIComponent(name)}`, { factory }), { quiet: true })).body;
  } catch {
    return null;
  }
}

/** Preview a start, or start a run; the answer with its status. */
export function start({ pipeline, body, key, validateOnly = false, signal }) {
  const path = withQuery(`pipelines/${encodeURIComponent(pipeline)}/runs`, { validateOnly: validateOnly || "" });
  return call(path, { method: "POST", body, signal, headers: key ? { "Idempotency-Key": `"${key}"` } : {} });
}

/** Perform an action on a run, by its link. */
export function act(link, body, headers) {
  return call(pathOf(link), { method: "POST", body, headers });
}

/** The detailed health of the service, also if it is unhealthy. */
export async function readHealth(signal) {
  return (await call("health/details", { signal, alsoFine: [503] })).body;
}

/** The holds of operators; none if this key does not authorise reading them. */
export async function readHolds(signal) {
  try {
    return (await call("health/details", { signal, alsoFine: [503], quiet: true })).body?.holds ?? [];
  } catch (error) {
    if (signal.aborted) throw error;
    return [];
  }
}

/** Acknowledge that the ledger is new. */
export function acknowledge() {
  return call("health/acknowledge", { method: "POST", body: {} });
}

/** The data source of the list and of a run's page. */
export const service = {
  views: VIEWS,
  canStart: true,
  hasCorrelation: true,
  idLabel: "Request id",
  whenLabel: "Requested",
  howToBegin: "Start one here, by HTTP, or with a message on the requests queue; it is listed immediately.",
  howToFind: "Press Enter to look for a run with exactly this id or correlation id.",
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
