import { admit } from "../verify.js";

export { Verifier } from "../verify.js";

/**
 * Return a middleware of Express 4 or 5 for routes that need a session. It is then
 * `response.locals.session`: there Express keeps what belongs to one request, and `request.session`
 * is express-session's.
 *
 * @param {import("../verify.js").Verifier} verifier
 * @param {import("../verify.js").GuardOptions} [options]
 * @returns {(request: any, response: any, next: any) => Promise<any>}
 */
export function protect(verifier, options) {
  return async (request, response, next) => {
    try {
      const { session, refusal } = await admit(verifier, (name) => request.get(name), options);
      if (refusal) return response.status(refusal.status).set(refusal.headers).json(refusal.body);
      response.locals.session = session;
    } catch (error) {
      return next(error); // Express 4 waits for no promise
    }
    return next();
  };
}
