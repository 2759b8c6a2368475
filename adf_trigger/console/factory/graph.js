// Activities as a graph: in columns by depth of dependencies, with a line for each dependency.

import { s } from "../dom.js";
import { plain } from "../format.js";

const WIDTH = 184;
const HEIGHT = 46;
const ACROSS = 64;
const DOWN = 18;
const ASIDE = 12;

/** The activities inside an activity: [title, activities]. */
export function insideOf(activity) {
  const has = activity.typeProperties ?? {};
  const named = (what, found) => (Array.isArray(found) && found.length > 0 ? [[`${activity.name}: ${what}`, found]] : []);
  return [
    ...named("each", has.activities),
    ...named("if true", has.ifTrueActivities),
    ...named("if false", has.ifFalseActivities),
    ...(has.cases ?? []).flatMap((each) => named(`case ${each.value}`, each.activities)),
    ...named("default", has.defaultActivities),
  ];
}

/** The graph of activities, as SVG. */
export function graph(activities) {
  const columns = columnsOf(activities);
  const places = new Map();
  columns.forEach((column, x) => column.forEach((each, y) => places.set(each.name, [x * (WIDTH + ACROSS), y * (HEIGHT + DOWN)])));
  const width = columns.length * (WIDTH + ACROSS) - ACROSS + 2;
  const height = Math.max(...columns.map((each) => each.length)) * (HEIGHT + DOWN) - DOWN + 2;
  const lines = activities.flatMap((each) => dependencies(each).filter(({ activity }) => places.has(activity)).map((dependency) => line(places.get(dependency.activity), places.get(each.name), dependency.dependencyConditions ?? [])));
  const boxes = activities.map((each) => box(each, places.get(each.name)));
  return s("svg", { class: "graph", role: "img", "aria-label": inWords(activities), viewBox: `-1 -1 ${width} ${height}`, width, height }, lines, boxes);
}

const dependencies = (activity) => (Array.isArray(activity.dependsOn) ? activity.dependsOn : []);

/** Columns of activities by the longest chain of their dependencies. A cycle is cut where it closes. */
function columnsOf(activities) {
  const byName = new Map(activities.map((each) => [each.name, each]));
  const depths = new Map();
  const depth = (name, seen) => {
    if (depths.has(name)) return depths.get(name);
    if (seen.has(name)) return 0;
    const before = dependencies(byName.get(name)).filter(({ activity }) => byName.has(activity));
    const found = before.length === 0 ? 0 : 1 + Math.max(...before.map(({ activity }) => depth(activity, new Set([...seen, name]))));
    depths.set(name, found);
    return found;
  };
  const columns = [];
  for (const each of activities) (columns[depth(each.name, new Set())] ??= []).push(each);
  return columns.filter(Boolean);
}

function line([fromX, fromY], [toX, toY], conditions) {
  const [x1, y1, x2, y2] = [fromX + WIDTH, fromY + HEIGHT / 2, toX, toY + HEIGHT / 2];
  const bend = Math.max(24, (x2 - x1) / 2);
  const kind = conditions.includes("Failed") ? "bad" : conditions.includes("Succeeded") ? "ok" : "off";
  return s("g", { class: `edge is-${kind}` }, s("title", {}, conditions.join(" or ")), s("path", { d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 5} ${y2}` }), s("path", { class: "tip", d: `M${x2 - 7} ${y2 - 4}l7 4-7 4z` }));
}

function box(activity, [x, y]) {
  const inside = insideOf(activity).reduce((sum, [, found]) => sum + found.length, 0);
  return s(
    "g",
    { class: "node", transform: `translate(${x} ${y})` },
    s("title", {}, plain(`${activity.name} (${activity.type})`)),
    s("rect", { width: WIDTH, height: HEIGHT, rx: 8 }),
    s("text", { x: ASIDE, y: 19, class: "node-name" }, fitted(plain(activity.name), "600 13px")),
    s("text", { x: ASIDE, y: 36, class: "node-type" }, fitted(plain(activity.type), "12px", inside ? ` · ${inside} inside` : "")),
  );
}

const ruler = document.createElement("canvas").getContext("2d");

/** A text and its suffix; the text is cut if both are wider than a box. */
function fitted(text, font, behind = "") {
  ruler.font = `${font} ${getComputedStyle(document.body).fontFamily}`;
  const fits = (words) => ruler.measureText(words + behind).width <= WIDTH - 2 * ASIDE;
  if (fits(text)) return text + behind;
  const letters = [...text];
  while (letters.length > 0 && !fits(`${letters.join("")}…`)) letters.pop();
  return `${letters.join("")}…${behind}`;
}

function inWords(activities) {
  const each = activities.map((activity) => {
    const waits = dependencies(activity).map((one) => `${one.activity} ${(one.dependencyConditions ?? []).join(" or ").toLowerCase()}`);
    return plain(`${activity.name}${waits.length ? ` after ${waits.join(" and ")}` : ""}`);
  });
  return `Activities: ${each.join("; ")}.`;
}
