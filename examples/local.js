// Tells a program of this folder where the service of `make run` has its database, as the environment
// of an account of AWS would: a product's own needs no such thing.

import { existsSync, readFileSync } from "node:fs";

const FILE = "../.local/sessions-service.json"; // npm runs scripts in the folder of package.json

const told = existsSync(FILE) ? readFileSync(FILE, "utf8") : "";
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
