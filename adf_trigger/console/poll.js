// Asks again and again: less often while nothing changes or nobody answers, and not at all while the page is hidden.

const SLOWER = 1.5;
const LOST = [2_000, 4_000, 8_000, 15_000, 30_000];

/** Whoever wants to hear that the service does not answer, or does again: (error | null, milliseconds, tryNow). */
let tell = () => {};

export function onConnection(listener) {
  tell = listener;
}

export class Poller {
  /**
   * `work(signal)` asks once, and says whether something has changed.
   * It is asked again after `fastest` milliseconds, and later and later up to `slowest` while nothing does.
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
    if (this.failures > 0) tell(null);
  }

  look() {
    clearTimeout(this.timer);
    if (!document.hidden) this.now();
  }

  /** Ask something else: what is under way is of no more use. */
  restart() {
    this.abort?.abort();
    return this.now();
  }

  /** Ask now, and soon again. */
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
      if (this.failures > 0) tell(null);
      this.failures = 0;
      this.wait = changed ? this.fastest : Math.min(this.slowest, this.wait * SLOWER);
      next = this.wait;
    } catch (error) {
      if (this.stopped) return;
      if (this.abort.signal.aborted) return this.after(0);
      next = Math.max(LOST[Math.min(this.failures, LOST.length - 1)], (error.retryAfter ?? 0) * 1000);
      this.failures += 1;
      if (error.status === 401 || error.signedOut) next = null; // a person has to act first
      tell(error, next, () => this.now());
    } finally {
      this.running = false;
    }
    if (next !== null || this.again) this.after(this.again ? 0 : next);
  }

  after(milliseconds) {
    if (!this.stopped) this.timer = setTimeout(() => this.turn(), milliseconds);
  }
}
