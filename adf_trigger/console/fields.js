// A field for each parameter that a pipeline declares, and the values in the fields.

import { field } from "./dialog.js";
import { h } from "./dom.js";
import { json, plain } from "./format.js";

/** Fields of declared parameters: { elements, values(), mark(faults) }. */
export function fieldsOf(parameters) {
  const made = Object.entries(parameters).map(([name, declared]) => fieldOf(name, declared));
  return {
    elements: made.map((each) => each.element),
    /** The entered values, by name; those that cannot be parsed are in `faults`. */
    values() {
      const values = [];
      const faults = [];
      for (const each of made) {
        try {
          const value = each.read();
          if (value !== undefined) values.push([each.name, value]);
        } catch (error) {
          faults.push({ pointer: pointerOf(each.name), message: error.message });
        }
      }
      return { values: Object.fromEntries(values), faults }; // a parameter may be called __proto__
    },
    /** Show the faults of each field; returns the faults that belong to no field. */
    mark(faults) {
      const left = new Set(faults);
      for (const each of made) {
        const own = faults.filter(({ pointer }) => pointer === pointerOf(each.name) || pointer.startsWith(`${pointerOf(each.name)}/`));
        for (const fault of own) left.delete(fault);
        each.say(own.map((fault) => fault.message));
      }
      return [...left];
    },
  };
}

/** The JSON pointer of a parameter in the body of a start. */
function pointerOf(name) {
  return `/parameters/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

const TEXTS = new Set(["string", "securestring"]);

function fieldOf(name, declared) {
  const type = declared.type.toLowerCase();
  const control = controlOf(type, declared);
  const usual = declared.required ? "required" : declared.secure ? "has a default" : `default: ${json(declared.default) || "empty"}`;
  const element = field([plain(name), " ", h("span", { class: "type" }, plain(declared.type))], control, { hint: usual.length > 160 ? `${usual.slice(0, 160)}…` : usual });
  const trouble = h("p", { class: "wrong", id: `${control.id}-wrong` });
  const empty = TEXTS.has(type) ? h("input", { type: "checkbox", "aria-label": `Empty text for ${plain(name)}` }) : null;
  if (empty) {
    element.append(h("label", { class: "hint" }, empty, " empty text"));
    control.addEventListener("input", () => {
      if (control.value !== "") empty.checked = false;
    });
  }
  element.append(trouble);
  if (declared.required) control.setAttribute("aria-required", "true");
  return {
    name,
    element,
    read: () => (empty?.checked && control.value === "" ? "" : readAs(type, control.value)),
    say(messages) {
      trouble.textContent = messages.map(plain).join("; ");
      control.toggleAttribute("aria-invalid", false);
      if (messages.length > 0) control.setAttribute("aria-invalid", "true");
      control.setAttribute("aria-describedby", messages.length > 0 ? `${control.id}-hint ${trouble.id}` : `${control.id}-hint`);
    },
  };
}

function controlOf(type, declared) {
  const common = { autocomplete: "off", spellcheck: "false" };
  if (declared.secure) return h("input", { ...common, type: "password" });
  if (type === "bool" || type === "boolean") return h("select", {}, ["", "true", "false"].map((value) => h("option", { value }, value || "not given")));
  if (type === "array" || type === "object") return h("textarea", { ...common, rows: 3, class: "code", placeholder: type === "array" ? "[]" : "{}" });
  return h("input", { ...common, type: "text", inputmode: type === "int" || type === "float" ? "decimal" : "text" });
}

/** The value of a field by its type; undefined if it is empty. */
function readAs(type, text) {
  if (text === "") return undefined;
  if (type === "bool" || type === "boolean") return text === "true";
  if (type === "int" || type === "float") {
    const number = Number(text);
    if (text.trim() === "" || !Number.isFinite(number)) throw new Error("is not a number");
    return kept(number);
  }
  if (type === "array" || type === "object") {
    let value;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new Error(`is not JSON: ${error.message}`);
    }
    JSON.parse(text, (_name, each) => kept(each));
    return value;
  }
  return text;
}

/** The value; throws for a number that JavaScript cannot represent exactly. */
function kept(value) {
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new Error("has more digits than this page can represent: start the run with the API");
  return value;
}
