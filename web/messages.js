// What the page says: an alert for what went wrong, a status for what was done.
// Both are in the page from the start: screen readers read out only changes in them.

import { duration, text } from "./words.js";

const SECOND = 1000;
const element = (id) => document.getElementById(id);
const heard = element("alert").firstElementChild;
const seen = element("alert").lastElementChild;
let end = 0;
let timer = 0;

/** Say something instead of what was said before; `again` is what "Try again" does. */
export function say({ alert = "", status = "", again = null } = {}) {
  clearInterval(timer);
  end = 0;
  enable();
  show(alert);
  note(status);
  element("again").hidden = again === null;
  element("again").onclick = () => isWaiting() || again();
}

/** Say what was done; an alert stays as it is. */
export function note(status) {
  element("status").textContent = status;
}

/** Whoever listens hears an alert once, not each second. */
function show(alert, listened = alert) {
  seen.textContent = alert;
  if (heard.textContent !== listened) heard.textContent = listened;
}

/** Have everybody wait before something is asked again; the time is counted down. */
export function wait(alert, seconds) {
  end = Date.now() + seconds * SECOND;
  const words = (left) => `${alert} ${text("wait.left", { duration: duration(left) })}`;
  const first = words(seconds);
  const count = () => {
    const left = Math.ceil((end - Date.now()) / SECOND);
    if (left > 0) return show(words(left), first);
    clearInterval(timer);
    show(text("wait.over"));
    enable();
  };
  enable();
  count();
  timer = setInterval(count, SECOND);
}

export const isWaiting = () => end > Date.now();

/** Show which buttons would ask the service something that it does not want to be asked yet. */
export function enable() {
  for (const button of document.querySelectorAll("[data-asks]")) {
    const isOver = button.closest("[data-state]") !== null;
    button.setAttribute("aria-disabled", isOver || isWaiting());
  }
}
