import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { templates } from "./templates.plugin";

/** The page is served by `kinograph serve` from `server/static`; all addresses are relative to it. */
export default defineConfig({
  plugins: [react(), templates(fileURLToPath(new URL("../workflows", import.meta.url)))],
  base: "./",
  build: {
    outDir: "../server/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8300", ws: true } } },
  test: { environment: "node", include: ["src/**/*.test.ts"], testTimeout: 30_000 },
});
