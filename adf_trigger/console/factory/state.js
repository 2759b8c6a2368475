// State of the local Data Factory that tests have set: faults, progressions, held runs, options and the clock.

import { fill, h, painted } from "../dom.js";
import { json, plain, isolated } from "../format.js";
import { hrefOfHeld, readState } from "./data.js";
import { Poller } from "../poll.js";

/** Show the state in an element; returns the function that ends it. */
export function stateView(main, _address, title) {
  title("Faults and progressions");
  const body = h("div", {}, h("p", { class: "muted" }, "Loading the state…"));
  fill(main, h("div", { class: "title" }, h("h1", {}, "Faults and progressions")), body);
  const paint = painted(body);
  const poller = new Poller(async (signal) => {
    const state = await readState(signal);
    paint(state, () => shown(state));
    return false;
  }, { fastest: 2_000, slowest: 15_000 });
  poller.start();
  return () => poller.stop();
}

function shown({ faults, progressions, held, options, clockOffsetSeconds }) {
  return [
    h("h2", {}, "Faults"),
    faults.length ? table(["Operation", "Fault", "How", "Seen", "Fired"], faults.map(({ id: _id, operation, fault, seen, fired, ...how }) => [operation, fault, json(JSON.stringify(how)), seen ?? "—", fired ?? "—"])) : h("p", { class: "muted" }, "There are no rules: every call is answered as by the service. Tests add rules with POST /_emulator/faults."),
    h("h2", {}, "Progressions"),
    progressions.length ? table(["Pipeline", "Mode", "Outcome", "How"], progressions.map(({ pipeline, mode, outcome, ...how }) => [pipeline || "all others", mode, outcome, json(JSON.stringify(how))])) : h("p", { class: "muted" }, "All runs run their activities for real."),
    held.length ? [h("h2", {}, "Held runs"), h("ul", {}, held.map((id) => h("li", {}, h("a", { href: hrefOfHeld(id) }, isolated(id)))))] : null,
    h("h2", {}, "Options"),
    h("dl", { class: "facts" }, [["clock offset", `${clockOffsetSeconds} s`], ...Object.entries(options)].map(([name, value]) => h("div", {}, h("dt", {}, plain(name)), h("dd", {}, json(value))))),
  ];
}

function table(heads, rows) {
  return h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": heads.join(", ") }, h("table", {}, h("thead", {}, h("tr", {}, heads.map((each) => h("th", { scope: "col" }, each)))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map((each) => h("td", {}, plain(each))))))));
}
