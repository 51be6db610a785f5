// Draws /docs/api from this server's own OpenAPI document; nothing is asked of any other server.
"use strict";

const here = window.location.origin;

// The page may be open under another name than the one that the server calls itself.
const atHome = (url) => here + new URL(url, here).pathname.replace(/\/$/, "");

const brought = (described) => {
  described.servers = [{ url: here }];
  for (const scheme of Object.values(described.components.securitySchemes ?? {})) {
    for (const flow of Object.values(scheme.flows ?? {})) {
      flow.tokenUrl = atHome(flow.tokenUrl);
    }
  }
  return described;
};

const draw = async () => {
  const answer = await fetch("/openapi.json");
  Scalar.createApiReference("#reference", {
    content: brought(await answer.json()),
    proxyUrl: "",
    telemetry: false,
    withDefaultFonts: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    hideClientButton: true,
    hideDarkModeToggle: true,
    showDeveloperTools: "never",
    documentDownloadType: "json",
    persistAuth: false,
    defaultOpenFirstTag: false,
    authentication: { preferredSecurityScheme: "secretKey" },
    defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
  });
};

draw();
