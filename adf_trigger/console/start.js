// Start a run: a form from the pipeline's parameters, checked while typing, and sent under one key.

import { Unreachable, newKey } from "./api.js";
import { debounced, fill, fresh, h } from "./dom.js";
import { faults as faultsOf, field } from "./dialog.js";
import { fieldsOf } from "./fields.js";
import { plain, isolated } from "./format.js";
import { amend, go } from "./router.js";
import { hrefOf, hrefOfId, listPipelines, start } from "./service.js";
import { outlook } from "./waits.js";

const CHECK_AFTER = 400;

/** Show the form in an element; returns the function that ends it. */
export function startView(main, { query }, title) {
  title("Start a run");
  const stop = new AbortController();
  const body = h("div", { class: "start" }, h("p", { class: "muted" }, "Loading the pipelines…"));
  fill(main, h("div", { class: "title" }, h("h1", {}, "Start a run")), body);
  let end = () => {};

  async function load() {
    try {
      const found = await listPipelines(stop.signal);
      choose(found);
    } catch (error) {
      if (stop.signal.aborted) return;
      fill(body, h("div", { class: "empty" }, h("h2", {}, "The pipelines cannot be read"), faultsOf(error), h("button", { type: "button", on: { click: load } }, "Try again")));
    }
  }

  function choose({ pipelines, unread, truncated }) {
    if (pipelines.length === 0 && unread.length === 0) {
      return fill(body, h("div", { class: "empty" }, h("h2", {}, "The factory has no pipelines"), h("p", {}, "Publish one in Data Factory; it is then offered here.")));
    }
    const several = new Set(pipelines.map((each) => each.factory)).size > 1;
    const select = h("select", { name: "pipeline", id: fresh("pipeline") }, h("option", { value: "" }, "Choose a pipeline…"), pipelines.map((each, number) => h("option", { value: String(number) }, plain(several ? `${each.name} (${each.factory})` : each.name))));
    const wanted = pipelines.findIndex((each) => each.name === query.pipeline && (!query.factory || each.factory === query.factory));
    if (wanted >= 0) select.value = String(wanted);
    const form = h("div", {});
    const show = () => {
      end();
      const pipeline = pipelines[Number(select.value)];
      amend("start", select.value === "" ? {} : { pipeline: pipeline.name, factory: several ? pipeline.factory : "" });
      if (select.value === "") fill(form);
      else end = formOf(form, pipeline);
    };
    select.addEventListener("change", show);
    fill(
      body,
      h("div", { class: "field" }, h("label", { for: select.id }, "Pipeline"), select),
      unread.map((each) => h("p", { class: "wrong" }, `Pipelines of ${plain(each.factory)} cannot be read: ${plain(each.reason)}`)),
      truncated ? h("p", { class: "muted" }, "There are more pipelines than listed here.") : null,
      form,
    );
    show();
  }

  load();
  return () => {
    stop.abort();
    end();
  };
}

function formOf(element, pipeline) {
  const fields = fieldsOf(pipeline.parameters);
  const correlation = h("input", { type: "text", maxlength: 256, autocomplete: "off", spellcheck: "false" });
  const verdict = h("div", { class: "verdict", role: "status" });
  const button = h("button", { type: "submit", class: "primary" }, "Start the run");
  let sent = null; // { key, text, unclear }: the last request, so that repeating it starts no second run
  let checking = new AbortController();

  const request = () => {
    const { values, faults } = fields.values();
    const body = { parameters: values, factory: pipeline.factory };
    if (correlation.value.trim()) body.correlationId = correlation.value.trim();
    return { body, faults };
  };

  async function check() {
    checking.abort();
    checking = new AbortController();
    const { signal } = checking;
    const { body, faults } = request();
    if (faults.length > 0) return wrong(faults);
    try {
      const { body: preview } = await start({ pipeline: pipeline.name, body, validateOnly: true, signal });
      if (signal.aborted) return;
      fields.mark([]);
      fill(verdict, outlook(preview, { hrefOf, hrefOfId }, pipeline.factory));
    } catch (error) {
      if (signal.aborted) return;
      if (error.errors?.length) wrong(error.errors);
      else fill(verdict, h("p", { class: "muted" }, `It cannot be checked at present: ${plain(error.message)}`));
    }
  }

  function wrong(faults) {
    const left = fields.mark(faults);
    fill(verdict, h("p", { class: "wrong" }, `${faults.length === 1 ? "One fault" : `${faults.length} faults`} to fix.`), left.length ? h("ul", {}, left.map((each) => h("li", {}, h("code", {}, plain(each.pointer)), " ", plain(each.message)))) : null);
  }

  async function submit(event) {
    event.preventDefault();
    if (button.disabled) return;
    soon.cancel();
    checking.abort();
    const { body, faults } = request();
    if (faults.length > 0) return wrong(faults);
    const text = JSON.stringify(body);
    if (sent?.unclear && sent.text !== text) {
      return fill(verdict, h("p", { class: "wrong" }, "It is not known whether the last request was accepted. "), h("p", {}, "Restore the fields and try again, or ", h("a", { href: hrefOf({ requestId: sent.key }) }, "look for its run"), ", or ", h("button", { type: "button", class: "quiet", on: { click: () => { sent = null; fill(verdict); } } }, "start another one anyway"), "."));
    }
    sent = sent?.text === text ? sent : { key: newKey(), text, unclear: false };
    button.disabled = true;
    fill(verdict, h("p", { class: "muted" }, "Starting…"));
    try {
      const answer = await start({ pipeline: pipeline.name, body, key: sent.key });
      return go(hrefOf(answer.body));
    } catch (error) {
      sent.unclear = error instanceof Unreachable || !error.definite;
      if (error.errors?.length) wrong(error.errors);
      else fill(verdict, faultsOf(error), sent.unclear ? h("p", {}, "It is not known whether it was accepted. Try again: under its key ", h("code", {}, sent.key), " only one run is started.") : null);
      button.textContent = sent.unclear ? "Try again" : "Start the run";
    }
    button.disabled = false;
  }

  const soon = debounced(check, CHECK_AFTER);
  const form = h(
    "form",
    { novalidate: true, on: { submit, input: soon } },
    pipeline.description ? h("p", { class: "muted" }, isolated(pipeline.description)) : null,
    fields.elements.length ? h("h2", {}, "Parameters") : h("p", { class: "muted" }, "It declares no parameters."),
    fields.elements,
    h("h2", {}, "Labels"),
    field("Correlation id", correlation, { hint: "Your own id; it is returned with the run and its event." }),
    verdict,
    h("div", { class: "actions left" }, button),
  );
  fill(element, form);
  return () => {
    soon.cancel();
    checking.abort();
  };
}
