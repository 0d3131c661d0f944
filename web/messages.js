// What the page says: an alert for what went wrong, a status for what was done.
// Both are in the page from the start: screen readers read only changes out.

import { duration, text } from "./words.js";

const element = (id) => document.getElementById(id);
const alertText = element("alert").firstElementChild;
const countdown = element("alert").lastElementChild;
let end = 0; // until when nothing is to be asked
let timer = 0;

/** Say something instead of what was said before; `again` is what "Try again" does. */
export function say({ alert = "", status = "", again = null } = {}) {
  stopWaiting();
  alertText.textContent = alert;
  note(status);
  element("again").hidden = again === null;
  element("again").onclick = again;
}

/** Say what was done; an alert stays as it is. */
export function note(status) {
  element("status").textContent = status;
}

/** Have everybody wait; who listens to the alert hears it once, not each second. */
export function wait(alert, seconds) {
  const words = (left) => `${alert} ${text("wait.left", { duration: duration(left) })}`;
  const count = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0) {
      countdown.textContent = words(left);
    } else {
      stopWaiting();
      alertText.textContent = text("wait.over");
    }
  };
  end = Date.now() + seconds * 1000;
  timer = setInterval(count, 1000);
  alertText.className = "unseen";
  alertText.textContent = words(seconds);
  count();
  enable();
}

function stopWaiting() {
  clearInterval(timer);
  end = 0;
  alertText.className = countdown.textContent = "";
  enable();
}

export const isWaiting = () => end > Date.now();

/** Show which buttons would ask the service what it does not want to be asked yet. */
function enable() {
  for (const button of document.querySelectorAll("[data-asks]")) {
    const isOver = button.closest("[data-state]") !== null;
    button.setAttribute("aria-disabled", isOver || isWaiting());
  }
}
