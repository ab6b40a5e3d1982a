// What the benches stand on: the release binary before a tmux server of its own.
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const root = join(import.meta.dirname, "../..");
export const folder = mkdtempSync(join(tmpdir(), "muxboard-bench-"));
export const token = randomBytes(24).toString("hex");
export const user = execFileSync("id", ["-un"]).toString().trim();
export const chromium = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-background-networking", "--disable-quic", "--no-first-run", "--disable-component-update", "--disable-sync"],
};
export const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))];
export const tmux = (socket, ...words) => execFileSync("tmux", ["-f", "/dev/null", "-S", socket, ...words], { env: { ...process.env, TMUX: "" } }).toString();

export async function board(sessions, port = 0, more = "") {
  const socket = join(folder, `sock-${sessions}`);
  for (let i = 0; i < sessions; i++)
    tmux(socket, "new-session", "-d", "-s", `session-${i}`, "-x", "80", "-y", "24", `printf 'line one of ${i}\\nline two\\nready'; exec cat`);
  const config = join(folder, `${sessions}.toml`);
  const hash = createHash("sha256").update(token).digest("hex");
  writeFileSync(
    config,
    `listen = "127.0.0.1:${port}"
${more}
[limits]
requests_per_second = 0
[auth]
gate = "token"
[[auth.token]]
name = "ops"
sha256 = "${hash}"
[[grant]]
who = ["ops"]
hosts = ["*"]
users = ["*"]
can = ["type", "create", "kill"]
[[host]]
key = "here"
local = true
users = ["${user}"]
socket = "${socket}"
`,
  );
  const child = spawn(join(root, "target/release/muxboard"), ["serve", "-c", config], { stdio: ["ignore", "pipe", "ignore"] });
  let url;
  for await (const line of createInterface({ input: child.stdout })) {
    url = line.replace("muxboard: ", "").trim();
    break;
  }
  // With origins of its own it names the first of those.
  if (port) url = `http://127.0.0.1:${port}/`;
  const seen = async () => JSON.parse((await get(`${url}api/v1/sessions`, {})).body).hosts[0].users[0].sessions.length;
  while ((await seen()) < sessions) await new Promise((done) => setTimeout(done, 100));
  return { url, child, socket, sessions };
}

export function get(url, headers) {
  return new Promise((done, failed) => {
    const began = performance.now();
    const asked = request(url, { headers: { authorization: `Bearer ${token}`, ...headers }, agent: false }, (answer) => {
      let first;
      const chunks = [];
      answer.on("data", (chunk) => {
        first ??= performance.now() - began;
        chunks.push(chunk);
      });
      answer.on("error", failed);
      answer.on("end", () => {
        const body = Buffer.concat(chunks);
        done({ first, bytes: body.length, body: body.toString(), head: answer.headers });
      });
    });
    asked.on("error", failed).end();
  });
}
