// Holds of operators: requests are accepted, but not started.

import { h } from "./dom.js";
import { count, plain, isolated, time } from "./format.js";

/** The holds, in an element; null if there are none. */
export function heldBanner(holds) {
  if (!holds?.length) return null;
  return h("div", { class: "why held", role: "status" }, h("ul", { class: "plain" }, holds.map((each) => {
    const key = each.admissionKey === null ? null : [" key ", h("code", {}, plain(each.admissionKey))];
    return h("li", {}, h("p", {}, h("strong", {}, "Held: "), isolated(each.factory), each.pipeline === null ? null : [" ", isolated(each.pipeline)], key, " until ", time(each.until), each.by ? ` by ${plain(each.by)}` : null, ". Requests are accepted, and start when the hold ends.", each.waiting ? ` ${count(each.waiting, "request")} waited at the last check.` : null), h("p", { class: "muted" }, plain(each.reason)));
  })));
}
