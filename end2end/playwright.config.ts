import { defineConfig, devices } from "@playwright/test";

const chromium = {
  launchOptions: {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Debian's Chromium without its own chatter; as root it needs --no-sandbox.
    args: ["--no-sandbox", "--disable-background-networking", "--disable-quic", "--no-first-run", "--disable-component-update", "--disable-sync"],
  },
};

// Specs that one kind of project alone is for.
const PHONE = ["phone.spec.ts", "phone-keys.spec.ts"];
const APART = ["no-javascript.spec.ts", "embedded.spec.ts", "devvm.spec.ts", ...PHONE];
// What does not depend on where the board is mounted, and takes long.
const ONCE = [
  "pictures.spec.ts",
  "screen.spec.ts",
  "keyboard.spec.ts",
  "clipboard.spec.ts",
  "paste.spec.ts",
  "links.spec.ts",
  "input-order.spec.ts",
  "toasts.spec.ts",
  "modes.spec.ts",
];
// About muxboard's own token, and logging in with it again after a restart: an application around the board has its own login.
const OWN_LOGIN = /without a token there is a login|when muxboard is killed the page says so/;
const embedded = { base: "/mux", program: "behind_login" } as const;

// Every project runs against the release build; `base` is where the board is mounted, `program` what it is part of.
export default defineConfig<{ base: string; program: "muxboard" | "behind_login" }>({
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
    { name: "at-root", use: { base: "" }, testIgnore: APART },
    { name: "mounted", use: { base: "/mux" }, testIgnore: [...APART, ...ONCE] },
    { name: "no-javascript", use: { base: "", javaScriptEnabled: false }, testMatch: ["no-javascript.spec.ts"] },
    { name: "no-javascript-mounted", use: { base: "/mux", javaScriptEnabled: false }, testMatch: ["no-javascript.spec.ts"] },
    // server/examples/behind_login.rs: the same board, and then what only a board inside an application has.
    {
      name: "embedded",
      use: embedded,
      testIgnore: [...APART.filter((spec) => spec !== "embedded.spec.ts"), ...ONCE, "upload.spec.ts", "login-path.spec.ts", "rights.spec.ts"],
      grepInvert: OWN_LOGIN,
    },
    { name: "no-javascript-embedded", use: { ...embedded, javaScriptEnabled: false }, testMatch: ["no-javascript.spec.ts"] },
    // Fingers, and 390 pixels of width.
    {
      name: "phone",
      use: { base: "", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
      testMatch: PHONE,
    },
    // Several people behind nginx: it starts its own servers.
    { name: "devvm", testMatch: ["devvm.spec.ts"] },
  ],
});
