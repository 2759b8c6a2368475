// The view of the address: `#/runs`, `#/runs/{id}?factory=…`, `#/start?pipeline=…`, `#/health`.

/** The parsed address: { path: "runs/x", segments: ["runs", "x"], query: {…}, whole: "runs/x?y=z" }. */
export function here() {
  const whole = location.hash.replace(/^#\/?/, "") || "runs";
  const [path, search = ""] = split(whole);
  return { whole, path, segments: path.split("/"), query: Object.fromEntries(new URLSearchParams(search)) };
}

function split(text) {
  const at = text.indexOf("?");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** Go to a view. */
export function go(href) {
  location.hash = href;
}

/** Change the address without a history entry and without a new view. */
export function amend(path, query) {
  const given = Object.entries(query).filter(([, value]) => value);
  const text = new URLSearchParams(given).toString();
  history.replaceState(null, "", `#/${path}${text ? `?${text}` : ""}`);
}

/** Call `show` now, and whenever the address changes. */
export function routed(show) {
  addEventListener("hashchange", () => show(here()));
  show(here());
}
