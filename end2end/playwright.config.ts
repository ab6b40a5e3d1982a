import { defineConfig, devices } from "@playwright/test";

const chromium = {
  launchOptions: {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Debian's Chromium without its own chatter; as root it needs --no-sandbox.
    args: ["--no-sandbox", "--disable-background-networking", "--disable-quic", "--no-first-run", "--disable-component-update", "--disable-sync"],
  },
};

// Every project runs against the release binary; `base` is where the board is mounted.
export default defineConfig<{ base: string }>({
  testDir: "tests",
  outputDir: "results",
  // Two cores: one browser and the servers it talks to.
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  reporter: [["list"]],
  use: { ...devices["Desktop Chrome"], ...chromium, trace: "retain-on-failure", viewport: { width: 1280, height: 800 } },
  projects: [
    { name: "at-root", use: { base: "" }, testIgnore: ["no-javascript.spec.ts", "devvm.spec.ts"] },
    { name: "mounted", use: { base: "/mux" }, testIgnore: ["no-javascript.spec.ts", "devvm.spec.ts", "pictures.spec.ts", "screen.spec.ts"] },
    { name: "no-javascript", use: { base: "", javaScriptEnabled: false }, testMatch: ["no-javascript.spec.ts"] },
    { name: "no-javascript-mounted", use: { base: "/mux", javaScriptEnabled: false }, testMatch: ["no-javascript.spec.ts"] },
    // Several people behind nginx: it starts its own servers.
    { name: "devvm", testMatch: ["devvm.spec.ts"] },
  ],
});
