// The frame of a page: navigation, the state of the connection, and the view of the address.

import { fill, h } from "./dom.js";
import { onConnection } from "./poll.js";
import { routed } from "./router.js";

const main = document.getElementById("main");
const banner = document.getElementById("banner");
let leave = () => {};
let turns = 0;

onConnection(connection);

function connection(error, wait, again) {
  if (!error) return fill(banner);
  const lost = error.name === "Unreachable" || (!error.body?.type && (error.status === 503 || error.status === 429));
  const when = wait === null ? "" : ` Retrying in ${Math.round(wait / 1000)} s.`;
  const label = error.status === 401 ? "Sign in" : "Try now";
  const words = `${lost ? "Connection lost. " : ""}${error.message}.${when} The data shown may be out of date.`;
  const act = error.signedOut ? () => location.reload() : again;
  fill(
    banner,
    h("div", { class: "banner" }, h("span", {}, words), h("button", { type: "button", class: "quiet", on: { click: act } }, error.signedOut ? "Reload" : label)),
  );
}

/**
* Show a page of views: { name, label, show }, and `run` for one run. `navigated` is called after each navigation.
 */
export function frame({ name, views, run, navigated = () => {} }) {
  routed((address) => {
    const [first, ...rest] = address.segments;
    const view = views.find((each) => each.name === first);
    leave();
    leave = () => {};
    navigation(views, first, navigated);
    const title = (text) => {
      document.title = `${text} · ${name}`;
    };
    if (first === "runs" && rest[0]) leave = run(main, address, title);
    else if (view) leave = view.show(main, address, title);
    else fill(main, h("div", { class: "empty" }, h("h1", {}, "There is no such page"), h("p", {}, h("a", { href: "#/runs" }, "To the runs"))));
    scrollTo(0, 0);
    if (turns > 0) main.focus({ preventScroll: true });
    turns += 1;
  });
}

function navigation(views, current, navigated) {
  const links = views.map((each) => h("a", { href: `#/${each.name}`, "aria-current": each.name === current ? "page" : null, id: `nav-${each.name}` }, each.label));
  fill(document.getElementById("nav"), links);
  navigated();
}
