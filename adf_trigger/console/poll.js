// Polls: less often while nothing changes or the service does not answer, and not at all while the page is hidden.

const SLOWER = 1.5;
const LOST = [2_000, 4_000, 8_000, 15_000, 30_000];

/** Listener for a lost or restored connection: (error | null, milliseconds, tryNow). */
let notify = () => {};

export function onConnection(listener) {
  notify = listener;
}

export class Poller {
  /**
  * `work(signal)` polls once, and returns whether something has changed.
   * It is called again after `fastest` milliseconds, and with growing waits up to `slowest` while nothing changes.
   */
  constructor(work, { fastest = 2_000, slowest = 30_000 } = {}) {
    this.work = work;
    this.fastest = fastest;
    this.slowest = slowest;
    this.wait = fastest;
    this.failures = 0;
    this.running = false;
    this.seen = () => this.look();
  }

  start() {
    document.addEventListener("visibilitychange", this.seen);
    this.stopped = false;
    return this.now();
  }

  stop() {
    this.stopped = true;
    document.removeEventListener("visibilitychange", this.seen);
    clearTimeout(this.timer);
    this.abort?.abort();
    if (this.failures > 0) notify(null);
  }

  look() {
    clearTimeout(this.timer);
    if (!document.hidden) this.now();
  }

  /** Abort a poll in progress, and poll again: the query has changed. */
  restart() {
    this.abort?.abort();
    return this.now();
  }

  /** Poll now, and then at the fastest rate. */
  async now() {
    clearTimeout(this.timer);
    this.wait = this.fastest;
    if (this.running) {
      this.again = true;
      return;
    }
    await this.turn();
  }

  async turn() {
    if (this.stopped || document.hidden) return;
    this.running = true;
    this.again = false;
    this.abort = new AbortController();
    let next;
    try {
      const changed = await this.work(this.abort.signal);
      if (this.failures > 0) notify(null);
      this.failures = 0;
      this.wait = changed ? this.fastest : Math.min(this.slowest, this.wait * SLOWER);
      next = this.wait;
    } catch (error) {
      if (this.stopped) return;
      if (this.abort.signal.aborted) return this.after(0);
      next = Math.max(LOST[Math.min(this.failures, LOST.length - 1)], (error.retryAfter ?? 0) * 1000);
      this.failures += 1;
      if (error.status === 401 || error.signedOut) next = null; // a person has to act first
      notify(error, next, () => this.now());
    } finally {
      this.running = false;
    }
    if (next !== null || this.again) this.after(this.again ? 0 : next);
  }

  after(milliseconds) {
    if (!this.stopped) this.timer = setTimeout(() => this.turn(), milliseconds);
  }
}
