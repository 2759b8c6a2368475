// The health of the service: its troubles, since when, and the state of each component.

import { acknowledge, readHealth } from "./service.js";
import { block } from "./gantt.js";
import { call } from "./api.js";
import { faults } from "./dialog.js";
import { fill, h, painted } from "./dom.js";
import { ago, count, glyph, plain, isolated, time } from "./format.js";
import { heldBanner } from "./held.js";
import { Poller } from "./poll.js";

const NAMES = { table: "Ledger’s table", queues: "Queues", ledger: "Ledger", bindings: "Queue binding" };
const SHOWN = new Set(["status", "since", "version", "troubles", "warnings", "components", "timer", "observedAt", "ledger", "holds", "lines"]);
const SIGN = { ok: "Succeeded", starting: "Accepted", unavailable: "Failed" };
const WORDS = { ok: "All is well", starting: "It has just started", unavailable: "Something is wrong" };

/** Show the health in an element; returns the function that ends it. */
export function healthView(main, _address, title) {
  title("Health");
  const body = h("div", {}, h("p", { class: "muted" }, "Loading the health…"));
  fill(main, h("div", { class: "title" }, h("h1", {}, "Health")), body);
  const paint = painted(body);
  const poller = new Poller(async (signal) => {
    const health = await readHealth(signal);
    const isProblem = health?.type !== undefined; // for example, of faulty settings
    paint([health, ago(health?.observedAt)], () => (isProblem ? problem(health) : shown(health, () => poller.now())));
    return false;
  }, { fastest: 5_000, slowest: 15_000 });
  poller.start();
  return () => poller.stop();
}

function problem(body) {
  return h("div", { class: "why is-unavailable" }, h("h2", {}, glyph("Failed"), plain(body.title)), faults({ message: body.detail ?? "", errors: body.errors }));
}

function shown(health, again) {
  const further = Object.fromEntries(Object.entries(health).filter(([name, value]) => !SHOWN.has(name) && value !== null && !(Array.isArray(value) && value.length === 0)));
  return [
    h("div", { class: `why health is-${health.status}` }, h("h2", {}, glyph(SIGN[health.status]), WORDS[health.status] ?? plain(health.status)), health.since ? h("p", { class: "muted" }, "since ", time(health.since)) : null, troubles(health)),
    health.ledger && health.ledger.acknowledged === false ? unknownLedger(again) : null,
    heldBanner(health.holds),
    linesOf(health.lines),
    health.warnings.length ? [h("h2", {}, "Warnings"), h("ul", {}, health.warnings.map((each) => h("li", {}, plain(each))))] : null,
    h("h2", {}, "Factories"),
    components(health, (name) => name.startsWith("factory:"), "No factory has been checked yet."),
    h("h2", {}, "The service"),
    components(health, (name) => !name.startsWith("factory:"), "Nothing has been checked yet."),
    watcher(health),
    block("Further details", further),
    h("p", { class: "muted version" }, `adf-trigger ${plain(health.version)}`),
  ];
}

function linesOf(lines) {
  if (!lines?.length) return null;
  return [
    h("h2", {}, "Waiting in line"),
    h("ul", {}, lines.map((each) => h("li", {}, isolated(each.factory), `: ${count(each.waiting, "request")} in ${count(each.lines, "line")}, ${each.longest.toLocaleString()} in the longest`, each.since ? [", the first since ", time(each.since)] : null))),
  ];
}

function troubles(health) {
  if (health.troubles.length === 0) return null;
  return h("ul", { class: "plain" }, health.troubles.map((each) => h("li", {}, h("p", {}, plain(each.what)), h("p", { class: "muted" }, "since ", time(each.since)))));
}

function unknownLedger(again) {
  const trouble = h("div", { role: "alert" });
  const button = h("button", { type: "button" }, "I know: continue with the new ledger");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await acknowledge();
      again();
    } catch (error) {
      fill(trouble, faults(error));
      button.disabled = false;
    }
  });
  return h("div", {}, button, trouble);
}

function components(health, wanted, none) {
  const found = Object.entries(health.components ?? {}).filter(([name]) => wanted(name));
  if (found.length === 0) return h("p", { class: "muted" }, none);
  return h("ul", { class: "cards" }, found.map(([name, each]) =>
    h("li", { class: "card" }, h("p", {}, glyph(each.ok ? "Succeeded" : "Failed"), h("strong", {}, NAMES[name] ? NAMES[name] : isolated(name.replace(/^factory:/, ""))), h("span", { class: "muted" }, each.ok ? " answers" : " does not answer")), each.why ? h("p", {}, plain(each.why)) : null, h("p", { class: "muted" }, "since ", time(each.since))),
  ));
}

function watcher({ timer, observedAt }) {
  if (!timer) return h("p", { class: "muted" }, "The watcher has not ticked yet.");
  return [
    h("h2", {}, "The watcher"),
    h("dl", { class: "facts" }, [
      ["Last tick", [time(timer.at, ago), timer.by && timer.by !== "timer" ? ` by ${plain(timer.by)}` : null]],
      ["Duration", `${timer.seconds} s`],
      ["Factories watched", String(timer.factories)],
      observedAt ? ["Dependencies last checked", time(observedAt, ago)] : null,
    ].filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    timer.trouble?.length ? h("ul", {}, timer.trouble.map((each) => h("li", {}, plain(typeof each === "string" ? each : JSON.stringify(each))))) : null,
  ];
}

let well = true;

/** Show in the navigation if the service is unhealthy. */
export function showHealth(link) {
  if (link) fill(link, "Health", well ? null : h("span", { class: "unwell" }, glyph("Failed"), "not well"));
}

/** Poll the public health, and show it in the navigation. */
export function watchHealth(link) {
  new Poller(async (signal) => {
    try {
      const { body } = await call("health", { signal, alsoFine: [503] });
      well = body?.status !== "unavailable";
      showHealth(link());
    } catch (error) {
      if (signal.aborted) throw error; // the open view reports a lost connection
    }
    return false;
  }, { fastest: 15_000, slowest: 60_000 }).start();
}
