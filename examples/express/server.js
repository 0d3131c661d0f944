// Routes of a product in Express that need a session.
//
//     npm --prefix examples ci
//     npm --prefix examples run express
//     curl -i http://127.0.0.1:8000/me -H "Authorization: Bearer $TOKEN"
//
// That is for the service of `make run`; TOKEN is what a login answers. In an account of AWS, the
// environment names SESSIONS_TABLE and USERS_TABLE, and `node express/server.js` starts the program.

import express from "express";
// sessions: begin
import { DynamoDB } from "@aws-sdk/client-dynamodb";
import { protect, Verifier } from "sessions-client/express";

const { SESSIONS_TABLE: sessionsTable, USERS_TABLE: usersTable } = process.env;
const dynamodb = new DynamoDB({ requestHandler: { connectionTimeout: 1000, socketTimeout: 1000 } });
const verifier = new Verifier(dynamodb, { sessionsTable, usersTable });
// sessions: end

const app = express();

// sessions: begin
app.get("/me", protect(verifier, { cookie: "__Host-session" }), showSession);
// sessions: end

// Nobody closes an account whose last login is over five minutes old.
app.delete("/me", protect(verifier, { cookie: "__Host-session", maxAge: 300 }), closeAccount);

function showSession(request, response) {
  response.json(response.locals.session);
}

function closeAccount(request, response) {
  response.json({ closed: response.locals.session.user });
}

const port = Number(process.env.PORT ?? 8000);
app.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/me`));
