// Shows docs/openapi.yaml, with "try it" against the service that serves this page.
SwaggerUIBundle({
  url: "/docs/openapi.yaml",
  domNode: document.getElementById("reference"),
  deepLinking: true,
});
