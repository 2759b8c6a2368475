// The key, asked for when the service wants one.

import { dialog, field } from "./dialog.js";
import { h } from "./dom.js";

/** Ask for a key; null where nobody gives one. `refused` says that there was one which does not open what was asked. */
export function askForKey(refused) {
  return dialog({
    title: "Sign in",
    intro: refused
      ? "That key does not open this. Give one that does: the app’s default key opens all of it."
      : "Give a key of the function app: its default host key, or the one that adf-trigger up prints. It is kept for this tab alone and is sent as a header.",
    body: field("Function key", h("input", { type: "password", name: "key", autocomplete: "off", spellcheck: "false", required: true })),
    action: "Sign in",
    submit: async ({ key }) => {
      const given = key.trim();
      if (!given) throw new Error("A key is needed");
      if (!/^[\x21-\x7e]+$/.test(given)) throw new Error("A key has letters, digits and signs without blanks");
      return given;
    },
  });
}
