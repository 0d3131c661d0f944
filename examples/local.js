// The environment of the service of `make run`, unless there is one that names the tables:
// `node --import ./local.js`. It must stand before AWS's client is made.

import { existsSync, readFileSync } from "node:fs";

if (!process.env.SESSIONS_TABLE) {
  const file = new URL("../.local/sessions-service.json", import.meta.url);
  const told = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (told === "") throw new Error("Start the service with `make run` first");
  const { SESSIONS_TABLE, USERS_TABLE, AWS_ENDPOINT_URL } = JSON.parse(told).Parameters;
  delete process.env.AWS_PROFILE; // it would win over the keys
  Object.assign(process.env, {
    SESSIONS_TABLE,
    USERS_TABLE,
    AWS_ENDPOINT_URL,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
  });
}
