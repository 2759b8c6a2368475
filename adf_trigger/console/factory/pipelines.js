// The pipelines of the local Data Factory, drawn as graphs with their dependencies.

import { fill, h, painted } from "../dom.js";
import { count, json, plain, isolated } from "../format.js";
import { readPipelines } from "./data.js";
import { graph, insideOf } from "./graph.js";
import { Poller } from "../poll.js";

const DRAWN_AT_ONCE = 6;
const DEEPEST = 6;

/** Show the pipelines in an element; returns the function that ends it. */
export function pipelinesView(main, _address, title) {
  title("Pipelines");
  const body = h("div", {}, h("p", { class: "muted" }, "Loading the pipelines…"));
  fill(main, h("div", { class: "title" }, h("h1", {}, "Pipelines")), body);
  const paint = painted(body);
  const opened = new Map();
  const poller = new Poller(async (signal) => {
    const pipelines = await readPipelines(signal);
    paint(pipelines, () => (pipelines.length === 0 ? none() : pipelines.map((each) => pipeline(each, opened, pipelines.length <= DRAWN_AT_ONCE))));
    return false;
  }, { fastest: 5_000, slowest: 30_000 });
  poller.start();
  return () => poller.stop();
}

function none() {
  return h("div", { class: "empty" }, h("h2", {}, "No pipelines yet"), h("p", {}, "Load the Git folder or the ARM template of a factory with adf-trigger import, or publish one by the management API."));
}

function pipeline({ factoryId, name, properties }, opened, usually) {
  const activities = Array.isArray(properties.activities) ? properties.activities : [];
  const key = `${factoryId}/${name}`;
  const parameters = Object.entries(properties.parameters ?? {});
  const drawing = h("div", { class: "drawing" });
  const draw = () => {
    if (drawing.childElementCount > 0) return;
    fill(drawing, properties.description ? h("p", { class: "muted" }, isolated(properties.description)) : null, parameters.length ? h("p", {}, "Parameters: ", parameters.map(([parameter, declared], index) => [index ? ", " : "", h("code", {}, plain(parameter)), ` ${plain(declared.type)}`, declared.defaultValue === undefined ? "" : ` = ${json(declared.defaultValue)}`])) : null, drawn(activities, 0), h("p", {}, h("a", { href: `#/runs?pipeline=${encodeURIComponent(name)}` }, "Its runs")));
  };
  const details = h("details", { class: "pipeline", open: opened.get(key) ?? usually }, h("summary", { data: { focus: key } }, h("h2", {}, isolated(name)), h("span", { class: "muted" }, `${count(activities.length, "activity", "activities")} · ${plain(factoryId.split("/").at(-1))}`)), drawing);
  details.addEventListener("toggle", () => {
    opened.set(key, details.open);
    if (details.open) draw();
  });
  if (details.open) draw();
  return details;
}

/** The graph of activities, and of the activities inside them. */
function drawn(activities, depth) {
  if (activities.length === 0) return h("p", { class: "muted" }, "It has no activities.");
  const inside = depth < DEEPEST ? activities.flatMap(insideOf) : [];
  return [h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Graph" }, graph(activities)), inside.map(([title, found]) => h("div", { class: "inside" }, h("h3", {}, isolated(title)), drawn(found, depth + 1)))];
}
