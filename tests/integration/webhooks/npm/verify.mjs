// Verifies signed messages with the npm package of Standard Webhooks: one JSON object a line, one answer a line.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

// Where the package is installed is told, because this folder holds its lock alone.
const { Webhook } = createRequire(process.argv[2])("standardwebhooks");

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    new Webhook(secret).verify(Buffer.from(body, "base64").toString("utf8"), headers);
    console.log("true");
  } catch {
    console.log("false");
  }
}
