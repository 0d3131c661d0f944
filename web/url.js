/** Return a URL: a visitor may have come by one with a password, which no request may have. */
export const urlOf = (path) =>
  Object.assign(new URL(path, document.baseURI), { username: "", password: "" });
