// The console of the trigger service.

import { key, onSignIn, signOut } from "./api.js";
import { actionsOf } from "./decide.js";
import { fill, h } from "./dom.js";
import { frame } from "./frame.js";
import { healthView, showHealth, watchHealth } from "./health.js";
import { listView } from "./list.js";
import { runView } from "./run.js";
import { service } from "./service.js";
import { askForKey } from "./signin.js";
import { startView } from "./start.js";

const source = { ...service, actionsOf };
const healthLink = () => document.getElementById("nav-health");

onSignIn(async (refused) => {
  const given = await askForKey(refused);
  setTimeout(signedIn); // once the key is stored
  return given;
});

function signedIn() {
  const forget = () => {
    signOut();
    location.reload();
  };
  fill(document.getElementById("top-end"), key() ? h("button", { type: "button", class: "quiet", on: { click: forget } }, "Forget the key") : null);
}

frame({
  name: "adf-trigger",
  views: [
    { name: "runs", label: "Runs", show: listView(source) },
    { name: "start", label: "Start a run", show: startView },
    { name: "health", label: "Health", show: healthView },
  ],
  run: runView(source),
  navigated() {
    signedIn();
    showHealth(healthLink());
  },
});
watchHealth(healthLink);
