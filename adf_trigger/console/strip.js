// Outcome and duration of the listed runs, as bars: the oldest at the left, the newest at the right.

import { h } from "./dom.js";
import { count, durationOf, plain, statusOf, durationText } from "./format.js";

const MOST = 100;

/** The strip of runs, newest first as they are listed. */
export function strip(runs, hrefOf) {
  const shown = runs.slice(0, MOST).reverse();
  const longest = Math.max(1, ...shown.map((run) => durationOf(run) ?? 0));
  const bars = shown.map((run) => {
    const { word, kind } = statusOf(run.status);
    const duration = durationOf(run);
    // By the square root, so that short runs are visible next to long ones.
    const height = duration === null ? 14 : 14 + 86 * Math.sqrt(duration / longest);
    const title = `${plain(run.pipeline)}: ${word}${duration === null ? "" : `, ${durationText(duration)}`}`;
    return h("span", { class: `bar is-${kind}`, title, css: { height: `${height}%` }, data: { href: hrefOf(run) } });
  });
  const open = (event) => {
    const href = event.target.dataset.href;
    if (href) location.hash = href;
  };
  return h("div", { class: "strip", role: "img", "aria-label": inWords(shown, longest), on: { click: open } }, bars);
}

/** The same as text, for screen readers. */
function inWords(runs, longest) {
  const counted = new Map();
  for (const run of runs) {
    const { word } = statusOf(run.status);
    counted.set(word, (counted.get(word) ?? 0) + 1);
  }
  const each = [...counted].map(([word, number]) => `${number} ${word.toLowerCase()}`).join(", ");
  return `The newest ${count(runs.length, "run")} of this list: ${each}. The longest took ${durationText(longest)}.`;
}

/** Figures of the listed runs. */
export function figures(runs) {
  const ended = runs.filter((run) => run.status === "Succeeded" || run.status === "Failed" || run.status === "Cancelled");
  const durations = ended.map((run) => durationOf(run)).filter((each) => each !== null).sort((one, other) => one - other);
  const at = (share) => durations[Math.min(durations.length - 1, Math.floor(durations.length * share))];
  const well = ended.filter((run) => run.status === "Succeeded").length;
  const entries = [["Listed", runs.length.toLocaleString()]];
  if (ended.length > 0) entries.push(["Succeeded", `${Math.floor((100 * well) / ended.length)} %`]);
  if (durations.length > 0) entries.push(["Median", durationText(at(0.5))], ["95 % within", durationText(at(0.95))]);
  return h("dl", { class: "figures" }, entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}
