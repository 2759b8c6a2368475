// Calls of the published HTTP API: the key as a header, a limit on every wait, each error as a sentence.

const BASE = new URL("../", import.meta.url);
const KEY = `adf-trigger key of ${BASE.pathname}`;
const PATIENCE = 30_000;

/** An error response. */
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(sentence(status, body));
    this.name = "Problem";
    this.status = status;
    this.body = body ?? {};
    this.errors = Array.isArray(this.body.errors) ? this.body.errors : [];
    this.retryAfter = retryAfter;
  }

  /** Whether the call has certainly had no effect. */
  get definite() {
    return this.status >= 400 && this.status < 500 && this.status !== 408;
  }
}

/** No response: it is not known whether the call had an effect. */
export class Unreachable extends Error {
  constructor(message, { signedOut = false } = {}) {
    super(message);
    this.name = "Unreachable";
    this.signedOut = signedOut;
  }
}

function sentence(status, body) {
  const title = body?.title ?? `The service answered ${status}`;
  if (Array.isArray(body?.errors) && body.errors.length > 0) return title;
  return body?.detail ? `${title}: ${body.detail}` : title;
}

let ask = async () => null;
let asking = null;

/** Register the function that prompts for the key; its argument is whether a key was refused. */
export function onSignIn(prompt) {
  ask = prompt;
}

/** The key, which is kept only for this tab; null if there is none. */
export function key() {
  return sessionStorage.getItem(KEY);
}

/** Forget the key. */
export function signOut() {
  sessionStorage.removeItem(KEY);
}

async function signIn(refused) {
  asking ??= ask(refused !== null).finally(() => {
    asking = null;
  });
  const given = await asking;
  if (given) sessionStorage.setItem(KEY, given);
  return given;
}

/**
 * Call the API.
 *
* `path` is relative to its root. The answer is { status, body, headers }.
 * Throws Problem for an error response, and Unreachable without a response; an aborted call throws fetch's error.
 * A refused key is prompted for again, except for `quiet` calls: a function's own key authorises only that function.
 */
export async function call(path, { method = "GET", body, headers = {}, signal, patience = PATIENCE, alsoFine = [], quiet = false } = {}) {
  for (;;) {
    const used = key();
    const answer = await answered(path, { method, body, headers, signal, patience, used });
    if (answer.status === 401) {
      if (key() !== used || (!(quiet && used) && (await signIn(used)))) continue;
      throw new Problem(401, { title: "A key is needed to see anything here" });
    }
    if (answer.ok || alsoFine.includes(answer.status)) return answer;
    throw new Problem(answer.status, answer.body, answer.retryAfter);
  }
}

async function answered(path, { method, body, headers, signal, patience, used }) {
  const bound = AbortSignal.timeout(patience);
  const signals = signal ? AbortSignal.any([signal, bound]) : bound;
  let response;
  let text;
  try {
    response = await fetch(new URL(path, BASE), {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: {
        Accept: "application/json, application/problem+json",
        ...(method === "GET" ? {} : { "Content-Type": "application/json" }),
        ...(used ? { "x-functions-key": used } : {}),
        ...headers,
      },
      cache: "no-store",
      credentials: "same-origin",
      redirect: "manual",
      referrerPolicy: "no-referrer",
      signal: signals,
    });
    text = response.type === "opaqueredirect" ? "" : await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable(bound.aborted ? `No answer within ${patience / 1000} seconds` : "The service cannot be reached");
  }
  if (response.type === "opaqueredirect") {
    throw new Unreachable("The sign-in has expired: reload this page", { signedOut: true });
  }
  return {
    status: response.status,
    ok: response.ok,
    headers: response.headers,
    retryAfter: Number(response.headers.get("Retry-After")) || null,
    body: parsed(text),
  };
}

function parsed(text) {
  try {
    return text ? JSON.parse(text, asWritten) : null;
  } catch {
    return null; // a proxy's page
  }
}

/** Keep a number that JavaScript cannot represent as it was written, if the browser provides its source. */
function asWritten(_name, value, context) {
  const lost = Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source && JSON.rawJSON;
  return lost ? JSON.rawJSON(context.source) : value;
}

/** A path of the API with a query; empty values are omitted. */
export function withQuery(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given).toString();
  return text ? `${path}?${text}` : path;
}

const LINK = /\/runs\/([^/]+)(?:\/(result|cancel|rerun|resolve|replay|activities))?$/;

/** A link of the service, whatever its root, as a path of this API; null if it is not one. */
export function pathOf(link) {
  if (!link) return null;
  const url = new URL(link, BASE);
  const found = LINK.exec(url.pathname);
  return found ? `runs/${found[1]}${found[2] ? `/${found[2]}` : ""}${url.search}` : null;
}

/** An id in a path: every byte except letters, digits, `_` and `-` is `~XX`, which every host reads the same way. */
export function inPath(id) {
  return [...new TextEncoder().encode(id)]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return /[A-Za-z0-9_-]/.test(letter) ? letter : `~${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

/** A new idempotency key. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `console-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
