import { admit } from "../verify.js";

export { Verifier } from "../verify.js";

/**
 * Return a middleware of Hono for routes that need a session. It is then `context.get("session")`.
 *
 * @param {import("../verify.js").Verifier} verifier
 * @param {import("../verify.js").GuardOptions} [options]
 * @returns {(context: any, next: () => Promise<void>) => Promise<any>}
 */
export function protect(verifier, options) {
  return async (context, next) => {
    const header = (/** @type {string} */ name) => context.req.header(name);
    const { session, refusal } = await admit(verifier, header, options);
    if (refusal) return context.json(refusal.body, refusal.status, refusal.headers);
    context.set("session", session);
    await next();
  };
}
