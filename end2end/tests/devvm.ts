// One machine behind a login, as docs/deploy.md sets it up: the files of deploy/ with their blanks filled in, nginx with TLS and a password file
// in front, muxboard behind it on a Unix socket. No account trusts another: nginx's, which alone is in the group that may open the socket,
// muxboard's, each person's own.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, chmodSync, constants, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type APIRequestContext, type Browser, expect, type Page, request } from "@playwright/test";
import { ACCOUNTS, as, test as base, binary, complaints, needs } from "./board";
import { keepTerminal } from "./inspect";

export { expect };

// Everybody's password; what is tried here is who they are, not how they prove it.
const PASSWORD = "pw";
// An account that is mapped, and was never made.
export const NOT_MADE = "mb-not-made";

const repository = join(import.meta.dirname, "../..");
const shipped = (file: string) => readFileSync(join(repository, "deploy", file), "utf8");

const found = (program: string) =>
  [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"]
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

// One below those that the kernel gives to whoever asks for any: it stays free until it is used.
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const free = await new Promise<boolean>((done) => server.once("error", () => done(false)).listen(port, "127.0.0.1", () => done(true)));
    await new Promise((done) => server.close(done));
    if (free) return port;
  }
}

const listens = (at: { port: number; host: string } | { path: string }) =>
  new Promise<boolean>((done) => {
    const socket = connect(at, () => {
      socket.destroy();
      done(true);
    });
    socket.on("error", () => done(false));
  });

// Every blank must be there: a file that changed is not to be tried with half of them.
const filled = (text: string, blanks: [string, string][]) =>
  blanks.reduce((text, [blank, value]) => {
    expect(text, `${blank} in a file of deploy/`).toContain(blank);
    return text.replaceAll(blank, value);
  }, text);

export class DevVm {
  readonly nginx = found("nginx");
  readonly accounts = {
    muxboard: process.env.MUXBOARD_TEST_FRONT!,
    nginx: process.env.MUXBOARD_TEST_REFUSED!,
    ann: process.env.MUXBOARD_TEST_OTHER!,
    bob: process.env.MUXBOARD_TEST_SECOND!,
    eve: process.env.MUXBOARD_TEST_THIRD!,
  };
  readonly socket = `vm-${randomBytes(6).toString("hex")}`;
  readonly secret = randomBytes(32).toString("hex");
  readonly folder = mkdtempSync(join(tmpdir(), "muxboard-vm-"));
  readonly behind = join(this.folder, "run/http.sock");
  url = "";
  #children: ChildProcess[] = [];

  #file(name: string, owner: string, mode: number, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    execFileSync("chown", [owner, path]);
    return path;
  }

  async start() {
    chmodSync(this.folder, 0o755);
    const port = await freePort();
    this.url = `https://127.0.0.1:${port}`;
    this.#serve();
    this.#front(port);
    for (const at of [{ path: this.behind }, { host: "127.0.0.1", port }])
      await expect.poll(() => listens(at), { message: `${JSON.stringify(at)} is open` }).toBe(true);
  }

  // A folder of that account's, as the unit's RuntimeDirectory is.
  #own(name: string, owner: string): string {
    const path = join(this.folder, name);
    mkdirSync(path);
    execFileSync("chown", [owner, path]);
    return path;
  }

  #serve() {
    const { muxboard, ann, bob } = this.accounts;
    this.#own("run", muxboard);
    copyFileSync(binary, join(this.folder, "muxboard"));
    const secret = this.#file("proxy-secret", muxboard, 0o600, `${this.secret}\n`);
    const map = this.#file("user-map", "root", 0o644, `ann = ${ann}\nbob = ${bob}\nghost = ${NOT_MADE}\n`);
    const config = filled(shipped("muxboard.toml"), [
      ["unix:/run/muxboard/http.sock", `unix:${this.behind}`],
      ["https://term.example.com", this.url],
      ["/run/credentials/muxboard.service/proxy-secret", secret],
      ["/etc/muxboard/user-map", map],
    ]);
    const path = this.#file("muxboard.toml", "root", 0o644, `${config}socket_name = "${this.socket}"\n`);
    this.#run(muxboard, [join(this.folder, "muxboard"), "serve", "-c", path]);
  }

  #front(port: number) {
    const owner = this.accounts.nginx;
    const own = this.#own("nginx", owner);
    const made = ["-subj", "/CN=127.0.0.1", "-keyout", join(this.folder, "key.pem"), "-out", join(this.folder, "cert.pem")];
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", ...made], {
      stdio: "ignore",
    });
    execFileSync("chown", [owner, join(this.folder, "key.pem")]);
    const site = filled(shipped("nginx.conf"), [
      ["@PORT@", `127.0.0.1:${port}`],
      ["@NAME@", "127.0.0.1"],
      ["@CERT@", join(this.folder, "cert.pem")],
      ["@KEY@", join(this.folder, "key.pem")],
      ["@UPSTREAM@", `unix:${this.behind}`],
      ["@USERS@", this.#file("users", owner, 0o600, ["ann", "bob", "eve", "ghost"].map((who) => `${who}:{PLAIN}${PASSWORD}\n`).join(""))],
      ["@SECRET_FILE@", this.#file("secret.conf", owner, 0o600, `proxy_set_header X-Muxboard-Secret "${this.secret}";\n`)],
    ]);
    const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((what) => `${what}_temp_path ${own}/${what};`).join(" ");
    const whole = `daemon off; worker_processes 1; pid ${own}/pid; events {}\nhttp { access_log off; ${folders}\n${site}}\n`;
    const path = this.#file("nginx.conf", owner, 0o600, whole);
    this.#run(owner, [this.nginx!, "-p", own, "-e", join(own, "error.log"), "-c", path], this.accounts.muxboard);
  }

  #run(account: string, command: string[], group?: string) {
    const [program, words] = as(account, command, group);
    this.#children.push(spawn(program, words, { stdio: "ignore", cwd: "/" }));
  }

  tmux(account: string, ...words: string[]): string {
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

  // What an administrator does with an editor.
  map(change: (lines: string) => string) {
    const path = join(this.folder, "user-map");
    writeFileSync(path, change(readFileSync(path, "utf8")));
  }

  // A program that asks as one of them, through nginx.
  async asks(who: string | undefined, headers: Record<string, string> = {}): Promise<APIRequestContext> {
    const httpCredentials = who ? { username: who, password: PASSWORD, send: "always" as const } : undefined;
    return request.newContext({ baseURL: this.url, ignoreHTTPSErrors: true, httpCredentials, extraHTTPHeaders: { origin: this.url, ...headers } });
  }

  // A program on this machine that asks past nginx: the status, or 0 if it may not even open the socket.
  past(headers: Record<string, string>, path = "/api/v1/whoami", account = "root"): number {
    // curl's way of sending a header without a value.
    const said = Object.entries(headers).flatMap(([name, value]) => ["-H", value ? `${name}: ${value}` : `${name};`]);
    const curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", this.behind, ...said, this.url.replace("https", "http") + path];
    const [program, words] = as(account, curl);
    const { error, stdout } = spawnSync(program, words, { cwd: "/", encoding: "utf8" });
    // Without curl itself, or without what runs it as the account.
    if (error || !/^\d{3}$/.test(stdout)) throw error ?? new Error(`${program} answers ${JSON.stringify(stdout)}`);
    return Number(stdout);
  }

  async end() {
    // Not SIGKILL: nginx's worker would stay.
    const ended = this.#children.map((child) => child.exitCode ?? child.signalCode ?? new Promise((done) => child.once("exit", done)));
    for (const child of this.#children) child.kill("SIGTERM");
    await Promise.all(ended);
    for (const account of [this.accounts.ann, this.accounts.bob, this.accounts.eve]) this.tmux(account, "kill-server");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

// A person at a browser.
export type Person = { page: Page; said: string[] };

type Fixtures = { vm: DevVm; visits: (who: string, headers?: Record<string, string>) => Promise<Person> };

export const test = base.extend<Fixtures>({
  vm: async ({}, use) => {
    const vm = new DevVm();
    needs("accounts", Boolean(vm.accounts.eve), ACCOUNTS);
    needs("nginx", Boolean(vm.nginx), "This test needs nginx's program: `make test` brings it.");
    await vm.start();
    await use(vm);
    await vm.end();
  },
  visits: async ({ browser, vm }, use) => {
    const contexts: Awaited<ReturnType<Browser["newContext"]>>[] = [];
    await use(async (who, headers) => {
      const context = await browser.newContext({
        ignoreHTTPSErrors: true,
        httpCredentials: { username: who, password: PASSWORD },
        extraHTTPHeaders: headers,
        baseURL: vm.url,
      });
      contexts.push(context);
      await context.addInitScript(keepTerminal);
      const page = await context.newPage();
      await page.addInitScript(remember);
      return { page, said: complaints(page) };
    });
    for (const context of contexts) await context.close();
  },
});

// In the page: the codes that its WebSockets were closed with.
function remember() {
  const closeCodes: number[] = [];
  Object.assign(globalThis, {
    closeCodes,
    WebSocket: class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        this.addEventListener("close", (event) => closeCodes.push(event.code));
      }
    },
  });
}

export const closeCodes = (page: Page) => page.evaluate(() => (globalThis as unknown as { closeCodes: number[] }).closeCodes);
