// Routes of a product in Hono that need a session.
//
//     npm --prefix examples ci
//     npm --prefix examples run hono
//     curl -i http://127.0.0.1:8000/me -H "Authorization: Bearer $TOKEN"
//
// That is for the service of `make run`; TOKEN is what a login answers. In an account of AWS, the
// environment names SESSIONS_TABLE and USERS_TABLE, and `node hono/server.js` starts the program.

import { serve } from "@hono/node-server";
import { Hono } from "hono";
// sessions: begin
import { DynamoDB } from "@aws-sdk/client-dynamodb";
import { protect, Verifier } from "sessions-client/hono";

const { SESSIONS_TABLE: sessionsTable, USERS_TABLE: usersTable } = process.env;
const dynamodb = new DynamoDB({ requestHandler: { connectionTimeout: 1000, socketTimeout: 1000 } });
const verifier = new Verifier(dynamodb, { sessionsTable, usersTable });
// sessions: end

const app = new Hono();

// sessions: begin
app.get("/me", protect(verifier, { cookie: "__Host-session" }), showSession);
// sessions: end

// Nobody closes an account whose last login is over five minutes old.
app.delete("/me", protect(verifier, { cookie: "__Host-session", maxAge: 300 }), closeAccount);

function showSession(context) {
  return context.json(context.get("session"));
}

function closeAccount(context) {
  return context.json({ closed: context.get("session").user });
}

const port = Number(process.env.PORT ?? 8000);
serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, () =>
  console.log(`http://127.0.0.1:${port}/me`),
);
