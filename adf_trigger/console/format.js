// Formats values.

import { h, s } from "./dom.js";

export const ACTIVE = ["Accepted", "Queued", "InProgress", "Canceling"];

const STATUSES = {
  Accepted: { word: "Accepted", kind: "wait" },
  Queued: { word: "Queued", kind: "wait" },
  InProgress: { word: "Running", kind: "run" },
  Canceling: { word: "Cancelling", kind: "run" },
  Succeeded: { word: "Succeeded", kind: "ok" },
  Failed: { word: "Failed", kind: "bad" },
  Cancelled: { word: "Cancelled", kind: "off" },
  Skipped: { word: "Skipped", kind: "off" },
  Inactive: { word: "Inactive", kind: "off" },
  TimedOut: { word: "Timed out", kind: "bad" },
  Rejected: { word: "Rejected", kind: "refused" },
  Unknown: { word: "Unknown", kind: "unknown" },
};

const GLYPHS = {
  ok: "M4.5 8.3 7 10.7l4.6-5",
  bad: "m5.3 5.3 5.4 5.4m0-5.4-5.4 5.4",
  off: "M4.8 8h6.4",
  refused: "M8 4.2v4.6m0 2.5v.4",
  unknown: "M6.2 6.3c.1-2.4 3.8-2.2 3.6 0-.1 1.3-1.8 1.4-1.8 2.7m0 2.3v.4",
  wait: "M8 4.6V8l2.2 1.6",
  run: "M8 4.6V8l2.2 1.6",
};

/** The label of a status, and its kind. */
export function statusOf(status) {
  return STATUSES[status] ?? { word: plain(status) || "—", kind: "wait" };
}

/** The icon of a status; its label is next to it. */
export function glyph(status) {
  const { kind } = statusOf(status);
  const ring = s("circle", { cx: 8, cy: 8, r: 7, class: "ring" });
  return s("svg", { viewBox: "0 0 16 16", class: `glyph is-${kind}`, "aria-hidden": "true" }, ring, s("path", { d: GLYPHS[kind] }));
}

/** Icon and label of a status. */
export function badge(status) {
  const { word, kind } = statusOf(status);
  return h("span", { class: `badge is-${kind}` }, glyph(status), word);
}

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** A text with only visible characters: those that hide or reorder others are escaped. */
export function plain(text) {
  return String(text ?? "").replace(HIDDEN, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A foreign value, with its writing direction isolated. */
export function isolated(text, attributes) {
  return h("bdi", attributes, plain(text));
}

/** A duration of milliseconds. */
export function durationText(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "—";
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The duration of a run; the time so far while it is active. */
export function durationOf(run, now = Date.now()) {
  if (run.durationMs !== null && run.durationMs !== undefined) return run.durationMs;
  const started = Date.parse(run.startedAt ?? "");
  if (Number.isNaN(started)) return null;
  const ended = run.endedAt ? Date.parse(run.endedAt) : run.ended ? NaN : now;
  return Number.isNaN(ended) ? null : Math.max(0, ended - started);
}

/** The time since an instant. */
export function ago(instant, now = Date.now()) {
  const seconds = Math.round((now - Date.parse(instant)) / 1000);
  if (Number.isNaN(seconds)) return "—";
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return moment(instant);
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** An instant in the reader's own time zone. */
export function moment(instant) {
  const date = new Date(instant ?? NaN);
  if (Number.isNaN(date.getTime())) return "—";
  const today = date.toDateString() === new Date().toDateString();
  return today ? TIME.format(date) : `${DAY.format(date)}, ${TIME.format(date)}`;
}

/** An instant, with date and time zone on hover. */
export function time(instant, say = moment) {
  if (!instant) return h("span", { class: "muted" }, "—");
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return isolated(instant);
  return h("time", { datetime: date.toISOString(), title: `${WHOLE.format(date)} (${instant})` }, say(instant));
}

/** A value as indented JSON; a text unchanged. */
export function json(value) {
  return plain(typeof value === "string" ? value : JSON.stringify(value, null, 2) ?? "");
}

/** "1 run", "2 runs". */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}
