// Why an accepted request is not started yet: a hold, a line, or the run of another request.

import { h } from "./dom.js";
import { count, plain, isolated } from "./format.js";

const WORDS = { hold: "Held", line: "In line", joined: "Joined", pipeline: "Pipeline is full", caller: "Needs its caller" };

/** A tag next to the status; null if the request waits for nothing. */
export function waitTag(run) {
  return run.waitsFor ? h("span", { class: "tag" }, WORDS[run.waitsFor] ?? plain(run.waitsFor)) : null;
}

/** The number of requests ahead of it; null if it is in no line. */
export function placeInLine(place) {
  if (!place) return null;
  if (place.before === 0) return place.exact ? "It is next in line." : "It may be next in line.";
  return `${place.exact ? "" : "About "}${count(place.before, "request is", "requests are")} ahead of it.`;
}

/** The run that it has joined, with a link to its request; null if it has its own run. */
export function joinedLink(run, hrefOfId) {
  if (!run.joinedTo) return null;
  const { requestId, runId } = run.joinedTo;
  return [h("a", { href: hrefOfId(requestId, { by: "requestId", factory: run.factory }) }, isolated(requestId)), runId ? [" (", isolated(runId), ")"] : null];
}

/** The outcome that a request would have now. */
export function outlook({ outcome, message, inLine, joinedTo, inTheWay }, { hrefOf, hrefOfId }, factory) {
  const why = message ? h("p", { class: "muted" }, plain(message)) : null;
  const behind = inLine ? `, with ${inLine.exact ? "" : "about "}${count(inLine.before, "request")} ahead of it` : "";
  switch (outcome) {
    case "held":
      return [h("p", { class: "right" }, `The request is valid. It would be accepted, and not started while it is held${behind}.`), why];
    case "wait":
      return [h("p", { class: "right" }, `The request is valid. It would be accepted, and wait${behind}.`), why];
    case "join":
      return h("p", { class: "right" }, "The request is valid. It would join the run of ", joinedLink({ joinedTo, factory }, hrefOfId) ?? "another request", ", and end with it.");
    case "refuse":
      return [
        h("p", { class: "wrong" }, "The request is valid, but would be refused now."),
        why,
        h("ul", {}, (inTheWay ?? []).map((each) => h("li", {}, h("a", { href: hrefOf({ links: { self: each.link } }) }, isolated(each.requestId)), " ", plain(each.status)))),
      ];
    default:
      return h("p", { class: "right" }, "The request is valid: it would start a run.");
  }
}
