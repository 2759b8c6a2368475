// Activity runs, put into a tree: rounds below their loop, what an If or a Switch has run below that, attempts beside one
// another, child runs below what started them.

const LOOPS = new Set(["ForEach", "Until"]);
const BRANCHES = new Set(["IfCondition", "Switch"]);
const SLACK = 250;

const startOf = (run) => Date.parse(run.startedAt ?? "") || 0;
const endOf = (run, now) => (run.endedAt ? Date.parse(run.endedAt) : now);

/**
 * The rows of a timeline: { key, name, type, attempts, rounds, inner }, in the order in which they began.
 *
 * Data Factory says of an activity run in a loop which round it belongs to (iterationHash), and not which loop: that is
 * the one around it whose time fits best. `attempts` are the runs of one activity in one round; `rounds` has a loop, and
 * `inner` has an If or a Switch, of which Data Factory does not even say that: see `branchesOf`.
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
  return rowsOf(top, below, "", now);
}

/**
 * Which runs of one round are of which If or Switch: run → branch.
 *
 * They begin after it and end before it, and together fill its time, since it does nothing else: where they do not, they
 * may be of another path beside it, and stay where they are.
 */
function branchesOf(runs, now) {
  const length = (run) => endOf(run, now) - startOf(run);
  const branches = runs.filter((run) => BRANCHES.has(run.activityType)).sort((one, other) => length(one) - length(other));
  const found = new Map();
  for (const branch of branches) {
    const [from, to] = [startOf(branch), endOf(branch, now)];
    const within = runs.filter((run) => run !== branch && !found.has(run) && startOf(run) >= from && endOf(run, now) <= to && endOf(run, now) > from && startOf(run) < to && length(run) <= length(branch) && found.get(branch) !== run);
    if (within.length === 0) continue;
    const [first, last] = spanOf(within, now);
    const slack = Math.max(SLACK, (to - from) / 20);
    if (first - from > slack || to - last > slack) continue;
    for (const run of within) found.set(run, branch);
  }
  return found;
}

/** Which rounds belong to which loop: [loop run or null, hashes]. */
function homes(groups, loops, now) {
  const named = new Map();
  for (const [hash, runs] of groups) {
    if (hash === "") continue;
    const first = [...runs].sort((one, other) => startOf(one) - startOf(other))[0].activityName;
    if (!named.has(first)) named.set(first, []);
    named.get(first).push(hash);
  }
  const found = new Map();
  for (const hashes of named.values()) {
    const together = placed(groups, loops, hashes, now);
    for (const hash of hashes) {
      const loop = together?.get(hash) ?? placed(groups, loops, [hash], now)?.get(hash) ?? null;
      if (!found.has(loop)) found.set(loop, []);
      found.get(loop).push(hash);
    }
  }
  return found;
}

function spanOf(runs, now) {
  return [Math.min(...runs.map(startOf)), Math.max(...runs.map((run) => endOf(run, now)))];
}

/**
 * The run of a loop around each round, by hash; null where no loop is around all of them.
 *
 * Rounds of one kind are all of one loop, which begins with the first and ends with the last: that tells it from others
 * beside it. Of loops in one another the inner one is around them as well as the outer, and shorter.
 */
function placed(groups, loops, hashes, now) {
  const families = Map.groupBy(loops.filter((loop) => !hashes.includes(loop.iterationHash ?? "")), (loop) => loop.activityName);
  const fits = [...families.values()].map((family) => fitOf(family, groups, hashes, now)).filter(Boolean);
  const least = Math.min(...fits.map((fit) => fit.misfit));
  return fits.filter((fit) => fit.misfit <= least + SLACK).sort((one, other) => one.length - other.length)[0]?.homes ?? null;
}

/** How well the runs of one loop fit around rounds: { homes, misfit, length }; null where one of them is in none. */
function fitOf(family, groups, hashes, now) {
  const homes = new Map();
  const held = new Map();
  for (const hash of hashes) {
    const [from, to] = spanOf(groups.get(hash), now);
    const length = (loop) => endOf(loop, now) - startOf(loop);
    const around = family.filter((loop) => startOf(loop) <= from + SLACK && endOf(loop, now) >= to - SLACK);
    const home = around.sort((one, other) => length(one) - length(other))[0];
    if (!home) return null;
    homes.set(hash, home);
    held.set(home, [...(held.get(home) ?? []), ...groups.get(hash)]);
  }
  let misfit = 0;
  let length = 0;
  for (const [loop, runs] of held) {
    const [from, to] = spanOf(runs, now);
    misfit += Math.abs(from - startOf(loop)) + Math.abs(endOf(loop, now) - to);
    length += (endOf(loop, now) - startOf(loop)) / held.size;
  }
  return { homes, misfit, length };
}

function rowsOf(runs, below, prefix, now) {
  const of = branchesOf(runs, now);
  return nested(runs.filter((run) => !of.has(run)), { runs, of, below, now }, prefix);
}

/** The rows of runs that are all of one round, and of one branch or of none. */
function nested(own, { runs, of, below, now }, prefix) {
  const rows = new Map();
  for (const run of [...own].sort((one, other) => startOf(one) - startOf(other))) {
    const key = `${prefix}/${run.iterationHash ?? ""}/${run.activityName}`;
    if (!rows.has(key)) rows.set(key, { key, name: run.activityName, type: run.activityType, attempts: [], rounds: [], inner: [] });
    rows.get(key).attempts.push(run);
  }
  for (const row of rows.values()) {
    row.rounds = row.attempts
      .flatMap((run) => below.get(run.activityRunId) ?? [])
      .sort((one, other) => spanOf(one, Infinity)[0] - spanOf(other, Infinity)[0])
      .map((round, number) => ({ number: number + 1, runs: round, rows: rowsOf(round, below, `${row.key}#${number}`, now) }));
    const inner = runs.filter((run) => row.attempts.includes(of.get(run)));
    row.inner = inner.length > 0 ? nested(inner, { runs, of, below, now }, `${row.key}?`) : [];
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
