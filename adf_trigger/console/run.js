// A run: why it failed, its timeline, its parameters, and its history.

import { fill, h, painted } from "./dom.js";
import { badge, count, durationOf, json, plain, isolated, time, durationText } from "./format.js";
import { Gantt, block } from "./gantt.js";
import { lastList } from "./list.js";
import { Poller } from "./poll.js";
import { joinedLink, placeInLine, waitTag } from "./waits.js";

const SLOWEST = 10_000;
/** Maximum activity runs of a timeline that is redrawn each second. */
const MOST_MOVING = 200;
/** Maximum child runs that are polled with the run. */
const MOST_FOLLOWED = 5;
const SAFE = /^https:\/\//i;

/** Returns the view of a source's run: it shows one in an element and returns the function that ends it. */
export function runView(source) {
  return (main, address, title) => show(source, main, address, title);
}

function show(source, main, { whole }, title) {
  title("Run");
  const { activitiesOf, hrefOf, openRun, childActivities } = source;
  const parts = Object.fromEntries(["head", "why", "time", "facts", "given", "history"].map((name) => [name, h("section", { class: `part part-${name}` })]));
  const paint = Object.fromEntries(Object.entries(parts).map(([name, element]) => [name, painted(element)]));
  const children = new Map();
  const gantt = new Gantt({ childOf, hrefOfChild: source.hrefOfChild ?? (() => null) });
  let run = null;
  let activities = null;
  let trouble = null;
  let settled = 0;
  const stop = new AbortController();

  fill(main, h("p", { class: "back" }, h("a", { href: lastList() }, "← Runs")), h("div", { class: "loading muted" }, "Loading the run…"));

  async function refresh(signal) {
    const before = JSON.stringify([run, activities, trouble]);
    try {
      run = await openRun(whole, signal);
    } catch (error) {
      if (error.status === 404 || error.status === 409 || error.status === 400) return lost(error);
      throw error;
    }
    // Once more after its end, since the list of activities lags behind.
    if (settled < 2) {
      try {
        activities = await activitiesOf(run, signal);
        trouble = null;
        for (const id of [...children.keys()].filter((each) => children.get(each)).slice(-MOST_FOLLOWED)) readChild(id);
        if (run.ended) settled += 1;
      } catch (error) {
        if (signal.aborted || error.status === 401) throw error;
        trouble = error.message;
      }
    }
    signal.throwIfAborted();
    draw();
    return (run.ended && settled < 2) || before !== JSON.stringify([run, activities, trouble]);
  }

  function lost(error) {
    poller.stop();
    const choices = (error.body.choices ?? []).map((each) => h("li", {}, h("a", { href: hrefOf({ links: { self: each.link } }) }, isolated(`${each.factory}: ${each.pipeline}`)), " ", badge(each.status), " ", time(each.requestedAt)));
    fill(main, h("p", { class: "back" }, h("a", { href: lastList() }, "← Runs")), h("div", { class: "empty" }, h("h1", {}, plain(error.body.title ?? "There is no such run")), h("p", {}, plain(error.body.detail ?? error.message)), choices.length ? h("ul", { class: "plain" }, choices) : null));
    return false;
  }

  function childOf(id) {
    if (!children.has(id)) {
      children.set(id, undefined);
      readChild(id);
    }
    return children.get(id);
  }

  async function readChild(id) {
    try {
      const found = await childActivities(run, id, stop.signal);
      children.set(id, { activities: found.activities });
    } catch (error) {
      if (stop.signal.aborted) return;
      const message = error.status === 404 ? "It is not available here." : error.message;
      if (!children.get(id)?.activities.length) children.set(id, { activities: [], error: message });
    }
    if (gantt.shown) gantt.again();
  }

  function draw() {
    title(`${plain(run.pipeline) || "Message"} ${run.status}`);
    if (!parts.head.isConnected) fill(main, h("p", { class: "back" }, h("a", { href: lastList() }, "← Runs")), Object.values(parts));
    paint.head([run.status, run.waitsFor, run.links, run.pipeline], () => head(run, source.actionsOf(run, () => { settled = 0; poller.now(); })));
    paint.why([run.status, run.reason, run.message, run.errors, run.children, run.inLine, run.joinedTo], () => why(run, source));
    paint.facts([run, durationOf(run)], () => facts(run, source));
    paint.given([run.parameters, run.metadata, run.returnValue], () => given(run));
    paint.history(run.history, () => historyOf(run));
    paint.time([activities, trouble, run.ended || Date.now()], () => timeline());
  }

  function timeline() {
    const heading = h("h2", {}, "Timeline");
    if (trouble) return [heading, h("p", { class: "muted" }, `The activities cannot be read at present: ${plain(trouble)}`)];
    if (activities === null) return run.messageId || run.ended ? [] : [heading, h("p", { class: "muted" }, "It has not been started yet.")];
    if (activities.activities.length === 0) return [heading, h("p", { class: "muted" }, run.ended ? "Data Factory reports no activities." : "No activity has started yet.")];
    gantt.draw(activities.activities, run);
    return [
      heading,
      activities.details === "withheld" ? h("p", { class: "muted" }, "Inputs and outputs are withheld: the pipeline has secure parameters.") : null,
      gantt.element,
      activities.truncated ? h("p", { class: "muted" }, `There are more than these ${count(activities.activities.length, "activity run")}.`) : null,
    ];
  }

  const poller = new Poller(refresh, { fastest: 2_000, slowest: SLOWEST });
  poller.start();
  // Bars also grow between two polls.
  const clock = setInterval(() => {
    if (run && !run.ended && !document.hidden && (activities?.activities.length ?? 0) <= MOST_MOVING) draw();
  }, 1_000);
  return () => {
    clearInterval(clock);
    stop.abort();
    poller.stop();
  };
}

function head(run, actions) {
  const studio = SAFE.test(run.links.studio ?? "") ? h("a", { class: "button", href: run.links.studio, target: "_blank", rel: "noopener noreferrer" }, "Open in Studio", h("span", { "aria-hidden": "true" }, " ↗")) : null;
  return [
    h("div", { class: "title" }, h("div", {}, h("h1", {}, isolated(run.pipeline || "Rejected message")), badge(run.status), run.waitsFor ? [" ", waitTag(run)] : null), h("div", { class: "actions" }, actions, studio)),
  ];
}

const WHY = { Failed: "Why it failed", Rejected: "Why it was rejected", Unknown: "Why its outcome is unknown", Cancelled: "Why it was cancelled", Accepted: "What it waits for" };

function why(run, { hrefOfId }) {
  const errors = (run.errors ?? []).filter((each) => !each.cured);
  if (!WHY[run.status] || !(run.reason || run.message || errors.length)) return [];
  // The errors of a child run are nearer to the cause than that of the activity that started it.
  const below = new Map((run.children ?? []).filter((each) => each.errors?.length).map((each) => [each.runId, each]));
  const items = errors.map((each) => h("li", {}, failure(each), inChild(below.get(each.childRunId))));
  const whole = errors.length === 0 ? h("pre", { tabindex: 0 }, plain(run.message ?? run.reason)) : null;
  const place = placeInLine(run.inLine);
  const joined = run.ended ? null : joinedLink(run, hrefOfId);
  const until = [place ? h("p", {}, place) : null, joined ? h("p", {}, "It ends with the run of ", joined, ".") : null];
  return h("div", { class: `why is-${run.status.toLowerCase()}` }, h("h2", {}, WHY[run.status]), whole, until, items.length ? h("ul", { class: "plain" }, items) : null, further(run.errorsLeftOut));
}

function further(number) {
  return number ? h("p", { class: "muted" }, `${count(number, "further activity", "further activities")} failed.`) : null;
}

function failure(error) {
  const facts = [
    h("strong", {}, isolated(error.activityName)),
    error.activityType ? h("span", { class: "muted" }, plain(error.activityType)) : null,
    error.errorCode ? h("code", {}, plain(error.errorCode)) : null,
    error.failureType ? h("span", { class: "muted" }, plain(error.failureType)) : null,
  ];
  return [h("p", {}, facts), h("pre", { tabindex: 0 }, plain(error.message))];
}

function inChild(child) {
  if (!child) return null;
  const errors = child.errors.filter((each) => !each.cured);
  return errors.length ? h("div", { class: "below" }, h("p", { class: "muted" }, "In its run of ", isolated(child.pipeline || child.runId), ":"), errors.map(failure), further(child.errorsLeftOut)) : null;
}

function facts(run, { hrefOfId, hasCorrelation, whenLabel }) {
  const joined = joinedLink(run, hrefOfId);
  const link = (id) => h("a", { href: hrefOfId(id, { by: "runId" }) }, isolated(id));
  const rows = [
    [whenLabel, time(run.requestedAt)],
    ["Triggered by", run.requestedBy ? isolated(run.requestedBy) : "a call by HTTP"],
    run.submittedAt ? ["Sent to Data Factory", time(run.submittedAt)] : null,
    ["Started", time(run.startedAt)],
    ["Ended", time(run.endedAt)],
    ["Duration", durationText(durationOf(run))],
    hasCorrelation ? ["Request id", copied(run.requestId)] : null,
    run.messageId ? ["Message id", copied(run.messageId)] : null,
    run.runId ? ["Run id", copied(run.runId)] : null,
    joined ? ["Joined", joined] : null,
    run.admissionKey === null || run.admissionKey === undefined ? null : ["Counted by key", h("code", {}, plain(run.admissionKey))],
    ["Factory", run.factory ? isolated(run.factory) : "—"],
    run.correlationId ? ["Correlation id", h("a", { href: `#/runs?${new URLSearchParams({ correlationId: run.correlationId })}` }, isolated(run.correlationId))] : null,
    run.rerunOf ? ["Reruns", link(run.rerunOf)] : null,
    run.attempt > 1 ? ["Attempt", String(run.attempt)] : null,
    run.groupId && run.groupId !== run.runId && run.groupId !== run.rerunOf ? ["First of its reruns", link(run.groupId)] : null,
  ].filter(Boolean);
  return [h("h2", {}, "Details"), h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))))];
}

/** An id with a button that copies it. */
function copied(text) {
  const button = h("button", { type: "button", class: "copy", "aria-label": `Copy ${plain(text)}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => {
      button.textContent = "Copy";
    }, 1_500);
  });
  return [isolated(text), navigator.clipboard ? button : null];
}

function given(run) {
  const table = (title, values) =>
    Object.keys(values).length === 0
      ? null
      : [h("h2", {}, title), h("dl", { class: "facts" }, Object.entries(values).map(([name, value]) => h("div", {}, h("dt", {}, isolated(name)), h("dd", {}, h("pre", { class: "short" }, json(value))))))];
  const returned = run.returnValue ?? null;
  return [
    table("Parameters", run.parameters),
    table("Metadata", run.metadata ?? {}),
    returned === null ? null : [h("h2", {}, "Return value"), block("", returned)],
  ];
}

function historyOf(run) {
  if (!run.history?.length) return [];
  return [
    h("h2", {}, "History"),
    h("ol", { class: "history" }, run.history.map((each) => h("li", {}, h("p", {}, h("strong", {}, plain(each.action)), each.by ? [" by ", isolated(each.by)] : null, " ", time(each.at)), each.note ? h("p", {}, isolated(each.note)) : null))),
  ];
}
