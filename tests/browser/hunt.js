// A script that got into the page before the page's own, and looks for a token wherever one can be.

(() => {
  const SHAPE = /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/;
  const MOST_OBJECTS = 50_000;
  const found = [];

  function look(where, value) {
    if (SHAPE.test(value)) found.push(where);
  }

  function textOf(value) {
    if (value instanceof Headers) return [...value].join();
    if (value instanceof Request) return `${value.url} ${[...value.headers].join()}`;
    try {
      return typeof value === "string" ? value : (stringify(value) ?? "");
    } catch {
      return "";
    }
  }

  const { stringify } = JSON;

  /** See what goes into a function of the browser's, and what comes out of it. */
  function tap(owner, name, where) {
    const own = owner[name];
    owner[name] = function (...given) {
      for (const each of given) {
        look(where, textOf(each));
        look(where, textOf(each?.headers));
      }
      const result = Reflect.apply(own, this, given);
      const seen = (value) => {
        look(where, textOf(value));
        look(where, textOf(value?.headers));
        look(where, value?.url);
      };
      if (result instanceof Promise) result.then(seen, () => {});
      else seen(result);
      return result;
    };
  }

  tap(globalThis, "fetch", "fetch");
  for (const name of ["text", "json"]) tap(Response.prototype, name, `Response.${name}`);
  for (const name of ["get", "set", "append"]) tap(Headers.prototype, name, "Headers");
  for (const name of ["parse", "stringify"]) tap(JSON, name, `JSON.${name}`);
  for (const name of ["setItem", "getItem"]) tap(Storage.prototype, name, "Storage");
  for (const name of ["get", "set"]) tap(Map.prototype, name, "Map");
  tap(BroadcastChannel.prototype, "postMessage", "BroadcastChannel");
  tap(String.prototype, "replace", "String.replace");
  addEventListener("message", ({ data }) => look("message", textOf(data)));
  const channel = new BroadcastChannel("sessions");
  channel.onmessage = ({ data }) => look("BroadcastChannel", textOf(data));

  /** Go through all objects that can be reached from the window. */
  function walk() {
    const seen = new Set();
    const next = [globalThis];
    while (next.length > 0 && seen.size < MOST_OBJECTS) {
      const object = next.pop();
      if (object === found || seen.has(object)) continue;
      seen.add(object);
      const values = object instanceof Map || object instanceof Set ? [...object].flat() : [];
      for (const key of Reflect.ownKeys(object)) {
        // Some may be read of their own objects alone.
        try {
          const value = object[key];
          if (value instanceof Promise) value.catch(() => {});
          values.push(value);
        } catch {}
      }
      for (const value of values) {
        if (typeof value === "string") look("globals", value);
        else if (value !== null && /^(object|function)$/.test(typeof value)) next.unshift(value);
      }
    }
    return seen.size;
  }

  globalThis.hunt = async () => {
    look("document.cookie", document.cookie);
    for (const store of [localStorage, sessionStorage]) look("storage", textOf({ ...store }));
    look("document", document.documentElement.outerHTML);
    look("history", textOf([history.state, name, document.URL, document.referrer]));
    look("IndexedDB", textOf(await indexedDB.databases()));
    look("cookieStore", textOf(await globalThis.cookieStore?.getAll()));
    for (const key of await caches.keys()) {
      for (const { url } of await (await caches.open(key)).keys()) look("caches", url);
    }
    walk();
    return found.splice(0);
  };
})();
