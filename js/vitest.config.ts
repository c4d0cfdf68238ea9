import { defineConfig } from "vitest/config";
import { workletPlugin } from "./build.mjs";

export default defineConfig({
  plugins: [workletPlugin.vite()],
  define: { __WIDGET__: JSON.stringify("test") },
  test: { include: ["tests/**/*.test.ts"], environment: "node", testTimeout: 20_000 },
});
