// Activity runs as a tree: rounds below their loop, activities of an If or a Switch below it, attempts next to one another,
// child runs below the activity that started them.

const LOOPS = new Set(["ForEach", "Until"]);
const BRANCHES = new Set(["IfCondition", "Switch"]);
const SLACK = 250;

const startOf = (run) => Date.parse(run.startedAt ?? "") || 0;
const endOf = (run, now) => (run.endedAt ? Date.parse(run.endedAt) : now);

/**
* The rows of a timeline: { key, name, type, attempts, rounds, inner }, in the order in which they started.
 *
 * For an activity run in a loop Data Factory reports the round (iterationHash), but not the loop: it is the enclosing one
 * whose time fits best. `attempts` are the runs of one activity in one round; a loop has `rounds`, and an If or a Switch has
 * `inner`, for which Data Factory does not report even that: see `branchesOf`.
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
* The If or Switch that each run of one round belongs to: run → branch.
 *
 * Its runs start after it and end before it, and together fill its time, since it does nothing else. Runs that do not may
 * belong to a parallel path, and are left in place.
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

/** The rounds of each loop: [loop run or null, hashes]. */
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
* The run of a loop that encloses each round, by hash; null if no loop encloses all of them.
 *
 * Rounds of one kind all belong to one loop, which starts with the first and ends with the last: that distinguishes it from
 * parallel loops. Of nested loops both enclose them; the inner one is shorter.
 */
function placed(groups, loops, hashes, now) {
  const families = Map.groupBy(loops.filter((loop) => !hashes.includes(loop.iterationHash ?? "")), (loop) => loop.activityName);
  const fits = [...families.values()].map((family) => fitOf(family, groups, hashes, now)).filter(Boolean);
  const least = Math.min(...fits.map((fit) => fit.misfit));
  return fits.filter((fit) => fit.misfit <= least + SLACK).sort((one, other) => one.length - other.length)[0]?.homes ?? null;
}

/** How well the runs of one loop enclose rounds: { homes, misfit, length }; null if a round is in none of them. */
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

/** The rows of runs of one round, and of one branch or of none. */
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

/** The period of all rows, [from, to] in milliseconds. */
export function extent(activities, run, now = Date.now()) {
  const from = Math.min(...activities.map(startOf).filter(Boolean), Date.parse(run.startedAt ?? run.requestedAt));
  const to = Math.max(...activities.map((each) => endOf(each, now)), run.endedAt ? Date.parse(run.endedAt) : now);
  return [from, Math.max(to, from + 1)];
}
