// Shows docs/openapi.yaml, with "try it" against the service that serves this page.

const reference = document.getElementById("reference");

// What the viewer leaves out, or says wrongly, for who works by keyboard or by ear. It keeps what
// is set here: it only writes what it changes itself.
const MENDED = {
  ".information-container": { role: "region", "aria-label": "About the API" },
  ".schemes-server-container": { role: "region", "aria-label": "Service and token" },
  ".modal-ux": { role: "dialog", "aria-modal": "true", "aria-label": "Token" },
  ".close-modal": { "aria-label": "Close" },
  "#servers": { "aria-label": "Service" },
  ".info__license a": { href: null }, // SPDX has no page on a licence of ours
  ".body-param__text": { "aria-label": "Request body" },
  ".examples-select-element": { "aria-label": "Example" },
  "tr[data-param-name] select": { "aria-label": (select) => select.closest("tr").dataset.paramName },
  "pre.microlight": { tabindex: "0" }, // else arrow keys do not scroll it
  "table[role=region]": { role: null }, // it is a table, and one of many
  ".modal-ux h6": { role: "none" }, // it skips levels, and is no heading of anything
  "[aria-label='Apply credentials'], [aria-label='Remove authorization']": { "aria-label": null },
};

function mend() {
  for (const [selector, attributes] of Object.entries(MENDED)) {
    for (const element of reference.querySelectorAll(selector)) {
      for (const [name, value] of Object.entries(attributes)) {
        const wanted = typeof value === "function" ? value(element) : value;
        if (wanted === null) element.removeAttribute(name);
        else element.setAttribute(name, wanted);
      }
    }
  }
}

new MutationObserver(mend).observe(reference, { childList: true, subtree: true });

SwaggerUIBundle({
  url: "/docs/openapi.yaml",
  domNode: reference,
  syntaxHighlight: { theme: "obsidian" }, // the one whose colours can all be read
  validatorUrl: null, // nothing is sent elsewhere
});
