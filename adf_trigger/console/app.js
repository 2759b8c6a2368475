// The page: navigation, sign-in, the state of the connection, and the views.

import { key, onSignIn, signOut } from "./api.js";
import { askForKey } from "./signin.js";
import { fill, h } from "./dom.js";
import { healthView, signHealth, watchHealth } from "./health.js";
import { listView } from "./list.js";
import { onConnection } from "./poll.js";
import { routed } from "./router.js";
import { runView } from "./run.js";
import { startView } from "./start.js";

const VIEWS = [
  { name: "runs", label: "Runs", show: listView },
  { name: "start", label: "Start a run", show: startView },
  { name: "health", label: "Health", show: healthView },
];

const main = document.getElementById("main");
const banner = document.getElementById("banner");
let leave = () => {};
let first = true;

onSignIn(async (refused) => {
  const given = await askForKey(refused);
  setTimeout(signedIn); // once it is kept
  return given;
});
onConnection(connection);

function connection(error, wait, again) {
  if (!error) return fill(banner);
  const lost = error.name === "Unreachable" || error.status === 503 || error.status === 429;
  const when = wait === null ? "" : ` Trying again in ${Math.round(wait / 1000)} s.`;
  const label = error.status === 401 ? "Sign in" : "Try now";
  const words = `${lost ? "Connection lost. " : ""}${error.message}.${when} What is shown may be out of date.`;
  const act = error.signedOut ? () => location.reload() : again;
  fill(
    banner,
    h("div", { class: "banner" }, h("span", {}, words), h("button", { type: "button", class: "quiet", on: { click: act } }, error.signedOut ? "Load again" : label)),
  );
}

function navigation(current) {
  const links = VIEWS.map(({ name, label }) =>
    h("a", { href: `#/${name}`, "aria-current": name === current ? "page" : null, id: name === "health" ? "nav-health" : null }, label),
  );
  fill(document.getElementById("nav"), links);
  signHealth(document.getElementById("nav-health"));
  signedIn();
}

function signedIn() {
  const forget = () => {
    signOut();
    location.reload();
  };
  fill(document.getElementById("top-end"), key() ? h("button", { type: "button", class: "quiet", on: { click: forget } }, "Forget the key") : null);
}

routed((address) => {
  const [name, ...rest] = address.segments;
  const view = VIEWS.find((each) => each.name === name);
  leave();
  leave = () => {};
  navigation(name);
  const title = (text) => {
    document.title = `${text} · adf-trigger`;
  };
  if (name === "runs" && rest[0]) leave = runView(main, address, title);
  else if (view) leave = view.show(main, address, title);
  else fill(main, h("div", { class: "empty" }, h("h1", {}, "There is no such page"), h("p", {}, h("a", { href: "#/runs" }, "To the runs"))));
  scrollTo(0, 0);
  if (!first) main.focus({ preventScroll: true });
  first = false;
});
watchHealth(() => document.getElementById("nav-health"));
