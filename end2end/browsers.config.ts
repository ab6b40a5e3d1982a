import { defineConfig } from "@playwright/test";
import type { EngineName } from "./browsers/steps";

const engines: EngineName[] = ["chromium", "firefox", "webkit"];

// The same steps in three real browsers, against the release build.
export default defineConfig<object, { engineName: EngineName }>({
  testDir: "browsers",
  outputDir: "results/browsers",
  // Two cores: one browser and the servers it talks to.
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  reporter: [["list"]],
  projects: engines.map((engineName) => ({ name: engineName, use: { engineName } })),
});
