// The console of the local Data Factory.

import { factory } from "./data.js";
import { stateView } from "./state.js";
import { frame } from "../frame.js";
import { listView } from "../list.js";
import { pipelinesView } from "./pipelines.js";
import { runView } from "../run.js";

frame({
  name: "local Data Factory",
  views: [
    { name: "runs", label: "Runs", show: listView(factory) },
    { name: "pipelines", label: "Pipelines", show: pipelinesView },
    { name: "state", label: "Faults and progressions", show: stateView },
  ],
  run: runView(factory),
});
