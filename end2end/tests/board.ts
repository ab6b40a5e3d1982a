// What every spec stands on: the release binary, or an example that has the board inside another application, run as an unprivileged account with a tmux socket of its own, and a page on which any
// console error, refused request or broken policy fails the test.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test as base, expect, type Page } from "@playwright/test";
import { inScreen, keepTerminal } from "./inspect";

export { expect };

const release = join(import.meta.dirname, "../../target/release");
export const binary = join(release, "muxboard");

// Fails a test that cannot run here, or leaves it out where MUXBOARD_TEST_SKIP (a comma list) has the word `need`: Playwright counts it.
export function needs(need: string, there: boolean, why: string) {
  if (there) return;
  const allowed = (process.env.MUXBOARD_TEST_SKIP ?? "").split(",").some((word) => word.trim() === need);
  if (!allowed) throw new Error(`${why} To leave out the tests that need this: MUXBOARD_TEST_SKIP=${need}`);
  base.skip(true, why);
}
export const ACCOUNTS = "This test needs Unix accounts made for the run: run `make test` as root.";

// A program as an account, in a fresh environment; in this group too, if one is named.
export function as(account: string, command: string[], group?: string): [string, string[]] {
  if (process.getuid?.() !== 0) return [command[0], command.slice(1)];
  return ["setpriv", [`--reuid=${account}`, `--regid=${account}`, group ? `--groups=${group}` : "--init-groups", "--reset-env", "--", ...command]];
}

export class Board {
  readonly socket = `e2e-${randomBytes(6).toString("hex")}`;
  readonly token = randomBytes(24).toString("hex");
  readonly account = process.env.MUXBOARD_TEST_FRONT ?? userInfo().username;
  readonly other = process.env.MUXBOARD_TEST_OTHER;
  readonly refused = process.env.MUXBOARD_TEST_REFUSED;
  readonly folder: string;
  url = "";
  // The application around it, where there is one.
  app = "";
  #child?: ChildProcess;

  constructor(
    readonly mount: string,
    readonly program: Program,
    // What else its configuration says.
    readonly more = "",
  ) {
    this.folder = mkdtempSync(join(tmpdir(), "muxboard-e2e-"));
    chmodSync(this.folder, 0o755);
    copyFileSync(program === "muxboard" ? binary : join(release, "examples", program), join(this.folder, program));
    if (program === "muxboard") this.#configure();
  }

  get #users() {
    return [this.account, this.other, this.refused].filter(Boolean);
  }

  #configure() {
    writeFileSync(
      join(this.folder, "muxboard.toml"),
      `listen = "127.0.0.1:0"
base = "${this.mount}"
[auth]
gate = "token"
[[auth.token]]
name = "ops"
sha256 = "${createHash("sha256").update(this.token).digest("hex")}"
[[grant]]
who = ["ops"]
hosts = ["*"]
users = ["*"]
can = ["type", "create", "kill"]
[[host]]
key = "here"
label = "web1"
local = true
users = ${JSON.stringify(this.#users)}
socket_name = "${this.socket}"
${this.more}`,
    );
  }

  get #command() {
    const program = join(this.folder, this.program);
    if (this.program === "muxboard") return [program, "serve", "-c", join(this.folder, "muxboard.toml")];
    const settings = { LISTEN: "127.0.0.1:0", HOST_USERS: this.#users.join(), SOCKET_NAME: this.socket, PASSWORD: this.token };
    return ["env", ...Object.entries(settings).map(([name, value]) => `${name}=${value}`), program];
  }

  async start() {
    const [program, words] = as(this.account, this.#command);
    this.#child = spawn(program, words, { stdio: ["ignore", "pipe", "ignore"], cwd: "/" });
    for await (const line of createInterface({ input: this.#child.stdout! })) {
      const url = line
        .replace(/^\w+: /, "")
        .trim()
        .replace(/\/$/, "");
      if (this.program === "muxboard") this.url = url;
      else [this.app, this.url] = [url, url + this.mount];
      break;
    }
  }

  // SIGKILL: what a crash or the kernel's out-of-memory killer does.
  async kill() {
    const child = this.#child!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await ended;
  }

  // The same board again, at the same address.
  async restart() {
    const file = join(this.folder, "muxboard.toml");
    writeFileSync(file, readFileSync(file, "utf8").replace("127.0.0.1:0", new URL(this.url).host));
    await this.start();
  }

  tmux(...words: string[]): string {
    return this.tmuxAs(this.account, ...words);
  }

  tmuxAs(account: string, ...words: string[]): string {
    const [program, all] = as(account, ["tmux", "-u", "-f", "/dev/null", "-L", this.socket, ...words]);
    try {
      return execFileSync(program, all, { cwd: "/", stdio: ["ignore", "pipe", "pipe"] })
        .toString()
        .trimEnd();
    } catch (refused) {
      // A question may have no answer; what was to be made must be there.
      if (words[0] === "new-session") throw refused;
      return "";
    }
  }

  // The very bytes that tmux prints.
  tmuxExact(...words: string[]): string {
    const [program, all] = as(this.account, ["tmux", "-u", "-f", "/dev/null", "-L", this.socket, ...words]);
    return execFileSync(program, all, { cwd: "/", stdio: ["ignore", "pipe", "ignore"] }).toString();
  }

  async end() {
    await this.kill();
    for (const account of [this.account, this.other]) if (account) this.tmuxAs(account, "kill-server");
    rmSync(this.folder, { recursive: true, force: true });
  }

  // The front page of whoever logged in last: below the path of the login.
  home = "";
  async #entered(page: Page) {
    this.home = `${new URL(this.url).origin}${await page.evaluate(() => document.documentElement.dataset.base)}/`;
  }

  get loginLink() {
    return `${this.url}/login#token=${this.token}`;
  }

  // Without JavaScript the token is pasted.
  async logIn(page: Page) {
    if (this.app) await this.enter(page);
    else {
      await page.goto(`${this.url}/login`);
      await page.getByLabel("Token").fill(this.token);
      await page.getByRole("button", { name: "Log in" }).click();
    }
    await expect(page.locator("#board")).toBeVisible();
    await this.#entered(page);
  }

  async open(page: Page) {
    if (this.app) await this.enter(page);
    else await page.goto(this.loginLink);
    await living(page);
    await this.#entered(page);
  }

  // By the application's own login, and its link to the board.
  async enter(page: Page, name = "ops") {
    await page.goto(this.app);
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password").fill(this.token);
    await page.getByRole("button", { name: "Enter" }).click();
    await page.getByRole("link", { name: "Terminals" }).click();
  }
}

// The page follows the board.
export async function living(page: Page) {
  await expect(page.locator("html.awake")).toBeAttached();
  await expect(page.locator("#board .host time, #board .host .swept time").first()).toHaveText(/asked/);
}

export const card = (page: Page, name: string) =>
  page.locator(".card", { has: page.locator("a.open", { hasText: new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`) }) });

// What the terminal shows, line by line.
export const lines = (page: Page) =>
  inScreen(page, ({ terminal }) => {
    const buffer = terminal.buffer.active;
    return Array.from({ length: terminal.rows }, (_, y) => buffer.getLine(buffer.viewportY + y)?.translateToString(true) ?? "");
  });

export async function connected(page: Page) {
  await expect(page.locator(".link-state.live")).toBeVisible();
}

// What a page complains of.
export function complaints(page: Page): string[] {
  const said: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) said.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => said.push(`error: ${error.message}`));
  return said;
}

type Program = "muxboard" | "behind_login";
type Fixtures = { base: string; program: Program; more: string; board: Board; quiet: { allow: RegExp[] } };

export const test = base.extend<Fixtures>({
  base: ["", { option: true }],
  program: ["muxboard", { option: true }],
  more: ["", { option: true }],
  board: async ({ base: mount, program, more }, use) => {
    const board = new Board(mount, program, more);
    await board.start();
    await use(board);
    await board.end();
  },
  context: async ({ context }, use) => {
    await context.addInitScript(keepTerminal);
    await use(context);
  },
  // A page that complains fails its test. A spec that provokes a complaint says which.
  quiet: [
    async ({ page }, use) => {
      const said = complaints(page);
      const quiet = { allow: [] as RegExp[] };
      await use(quiet);
      expect(said.filter((line) => !quiet.allow.some((pattern) => pattern.test(line)))).toEqual([]);
    },
    { auto: true },
  ],
});
