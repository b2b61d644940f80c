// A script of its own, so that the page's Content-Security-Policy needs no inline scripts.
// validatorUrl null: else Swagger UI asks a validator on the Internet about every document that is not local.
window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
  layout: "BaseLayout",
});
