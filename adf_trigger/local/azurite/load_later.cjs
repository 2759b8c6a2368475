// Azurite loads two things at its start that it does not use here, which takes half of that time: its telemetry, which is
// switched off, and what keeps blobs in an SQL server. Each is loaded once something of it is asked for.
"use strict";

const Module = require("node:module");
const load = Module._load;
const LATER = new Set(["applicationinsights", "./SqlBlobServer"]);

Module._load = function (request, ...rest) {
  const loaded = () => load.call(this, request, ...rest);
  if (!LATER.has(request)) {
    return loaded();
  }
  // What a compiled import looks at first is whether there is a default export: the server has one.
  return new Proxy({}, { get: (_, name) => (name === "__esModule" ? request.startsWith(".") : loaded()[name]) });
};
