// The data of the page from the local Data Factory's control API: all runs, however they were started.

import { call, inPath, withQuery } from "../api.js";
import { SPANS } from "../known.js";

const ENDED = new Set(["Succeeded", "Failed", "Cancelled"]);
const VIEWS = [
  { id: "", label: "All", statuses: null },
  { id: "active", label: "Active", statuses: ["Queued", "InProgress", "Canceling"] },
  { id: "succeeded", label: "Succeeded", statuses: ["Succeeded"] },
  { id: "failed", label: "Failed", statuses: ["Failed"] },
  { id: "cancelled", label: "Cancelled", statuses: ["Cancelled"] },
];

function questionOf(query) {
  const view = VIEWS.find((each) => each.id === (query.view ?? "")) ?? VIEWS[0];
  const span = SPANS[query.since];
  return { status: view.statuses?.join(",") ?? "", pipeline: query.pipeline ?? "", since: span ? new Date(Date.now() - span).toISOString() : "" };
}

async function listRuns(question, { continuation, limit, signal }) {
  const { body } = await call(withQuery("runs/newest", { ...question, limit, continuation }), { signal });
  return { runs: body.runs.map(shown), continuation: body.continuation };
}

async function openRun(path, signal) {
  return shown((await call(path, { signal })).body);
}

async function findRun(id) {
  try {
    return await openRun(`runs/${inPath(id)}`);
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

async function activitiesOf(run, signal) {
  return childActivities(run, run.runId, signal);
}

async function childActivities(_run, id, signal) {
  const { body } = await call(`runs/${inPath(id)}/activities`, { signal });
  return { activities: body.value.map(activity), details: "full", truncated: false };
}

/** The pipelines of all factories, as they are defined. */
export async function readPipelines(signal) {
  return (await call("pipelines", { signal })).body.pipelines;
}

/** State set by tests: faults, progressions, options, the clock. */
export async function readState(signal) {
  return (await call("", { signal })).body;
}

/** A run in the shape that the list and the run's page show. */
function shown(run) {
  const path = `/runs/${run.runId}`;
  const rerun = run.runGroupId !== run.runId ? run.runGroupId : null;
  return {
    requestId: run.runId,
    runId: run.runId,
    factory: run.factoryId.split("/").at(-1),
    pipeline: run.pipelineName,
    status: run.status,
    ended: ENDED.has(run.status),
    reason: run.message || null,
    message: run.message || null,
    requestedBy: invoker(run.invokedBy),
    requestedAt: run.requestedAt,
    startedAt: run.runStart,
    endedAt: run.runEnd,
    durationMs: run.durationInMs,
    parameters: run.parameters,
    rerunOf: rerun,
    links: { self: path, activities: `${path}/activities` },
  };
}

function invoker({ invokedByType: type, name, pipelineName } = {}) {
  if (type === "PipelineActivity") return `pipeline ${pipelineName ?? ""}`;
  return type === "Manual" || !type ? "createRun" : `${type} ${name ?? ""}`;
}

function activity(run) {
  const child = run.activityType === "ExecutePipeline" ? run.output?.pipelineRunId : null;
  return {
    activityName: run.activityName,
    activityType: run.activityType,
    activityRunId: run.activityRunId,
    status: run.status,
    startedAt: run.activityRunStart,
    endedAt: run.activityRunEnd,
    durationMs: run.durationInMs,
    retryAttempt: run.retryAttempt,
    iterationHash: run.iterationHash,
    userProperties: run.userProperties,
    input: run.input,
    output: run.output,
    error: run.error?.errorCode || run.error?.message ? run.error : null,
    childRunIds: child ? [child] : [],
  };
}

/** The page's address of the run with an id. */
export const hrefOfHeld = (id) => hrefOfId(id);

const hrefOfId = (id) => `#/runs/${inPath(id)}`;

/** The data source of the list and of a run's page. */
export const factory = {
  views: VIEWS,
  canStart: false,
  hasCorrelation: false,
  idLabel: "Run id",
  whenLabel: "Created",
  howToBegin: "Runs are listed as soon as they start, by the trigger service, a script, the SDK, or a trigger.",
  howToFind: "Press Enter to look for a run with exactly this id.",
  questionOf,
  listRuns,
  hrefOf: (run) => hrefOfId(run.runId),
  hrefOfId,
  hrefOfChild: hrefOfId,
  openRun,
  findRun,
  activitiesOf,
  childActivities,
  listPipelines: async (signal) => ({ pipelines: await readPipelines(signal) }),
  actionsOf: () => [],
};
