// Actions on a run: cancel, rerun, resolve, replay. The service's links say which are possible.

import { act, hrefOf, activitiesOf, readPipeline } from "./service.js";
import { choice, dialog, faults, field, noteField, checkbox } from "./dialog.js";
import { fill, h } from "./dom.js";
import { plain, isolated, statusOf, time } from "./format.js";
import { newKey } from "./api.js";
import { go } from "./router.js";

/** Buttons of the possible actions; `changed` is called after one has succeeded. */
export function actionsOf(run, changed) {
  const { links, status } = run;
  const possible = [
    links.cancel && status !== "Canceling" ? ["Cancel…", cancel] : null,
    links.rerun ? ["Rerun…", rerun] : null,
    links.replay ? ["Replay…", replay] : null,
    links.resolve ? [links.replay ? "Dismiss…" : "Decide…", links.replay ? dismiss : resolve] : null,
  ].filter(Boolean);
  return possible.map(([label, open]) => h("button", { type: "button", data: { focus: label }, on: { click: () => open(run, changed) } }, label));
}

const noted = (values) => (values.note?.trim() ? { note: values.note.trim() } : {});

function cancel(run, changed) {
  return dialog({
    title: "Cancel this run?",
    intro: "A request that was not sent yet is never sent; a run that has started is stopped by Data Factory.",
    body: [checkbox("Also the runs that it has started", "recursive", { checked: true }), noteField()],
    action: "Cancel the run",
    danger: true,
    submit: async (values) => {
      await act(run.links.cancel, { recursive: values.recursive === "yes", ...noted(values) });
      changed();
    },
  });
}

/** Keys of unanswered reruns: the same rerun, from any dialog, is repeated under the same key. */
const unanswered = new Map();

function keyOf(wanted) {
  if (!unanswered.has(wanted)) unanswered.set(wanted, newKey());
  return unanswered.get(wanted);
}

async function rerun(run) {
  const failed = run.status === "Failed";
  const activity = h("select", { name: "activity" });
  const named = field("Activity", activity);
  named.hidden = true;
  const modes = choice("From where", "mode", [
    { value: "whole", label: "The whole pipeline" },
    { value: "fromFailure", label: "From the failed activities", hint: "Activities that have succeeded are not run again." },
    { value: "fromActivity", label: "From an activity" },
  ], failed ? "fromFailure" : "whole");
  modes.addEventListener("change", async () => {
    named.hidden = modes.querySelector("input:checked").value !== "fromActivity";
    if (named.hidden || activity.options.length > 0) return;
    const found = await activitiesOf(run).catch(() => null);
    const names = [...new Set((found?.activities ?? []).filter((each) => !each.iterationHash).map((each) => each.activityName))];
    fill(activity, names.map((value) => h("option", { value }, plain(value))));
  });
  const begun = await dialog({
    title: "Rerun",
    intro: "With the same parameters, in Data Factory’s group of reruns.",
    body: [modes, named, noteField()],
    action: "Rerun",
    submit: async ({ mode, activity: from, ...values }) => {
      const body = { mode, ...(mode === "fromActivity" ? { activity: from } : {}), ...noted(values) };
      const wanted = JSON.stringify([run.links.rerun, mode, body.activity]);
      const begun = (await act(run.links.rerun, body, { "Idempotency-Key": `"${keyOf(wanted)}"` })).body;
      unanswered.delete(wanted);
      return begun;
    },
  });
  if (begun) go(hrefOf(begun));
}

async function replay(run, changed) {
  const secrets = h("div", {});
  const done = await dialog({
    title: "Send the message again",
    intro: "It is put on the requests queue unchanged, under its own key.",
    body: [secrets, checkbox("Send it despite objections", "force", { hint: "It may start a second run." }), noteField()],
    action: "Replay",
    ready: async () => {
      // Values of secure parameters are not stored: they must be entered again.
      const pipeline = run.pipeline ? await readPipeline(run.pipeline, run.factory) : null;
      const names = Object.entries(pipeline?.parameters ?? {}).filter(([, declared]) => declared.secure).map(([name]) => name);
      fill(secrets, names.map((name) => field(plain(name), h("input", { type: "password", name: `secret ${name}`, autocomplete: "off" }), { hint: "Secure, so its value was not stored. Leave it empty if the message had none." })));
    },
    submit: async (values) => {
      const given = Object.entries(values).filter(([name, value]) => name.startsWith("secret ") && value);
      const parameters = Object.fromEntries(given.map(([name, value]) => [name.slice("secret ".length), value]));
      return (await act(run.links.replay, { force: values.force === "yes", parameters, ...noted(values) })).body;
    },
  });
  if (done) changed();
}

async function dismiss(run) {
  const done = await dialog({
    title: "Dismiss the message?",
    intro: "It is discarded, and can no longer be replayed.",
    body: noteField(),
    action: "Dismiss",
    danger: true,
    submit: async (values) => (await act(run.links.resolve, { as: "dismiss", ...noted(values) })).body,
  });
  if (done) go("#/runs");
}

/** Resolve a run whose outcome is unknown. The service lists the candidates. */
function resolve(run, changed) {
  const more = h("div", {});
  const decisions = choice("What happened to it", "as", [
    { value: "adopt", label: "One of Data Factory’s runs is this one", hint: "It is watched and reported from then on." },
    { value: "resubmit", label: "It never started: send it again", hint: "The service checks once more, and refuses if there is a run that may be it." },
    { value: "dismiss", label: "Close it: nothing is left to do" },
  ]);
  const show = async () => {
    const decision = decisions.querySelector("input:checked").value;
    if (decision === "resubmit") return fill(more, checkbox("Send it despite the candidates", "force", { hint: "Only if you know that none of them is this run." }));
    if (decision === "dismiss") return fill(more);
    fill(more, h("p", { class: "muted" }, "Loading the candidates…"));
    try {
      await act(run.links.resolve, { as: "adopt" }); // without a runId it changes nothing, and lists the candidates
    } catch (error) {
      const found = error.body?.candidates;
      fill(more, found?.length ? candidates(found) : faults(found ? new Error("Data Factory has no run that may be this one.") : error));
    }
  };
  decisions.addEventListener("change", show);
  return dialog({
    title: "Decide what happened to it",
    body: [decisions, more, noteField()],
    action: "Decide",
    ready: show,
    submit: async (values) => {
      if (values.as === "adopt" && !values.runId) throw new Error("Choose the run to adopt");
      const body = { as: values.as, ...(values.as === "adopt" ? { runId: values.runId } : {}), ...(values.as === "resubmit" ? { force: values.force === "yes" } : {}) };
      await act(run.links.resolve, { ...body, ...noted(values) });
      changed();
    },
  });
}

function candidates(found) {
  return choice("Which run", "runId", found.map((each) => ({
    value: each.runId,
    label: [isolated(each.runId), ` ${statusOf(each.status).word} `, time(each.startedAt)],
    hint: Object.keys(each.parameters).length ? plain(JSON.stringify(each.parameters)) : null,
  })), null);
}
