// At its start Azurite loads two modules that it does not use here, which takes half of the start: its telemetry, which is
// switched off, and the blob store on an SQL server. Each is loaded when one of its members is first accessed.
"use strict";

const Module = require("node:module");
const load = Module._load;
const LATER = new Set(["applicationinsights", "./SqlBlobServer"]);

Module._load = function (request, ...rest) {
  const loaded = () => load.call(this, request, ...rest);
  if (!LATER.has(request)) {
    return loaded();
  }
  // A compiled import first checks for a default export, which the server has.
  return new Proxy({}, { get: (_, name) => (name === "__esModule" ? request.startsWith(".") : loaded()[name]) });
};
