// What keeps a request from being started that was taken, in words: an operator, a line, another one's run.

import { h } from "./dom.js";
import { count, plain, said } from "./format.js";

const WORDS = { hold: "Held", line: "In line", joined: "Joined", pipeline: "Pipeline is full", caller: "Needs its caller" };

/** A sign beside the status; null where nothing keeps it. */
export function waitTag(run) {
  return run.waitsFor ? h("span", { class: "tag" }, WORDS[run.waitsFor] ?? plain(run.waitsFor)) : null;
}

/** How many requests are before it; null where it stands in no line. */
export function placeInLine(place) {
  if (!place) return null;
  if (place.before === 0) return place.exact ? "It is the next in line." : "It may be the next in line.";
  return `${place.exact ? "" : "About "}${count(place.before, "request is", "requests are")} before it.`;
}

/** The run that it has joined, with a link to its request; null where it has one of its own. */
export function joinedLink(run, hrefOfId) {
  if (!run.joinedTo) return null;
  const { requestId, runId } = run.joinedTo;
  return [h("a", { href: hrefOfId(requestId, { by: "requestId", factory: run.factory }) }, said(requestId)), runId ? [" (", said(runId), ")"] : null];
}

/** What would become of a request as things are now. */
export function outlook({ outcome, message, inLine, joinedTo, inTheWay }, { hrefOf, hrefOfId }, factory) {
  const why = message ? h("p", { class: "muted" }, plain(message)) : null;
  const behind = inLine ? `, with ${inLine.exact ? "" : "about "}${count(inLine.before, "request")} before it` : "";
  switch (outcome) {
    case "held":
      return [h("p", { class: "right" }, `The request is right. It would be taken, and not started while it is held${behind}.`), why];
    case "wait":
      return [h("p", { class: "right" }, `The request is right. It would be taken, and wait${behind}.`), why];
    case "join":
      return h("p", { class: "right" }, "The request is right. It would join the run of ", joinedLink({ joinedTo, factory }, hrefOfId) ?? "another request", ", and end with it.");
    case "refuse":
      return [
        h("p", { class: "wrong" }, "The request is right, and would be refused now."),
        why,
        h("ul", {}, (inTheWay ?? []).map((each) => h("li", {}, h("a", { href: hrefOf({ links: { self: each.link } }) }, said(each.requestId)), " ", plain(each.status)))),
      ];
    default:
      return h("p", { class: "right" }, "The request is right: it would start a run.");
  }
}
