// The timeline of a run: a bar for each attempt of an activity, rounds and child runs below it, and details on demand.

import { fill, h } from "./dom.js";
import { count, glyph, json, moment, plain, isolated, statusOf, durationText } from "./format.js";
import { extent, treeOf } from "./timeline.js";

const AT_ONCE = 20;

/**
* A timeline that keeps expanded rows expanded when it is redrawn.
 *
 * `childOf(id)` returns the activities of a loaded child run, an error, or undefined while it is loading.
 */
export class Gantt {
  constructor({ childOf, hrefOfChild }) {
    this.element = h("div", { class: "gantt" });
    this.childOf = childOf;
    this.hrefOfChild = hrefOfChild;
    this.open = new Map();
    this.more = new Map();
  }

  draw(activities, run) {
    this.shown = [activities, run];
    const now = Date.now();
    const children = activities.flatMap((each) => each.childRunIds).map((id) => this.childOf(id)?.activities ?? []);
    this.span = extent([activities, ...children].flat(), run, now);
    this.now = now;
    const rows = treeOf(activities, now).map((row) => this.rowOf(row, 0));
    fill(this.element, this.axis(), h("ul", { class: "lanes" }, rows));
  }

  again() {
    this.draw(...this.shown);
  }

  axis() {
    const [from, to] = this.span;
    const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => h("span", { class: "mark", css: { left: `${share * 100}%` } }, durationText((to - from) * share)));
    return h("div", { class: "axis", "aria-hidden": "true" }, h("div", { class: "marks" }, ticks));
  }

  rowOf(row, depth) {
    const last = row.attempts.at(-1);
    const children = row.attempts.flatMap((each) => each.childRunIds);
    const nests = row.rounds.length > 0 || row.inner.length > 0 || children.length > 0;
    const spread = this.isOpen(row.key, nests && (row.rounds.length <= 5 || row.failedRounds > 0));
    const detailed = this.isOpen(`${row.key}!`, false);
    const twist = nests
      ? h("button", { type: "button", class: "twist", "aria-expanded": String(spread), "aria-label": `${spread ? "Hide" : "Show"} the rows below ${plain(row.name)}`, on: { click: () => this.turn(row.key, spread) }, data: { focus: `twist ${row.key}` } }, spread ? "▾" : "▸")
      : h("span", { class: "twist" });
    const extra = [
      row.attempts.length > 1 ? count(row.attempts.length, "attempt") : null,
      row.rounds.length > 0 ? count(row.rounds.length, "round") + (row.failedRounds ? `, ${row.failedRounds} failed` : "") : null,
    ].filter(Boolean);
    const label = h(
      "button",
      { type: "button", class: "lane-name", "aria-expanded": String(detailed), on: { click: () => this.turn(`${row.key}!`, detailed) }, data: { focus: `lane ${row.key}` } },
      glyph(last.status),
      h("span", { class: "names" }, isolated(row.name, { class: "name" }), h("span", { class: "sub muted" }, plain(row.type), extra.map((each) => ` · ${each}`))),
      h("span", { class: "hidden" }, `, ${statusOf(last.status).word}`),
    );
    const total = last.durationMs ?? (last.startedAt && !last.endedAt ? this.now - Date.parse(last.startedAt) : null);
    return h(
      "li",
      { class: "lane-item" },
      h("div", { class: "lane", css: { "--depth": depth } }, h("div", { class: "lane-head" }, twist, label), h("div", { class: "track", "aria-hidden": "true" }, row.attempts.map((each) => this.bar(each))), h("span", { class: "long" }, durationText(total))),
      detailed ? row.attempts.map((each, number) => details(each, row.attempts.length > 1 ? number + 1 : 0)) : null,
      spread ? [this.roundsOf(row, depth + 1), row.inner.length > 0 ? h("ul", { class: "lanes" }, row.inner.map((each) => this.rowOf(each, depth + 1))) : null, children.map((id) => this.childRows(id, depth + 1))] : null,
    );
  }

  bar(run) {
    const [from, to] = this.span;
    const start = Date.parse(run.startedAt ?? "");
    if (Number.isNaN(start)) return null;
    const end = run.endedAt ? Date.parse(run.endedAt) : this.now;
    const share = (instant) => (100 * (instant - from)) / (to - from);
    const { word, kind } = statusOf(run.status);
    return h("span", {
      class: `span is-${kind}${run.endedAt ? "" : " is-open"}`,
      title: `${word}, ${durationText(end - start)}, from ${moment(run.startedAt)}`,
      css: { left: `${share(start)}%`, width: `${Math.max(0, share(end) - share(start))}%` },
    });
  }

  roundsOf(row, depth) {
    if (row.rounds.length === 0) return null;
    const most = this.more.get(row.key) ?? AT_ONCE;
    // Failed rounds are what the reader looks for: they are always shown.
    const shown = row.rounds.filter((round, index) => index < most || (row.failedRounds <= AT_ONCE && round.runs.some((run) => run.status === "Failed")));
    const left = row.rounds.length - shown.length;
    return h(
      "ul",
      { class: "lanes" },
      shown.map((round) => h("li", {}, h("div", { class: "round", css: { "--depth": depth } }, `Round ${round.number}`), h("ul", { class: "lanes" }, round.rows.map((each) => this.rowOf(each, depth))))),
      left > 0 ? h("li", {}, h("button", { type: "button", class: "quiet more", data: { focus: `more ${row.key}` }, on: { click: () => { this.more.set(row.key, most + 100); this.again(); } } }, `Show more of ${count(left, "further round")}`)) : null,
    );
  }

  childRows(id, depth) {
    const child = this.childOf(id);
    const head = h("div", { class: "round", css: { "--depth": depth } }, "Child run ", this.hrefOfChild(id) ? h("a", { href: this.hrefOfChild(id) }, isolated(id)) : isolated(id));
    if (child === undefined) return h("ul", { class: "lanes" }, h("li", {}, head, h("p", { class: "muted nested" }, "Loading its activities…")));
    if (child.error) return h("ul", { class: "lanes" }, h("li", {}, head, h("p", { class: "muted nested" }, plain(child.error))));
    const rows = treeOf(child.activities, this.now).map((row) => this.rowOf({ ...row, key: `${id}${row.key}` }, depth));
    return h("ul", { class: "lanes" }, h("li", {}, head, h("ul", { class: "lanes" }, rows)));
  }

  isOpen(key, usually) {
    return this.open.get(key) ?? usually;
  }

  turn(key, open) {
    this.open.set(key, !open);
    this.again();
  }
}

/** Input, output and error of an activity run. */
function details(run, attempt) {
  const facts = [
    attempt ? ["Attempt", String(attempt)] : null,
    ["Status", statusOf(run.status).word],
    ["Started", run.startedAt ? moment(run.startedAt) : "—"],
    ["Ended", run.endedAt ? moment(run.endedAt) : "—"],
    ["Activity run id", isolated(run.activityRunId)],
  ].filter(Boolean);
  const failed = run.error && (run.error.errorCode || run.error.message);
  return h(
    "div",
    { class: "details" },
    failed ? h("div", { class: "fault" }, h("p", {}, h("strong", {}, plain(run.error.errorCode)), run.error.failureType ? ` ${plain(run.error.failureType)}` : ""), h("pre", { tabindex: 0 }, plain(run.error.message))) : null,
    h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    block("Input", run.input),
    block("Output", run.output),
    block("User properties", run.userProperties),
    run.truncated ? h("p", { class: "muted" }, "Long values were cut in the middle.") : null,
  );
}

/** A value as JSON; null if it is empty. */
export function block(title, value) {
  if (value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0)) return null;
  return h("figure", { class: "block" }, title ? h("figcaption", {}, title) : null, h("pre", { tabindex: 0 }, json(value)));
}
