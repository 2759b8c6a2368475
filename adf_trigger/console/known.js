// The runs listed so far, newest first; further pages are merged into them.

export class KnownRuns {
  constructor() {
    this.clear();
  }

  clear() {
    this.byKey = new Map();
    this.sorted = [];
    this.continuation = undefined;
    this.question = undefined; // the query of the list, to which a continuation belongs
  }

  get size() {
    return this.byKey.size;
  }

  /** Add further runs of the list, older than all so far; returns whether something has changed. */
  append({ runs, continuation }) {
    this.continuation = continuation;
    return this.take(runs);
  }

  /**
  * Merge the newest runs of the list. Known runs from their period that are not among them are removed.
   * Returns { changed, joined }: `joined` if they reach back to known runs, so that there is no gap.
   * Pages without runs, as of a query that few runs match, leave no gap.
   */
  refresh({ runs, continuation }) {
    const fresh = new Set(runs.map(keyOf));
    const oldest = continuation ? Math.min(...runs.map(instantOf)) : -Infinity;
    const joined = !continuation || this.size === 0 || runs.length === 0 || runs.some((run) => this.byKey.has(keyOf(run)));
    let changed = false;
    for (const [key, known] of this.byKey) {
      if (!fresh.has(key) && instantOf(known) > oldest) {
        this.byKey.delete(key);
        changed = true;
      }
    }
    if (this.continuation === undefined) this.continuation = continuation;
    return { changed: this.take(runs, changed), joined };
  }

  /** Remove a run that no longer exists. */
  drop(run) {
    this.byKey.delete(keyOf(run));
    return this.take([], true);
  }

  /** Merge runs into the list. */
  take(runs, changed = false) {
    for (const run of runs) {
      const key = keyOf(run);
      const known = this.byKey.get(key);
      if (known && JSON.stringify(known) === JSON.stringify(run)) continue;
      this.byKey.set(key, run);
      changed = true;
    }
    if (changed) this.sorted = [...this.byKey.values()].sort((one, other) => instantOf(other) - instantOf(one));
    return changed;
  }

  /** The runs that contain a text in their shown fields. */
  matching(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return this.sorted;
    return this.sorted.filter((run) => SEARCHED.some((name) => String(run[name] ?? "").toLowerCase().includes(wanted)));
  }
}

/** Selectable ages of a list, in milliseconds. */
export const SPANS = { "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000 };

/** Whether a run is within the selected age now: the query to the service has the instant of its first call. */
export function isWithin(run, since, now = Date.now()) {
  return !SPANS[since] || instantOf(run) >= now - SPANS[since];
}

const SEARCHED = ["requestId", "messageId", "runId", "pipeline", "correlationId", "reason", "requestedBy", "status"];

/** The identity of a run. */
export function keyOf(run) {
  return run.links?.self ?? run.runId;
}

/** When a run was requested, in milliseconds. */
export function instantOf(run) {
  return Date.parse(run.requestedAt ?? run.startedAt ?? 0);
}
