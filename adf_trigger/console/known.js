// The runs that were listed so far, newest first: pages are merged into them as they come.

export class KnownRuns {
  constructor() {
    this.clear();
  }

  clear() {
    this.byKey = new Map();
    this.sorted = [];
    this.continuation = undefined;
    this.question = undefined; // what the service was asked for, which a continuation belongs to
  }

  get size() {
    return this.byKey.size;
  }

  /** Take further runs of the list, older than all so far; whether something has changed. */
  append({ runs, continuation }) {
    this.continuation = continuation;
    return this.take(runs);
  }

  /**
   * Take the newest runs of the list. What is known of their time and is not among them has gone.
   * Says { changed, joined }: whether these reach back to what was known before, so that nothing is missing between.
   * Pages without a run, of a question that few runs answer, leave nothing out.
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

  /** Forget a run that has gone. */
  drop(run) {
    this.byKey.delete(keyOf(run));
    return this.take([], true);
  }

  /** Take runs wherever they belong. */
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

  /** Those that have a text in what is shown of them. */
  matching(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return this.sorted;
    return this.sorted.filter((run) => SEARCHED.some((name) => String(run[name] ?? "").toLowerCase().includes(wanted)));
  }
}

/** How far back a list may be asked to reach, in milliseconds. */
export const SPANS = { "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000 };

/** Whether a run is as young as is asked for, now: the question to the service has the instant at which it was asked. */
export function isWithin(run, since, now = Date.now()) {
  return !SPANS[since] || instantOf(run) >= now - SPANS[since];
}

const SEARCHED = ["requestId", "messageId", "runId", "pipeline", "correlationId", "reason", "requestedBy", "status"];

/** What a run is told apart by. */
export function keyOf(run) {
  return run.links?.self ?? run.runId;
}

/** When a run was requested, in milliseconds. */
export function instantOf(run) {
  return Date.parse(run.requestedAt ?? run.startedAt ?? 0);
}
