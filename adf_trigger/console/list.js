// The live list of runs: filters, search, the strip, and a table with infinite scrolling.

import { fill, fresh, h, painted, debounced } from "./dom.js";
import { ago, count, durationOf, glyph, plain, isolated, statusOf, time, durationText } from "./format.js";
import { pathOf } from "./api.js";
import { heldBanner } from "./held.js";
import { KnownRuns, isWithin, keyOf } from "./known.js";
import { Poller } from "./poll.js";
import { Rows } from "./rows.js";
import { amend, go } from "./router.js";
import { figures, strip } from "./strip.js";
import { waitTag } from "./waits.js";

/** The last state of the list, for a return from a run. */
let left = null;

/** The address of the last state of the list. */
export function lastList() {
  return left?.asked ? `#/runs?${left.asked}` : "#/runs";
}

/** The filters of a list as they appear in the address, without empty ones. */
function addressOf(asked) {
  return new URLSearchParams(Object.entries(asked).filter(([, value]) => value)).toString();
}

const FIRST = 100;
const FURTHER = 200;
const PAGES_AT_ONCE = 4;
const LOOKS = 5;

/** Returns the view of a source's runs: it shows them in an element and returns the function that ends it. */
export function listView(source) {
  return (main, address, title) => show(source, main, address, title);
}

function show(source, main, { query }, title) {
  title("Runs");
  const { views, findRun, hrefOf, listPipelines, listRuns, openRun, questionOf } = source;
  const asked = { ...query };
  const back = left?.source === source && left.asked === addressOf(asked) ? left : null;
  const known = back?.known ?? new KnownRuns();
  const state = { search: back?.search ?? "", loading: false, loaded: back !== null, note: "" };
  const parts = {
    held: h("div", {}),
    overview: h("div", { class: "overview" }),
    note: h("div", { class: "note", role: "status" }),
    foot: h("div", { class: "foot" }),
  };
  const paintHeld = painted(parts.held);
  const paintOverview = painted(parts.overview);
  const paintFoot = painted(parts.foot);
  const rows = new Rows({ label: "Runs, newest first", columns: columnsOf(source), row: (run) => rowOf(run, hrefOf(run)), keyOf, nearEnd: () => older() });
  const stop = new AbortController();
  let further = new AbortController();

  /** Clear the list, and abort the loading of older runs. */
  function forget() {
    further.abort();
    further = new AbortController();
    state.loading = false;
    known.clear();
  }

  const isRecent = (run) => isWithin(run, asked.since);
  // The list is newest first: all runs after one that is too old are older.
  const reaches = () => known.sorted.length === 0 || isRecent(known.sorted.at(-1));

  const shown = () => known.matching(state.search).filter(isRecent).filter(views.find((each) => each.id === (asked.view ?? ""))?.wanted ?? (() => true));

  function draw() {
    const runs = shown();
    rows.element.hidden = runs.length === 0;
    rows.show(runs);
    paintOverview(runs.slice(0, 100).map((run) => [keyOf(run), run.status, run.durationMs, runs.length]), () => (runs.length > 0 ? [figures(runs), strip(runs, hrefOf)] : []));
    paintFoot([runs.length, known.size, Boolean(known.continuation), state], () => foot(runs));
  }

  function foot(runs) {
    if (!state.loaded) return h("p", { class: "muted center" }, "Loading the runs…");
    const more = known.continuation && reaches()
      ? h("button", { type: "button", disabled: state.loading, on: { click: () => older(true) }, data: { focus: "more" } }, state.loading ? "Loading…" : "Load older runs")
      : null;
    if (runs.length === 0) return empty(more);
    const far = state.search ? `${count(runs.length, "run")} of ${known.size.toLocaleString()} loaded match.` : more ? "" : "These are all runs.";
    return [h("p", { class: "muted center" }, far), more];
  }

  function empty(more) {
    if (state.search) {
      return h("div", { class: "empty" }, h("h2", {}, "No loaded run matches"), h("p", {}, source.howToFind), more);
    }
    if (Object.values(asked).some(Boolean)) {
      return h("div", { class: "empty" }, h("h2", {}, "No run matches these filters"), h("p", {}, h("a", { href: "#/runs" }, "Show all runs")), more);
    }
    return h("div", { class: "empty" }, h("h2", {}, "No runs yet"), h("p", {}, source.howToBegin), startLink());
  }

  async function older(manually = false) {
    if (state.loading || !known.continuation || !reaches() || (state.search && !manually) || (state.failed && !manually)) return;
    state.loading = true;
    state.failed = false;
    const { signal } = further;
    draw();
    try {
      for (let page = 0, found = 0; page < PAGES_AT_ONCE && found === 0 && known.continuation; page += 1) {
        const answer = await listRuns(questionOfNow(), { continuation: known.continuation, limit: FURTHER, signal });
        if (signal.aborted) return;
        known.append(answer);
        found = answer.runs.length;
      }
    } catch (error) {
      if (signal.aborted) return;
      state.failed = true; // the foot keeps its button
      fill(parts.note, plain(error.message));
    }
    state.loading = false;
    draw();
  }

  const startLink = () => (source.canStart ? h("a", { class: "button primary", href: "#/start" }, "Start a run") : null);

  const questionOfNow = () => (known.question ??= questionOf(asked));

  async function refresh(signal) {
    let answer = await listRuns(questionOfNow(), { limit: FIRST, signal });
    for (let page = 1; page < PAGES_AT_ONCE && answer.runs.length === 0 && answer.continuation; page += 1) {
      answer = await listRuns(questionOfNow(), { limit: FURTHER, continuation: answer.continuation, signal });
    }
    signal.throwIfAborted();
    let { changed, joined } = known.refresh(answer);
    if (!joined) {
      // There are more new runs than a page holds: the rest is loaded when it is scrolled to.
      const { question } = known;
      forget();
      known.question = question;
      known.refresh(answer);
    }
    const listed = new Set(answer.runs.map(keyOf));
    const visible = [...rows.made.keys()].map((each) => known.byKey.get(each)).filter(Boolean);
    for (const run of visible.filter((each) => !each.ended && !listed.has(keyOf(each))).slice(0, LOOKS)) {
      const now = await opened(openRun, run, signal);
      signal.throwIfAborted();
      changed = (now ? known.take([now]) : known.drop(run)) || changed;
    }
    state.loaded = true;
    draw();
    return changed;
  }

  function reask() {
    forget();
    state.failed = false;
    state.loaded = false;
    fill(parts.note);
    amend("runs", asked);
    paintFilters();
    draw();
    poller.restart();
  }

  async function ask(event) {
    event.preventDefault();
    const wanted = search.value.trim(); // the typed text may not have been applied yet
    if (!wanted) return;
    fill(parts.note, "Searching…");
    try {
      const run = await findRun(wanted);
      if (run) {
        state.search = search.value = ""; // the search is done: a return shows the whole list
        return go(hrefOf(run));
      }
      if (!source.hasCorrelation) return fill(parts.note, "There is no run with this id.");
      asked.correlationId = wanted;
      state.search = search.value = "";
      reask();
    } catch (error) {
      fill(parts.note, plain(error.message), error.body?.choices?.map((each) => [" ", h("a", { href: `#/${pathOf(each.link)}` }, isolated(`${each.factory}: ${each.pipeline}`))]));
    }
  }

  const search = h("input", { type: "search", name: "search", id: fresh("search"), value: state.search, placeholder: "Pipeline, id or error", autocomplete: "off", spellcheck: "false" });
  search.addEventListener("input", debounced(() => {
    state.search = search.value;
    draw();
  }, 120));
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Status" });
  const pipelines = h("datalist", { id: fresh("pipelines") });
  const pipeline = h("input", { type: "text", id: fresh("pipeline"), list: pipelines.id, value: asked.pipeline ?? "", placeholder: "Any pipeline", autocomplete: "off", spellcheck: "false" });
  pipeline.addEventListener("change", () => {
    asked.pipeline = pipeline.value.trim();
    reask();
  });
  const since = h("select", { id: fresh("since") }, [["", "Any time"], ["1h", "Last hour"], ["24h", "Last 24 hours"], ["7d", "Last 7 days"]].map(([value, label]) => h("option", { value, selected: value === (asked.since ?? "") }, label)));
  since.addEventListener("change", () => {
    asked.since = since.value;
    reask();
  });

  function paintFilters() {
    fill(
      chips,
      views.map(({ id, label }) => {
        const choose = () => {
          asked.view = id;
          reask();
        };
        return h("button", { type: "button", class: "chip", "aria-pressed": String((asked.view ?? "") === id), on: { click: choose }, data: { focus: `view-${id}` } }, label);
      }),
      asked.correlationId
        ? h("button", { type: "button", class: "chip removable", on: { click: () => { asked.correlationId = ""; reask(); } } }, "Correlation id ", isolated(asked.correlationId), h("span", { "aria-hidden": "true" }, " ×"), h("span", { class: "hidden" }, "remove"))
        : null,
    );
  }

  const labelled = (label, control) => h("div", { class: "labelled" }, h("label", { for: control.id }, label), control);
  fill(
    main,
    h("div", { class: "title" }, h("h1", {}, "Runs"), startLink()),
    h("div", { class: "filters" }, chips, h("form", { class: "find", role: "search", on: { submit: ask } }, labelled("Search", search), labelled("Pipeline", pipeline), labelled(source.whenLabel, since), pipelines, h("button", { type: "submit", class: "hidden", tabindex: -1 }, "Search"))),
    parts.held,
    parts.overview,
    parts.note,
    rows.element,
    parts.foot,
  );
  paintFilters();
  draw();
  // Loaded on focus only: it costs reads of Data Factory.
  const suggest = () =>
    listPipelines(stop.signal, { quiet: true }).then(
      (found) => fill(pipelines, [...new Set(found.pipelines.map((each) => each.name))].map((value) => h("option", { value }))),
      () => {}, // the field accepts any name
    );
  pipeline.addEventListener("focus", suggest, { once: true });
  const slash = (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select, dialog")) return;
    event.preventDefault();
    search.focus();
  };
  addEventListener("keydown", slash);
  const clock = setInterval(draw, 15_000);
  const poller = new Poller(refresh, { fastest: 2_000, slowest: 10_000 });
  poller.start();
  const holds = source.readHolds ? new Poller(async (signal) => {
    const found = await source.readHolds(signal);
    paintHeld([found], () => heldBanner(found));
    return false;
  }, { fastest: 15_000, slowest: 60_000 }) : null;
  holds?.start();
  if (back) requestAnimationFrame(() => scrollTo(0, back.scroll));
  let scroll = back?.scroll ?? 0;
  const scrolled = () => {
    scroll = scrollY;
  };
  addEventListener("scroll", scrolled, { passive: true });
  return () => {
    removeEventListener("scroll", scrolled);
    left = { source, asked: addressOf(asked), known, search: state.search, scroll };
    poller.stop();
    holds?.stop();
    stop.abort();
    further.abort();
    rows.close();
    clearInterval(clock);
    removeEventListener("keydown", slash);
  };
}

/** The current state of a listed run; null if it no longer exists. */
async function opened(openRun, run, signal) {
  try {
    const now = await openRun(pathOf(run.links.self), signal);
    return Object.fromEntries(Object.keys(run).map((name) => [name, now[name]]));
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

const columnsOf = ({ idLabel, whenLabel }) => [
  { name: "what", label: "Pipeline" },
  { name: "id", label: idLabel },
  { name: "when", label: whenLabel },
  { name: "long", label: "Duration" },
];

function rowOf(run, href) {
  const { word } = statusOf(run.status);
  const reason = run.reason ?? (run.requestedBy ? `by ${run.requestedBy}` : "");
  const duration = durationOf(run);
  const when = ago(run.requestedAt);
  return {
    href,
    state: [run.status, run.waitsFor, run.pipeline, run.requestId, reason, when, durationText(duration)],
    cells: [
      {
        name: "what",
        content: [
          glyph(run.status),
          h("span", { class: "names" }, isolated(run.pipeline || "(no pipeline)", { class: "name" }), h("span", { class: `sub is-${statusOf(run.status).kind}` }, word, run.waitsFor ? [" ", waitTag(run)] : null, reason ? [h("span", { class: "muted" }, " · "), isolated(reason, { class: "reason" })] : null)),
        ],
      },
      { name: "id", content: isolated(run.requestId) },
      { name: "when", content: time(run.requestedAt, () => when) },
      { name: "long", content: durationText(duration) },
    ],
  };
}
