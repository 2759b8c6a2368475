// Activity runs, put into a tree: rounds below their loop, attempts beside one another, child runs below what started them.

const LOOPS = new Set(["ForEach", "Until"]);
const SLACK = 250;

const startOf = (run) => Date.parse(run.startedAt ?? "") || 0;
const endOf = (run, now) => (run.endedAt ? Date.parse(run.endedAt) : now);

/**
 * The rows of a timeline: { key, name, type, attempts, rounds, children }, in the order in which they began.
 *
 * Data Factory says of an activity run in a loop which round it belongs to (iterationHash), and not which loop: that is
 * the one around it whose time fits best. `attempts` are the runs of one activity in one round; `rounds` has a loop.
 */
export function treeOf(activities, now = Date.now()) {
  const loops = activities.filter((each) => LOOPS.has(each.activityType));
  const groups = new Map();
  for (const run of activities) {
    const hash = run.iterationHash ?? "";
    if (!groups.has(hash)) groups.set(hash, []);
    groups.get(hash).push(run);
  }
  const below = new Map();
  const top = [...(groups.get("") ?? [])];
  for (const [loop, hashes] of homes(groups, loops, now)) {
    if (loop === null) for (const hash of hashes) top.push(...groups.get(hash));
    else below.set(loop.activityRunId, hashes.map((hash) => groups.get(hash)));
  }
  return rowsOf(top, below, "");
}

/** Which rounds belong to which loop: [loop or null, hashes]. */
function homes(groups, loops, now) {
  const names = new Map();
  for (const [hash, runs] of groups) {
    if (hash === "") continue;
    const first = [...runs].sort((one, other) => startOf(one) - startOf(other))[0].activityName;
    if (!names.has(first)) names.set(first, []);
    names.get(first).push(hash);
  }
  const found = new Map();
  const put = (loop, hash) => {
    if (!found.has(loop)) found.set(loop, []);
    found.get(loop).push(hash);
  };
  for (const hashes of names.values()) {
    // A loop in a loop runs several times: each round goes to the run of it that is around that round.
    const span = spanOf(hashes.flatMap((hash) => groups.get(hash)), now);
    const whole = best(loops, span, hashes, now);
    for (const hash of hashes) put(whole ?? best(loops, spanOf(groups.get(hash), now), [hash], now), hash);
  }
  return found;
}

function spanOf(runs, now) {
  return [Math.min(...runs.map(startOf)), Math.max(...runs.map((run) => endOf(run, now)))];
}

/** The loop around a span that fits it best, and is not itself in one of these rounds. */
function best(loops, [from, to], hashes, now) {
  const around = loops.filter(
    (loop) => !hashes.includes(loop.iterationHash ?? "") && startOf(loop) <= from + SLACK && endOf(loop, now) >= to - SLACK,
  );
  const misfit = (loop) => from - startOf(loop) + (endOf(loop, now) - to);
  return around.sort((one, other) => misfit(one) - misfit(other))[0] ?? null;
}

function rowsOf(runs, below, prefix) {
  const rows = new Map();
  for (const run of [...runs].sort((one, other) => startOf(one) - startOf(other))) {
    const key = `${prefix}/${run.iterationHash ?? ""}/${run.activityName}`;
    if (!rows.has(key)) rows.set(key, { key, name: run.activityName, type: run.activityType, attempts: [], rounds: [] });
    rows.get(key).attempts.push(run);
  }
  for (const row of rows.values()) {
    row.rounds = row.attempts
      .flatMap((run) => below.get(run.activityRunId) ?? [])
      .sort((one, other) => spanOf(one, Infinity)[0] - spanOf(other, Infinity)[0])
      .map((round, number) => ({ number: number + 1, runs: round, rows: rowsOf(round, below, `${row.key}#${number}`) }));
    row.failedRounds = row.rounds.filter((round) => round.runs.some((run) => run.status === "Failed")).length;
  }
  return [...rows.values()];
}

/** The time that rows lie in, [from, to] in milliseconds. */
export function extent(activities, run, now = Date.now()) {
  const from = Math.min(...activities.map(startOf).filter(Boolean), Date.parse(run.startedAt ?? run.requestedAt));
  const to = Math.max(...activities.map((each) => endOf(each, now)), run.endedAt ? Date.parse(run.endedAt) : now);
  return [from, Math.max(to, from + 1)];
}
