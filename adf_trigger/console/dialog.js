// Modal dialogs: Enter submits, Escape cancels.

import { fill, h, fresh } from "./dom.js";
import { plain } from "./format.js";

/**
* Open a dialog with a form, and close it once `submit(values)` has completed without an error.
 *
 * `body` are the fields; `submit` gets the form's values by name. Resolves to the result of `submit`, or null.
 */
export function dialog({ title, intro, body, action, danger = false, submit, ready }) {
  return new Promise((resolve) => {
    const heading = fresh("title");
    const trouble = h("div", { role: "alert" });
    const button = h("button", { type: "submit", class: danger ? "danger" : "primary" }, action);
    const cancel = h("button", { type: "button", on: { click: () => end(null) } }, "Close");
    const form = h(
      "form",
      { novalidate: true },
      h("h2", { id: heading }, title),
      intro ? h("p", { class: "muted" }, intro) : null,
      h("div", { class: "fields" }, body),
      trouble,
      h("div", { class: "actions" }, cancel, button),
    );
    const shown = h("dialog", { "aria-labelledby": heading }, form);
    const end = (answer) => {
      shown.close();
      shown.remove();
      resolve(answer);
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      button.disabled = true;
      fill(trouble);
      try {
        end(await submit(Object.fromEntries(new FormData(form))));
      } catch (error) {
        fill(trouble, faults(error));
        button.disabled = false;
      }
    });
    shown.addEventListener("cancel", (event) => {
      event.preventDefault();
      end(null);
    });
    document.body.append(shown);
    shown.showModal();
    ready?.({ form, button, trouble });
  });
}

/** The message of an error, with every fault. */
export function faults(error) {
  const list = (error.errors ?? []).map((each) => h("li", {}, each.pointer ? h("code", {}, plain(each.pointer)) : null, " ", plain(each.message)));
  return h("div", { class: "fault" }, h("p", {}, plain(error.message)), list.length ? h("ul", {}, list) : null);
}

/** A labelled field. */
export function field(label, control, { hint, id = fresh("field") } = {}) {
  const hintId = hint ? `${id}-hint` : null;
  control.id = id;
  if (hintId) control.setAttribute("aria-describedby", hintId);
  return h("div", { class: "field" }, h("label", { for: id }, label), control, hint ? h("p", { class: "hint", id: hintId }, hint) : null);
}

/** One choice of several, as radio buttons; each { value, label, hint }. */
export function choice(legend, name, options, chosen = options[0]?.value) {
  return h(
    "fieldset",
    {},
    h("legend", {}, legend),
    options.map(({ value, label, hint }) => {
      const id = fresh("choice");
      const input = h("input", { type: "radio", name, value, id, checked: value === chosen });
      return h("div", { class: "choice" }, input, h("label", { for: id }, label, hint ? h("span", { class: "hint" }, hint) : null));
    }),
  );
}

/** A checkbox. */
export function checkbox(label, name, { hint, checked = false } = {}) {
  const id = fresh("checkbox");
  const input = h("input", { type: "checkbox", name, value: "yes", id, checked });
  return h("div", { class: "choice" }, input, h("label", { for: id }, label, hint ? h("span", { class: "hint" }, hint) : null));
}

/** The field for the reason of an action. */
export function noteField() {
  return field("Note", h("textarea", { name: "note", rows: 2, maxlength: 1024 }), { hint: "Reason, recorded in the run’s history." });
}
