// Reads events by the CloudEvents SDK, and writes each again: a JSON array of texts in, an array of texts out.
import { HTTP } from "cloudevents";

let input = "";
for await (const chunk of process.stdin) input += chunk;
const read = (text) => {
  const event = HTTP.toEvent({ headers: { "content-type": "application/cloudevents+json" }, body: text });
  event.validate();
  return HTTP.structured(event).body;
};
process.stdout.write(JSON.stringify(JSON.parse(input).map(read)));
