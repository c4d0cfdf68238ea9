import { defineConfig } from "vitest/config";
import { workletPlugin } from "./build.mjs";

export default defineConfig({
  plugins: [workletPlugin.vite()],
  test: { include: ["tests/**/*.test.ts"], environment: "node", testTimeout: 20_000 },
});
