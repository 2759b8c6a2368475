// Prompts for the key when the service requires one.

import { dialog, field } from "./dialog.js";
import { h } from "./dom.js";

/** Prompt for a key; null if none is given. `refused` is whether the previous key was refused. */
export function askForKey(refused) {
  return dialog({
    title: "Sign in",
    intro: refused
      ? "That key does not authorise this. Enter one that does: the app’s default key authorises everything."
      : "Enter a key of the function app: its default host key, or the one that adf-trigger up prints. It is kept only for this tab, and is sent as a header.",
    body: field("Function key", h("input", { type: "password", name: "key", autocomplete: "off", spellcheck: "false", required: true })),
    action: "Sign in",
    submit: async ({ key }) => {
      const given = key.trim();
      if (!given) throw new Error("A key is needed");
      if (!/^[\x21-\x7e]+$/.test(given)) throw new Error("A key has letters, digits and symbols, without spaces");
      return given;
    },
  });
}
