// Pictures for a person to look at: end2end/screenshots. The README's is one of them.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Board, card, expect, lines, living, test } from "./board";

const folder = join(import.meta.dirname, "../screenshots");

async function furnish(board: Board) {
  const run = (name: string, script: string, directory = "/tmp") =>
    board.tmux("new-session", "-d", "-s", name, "-x", "100", "-y", "24", "-c", directory, `${script}; exec cat`);
  run(
    "agent-api",
    "printf '  + ALTER TABLE jobs ADD COLUMN lease_until\\n  + CREATE INDEX CONCURRENTLY jobs_lease_idx\\n\\033[32m  2 statements, 0 destructive\\033[0m\\n\\nApply this migration to staging? (y/n) \\a'",
    "/srv",
  );
  run(
    "build-main",
    "for c in tower-http leptos_axum axum muxboard-fleet; do printf '\\033[1;32m   Compiling\\033[0m %s\\n' $c; done; printf '\\033[1;36m    Building\\033[0m [=================>   ] 412/468'",
    "/usr/src",
  );
  run(
    "logs",
    "printf '10:41:02 GET /healthz 200 1ms\\n10:41:12 GET /healthz 200 1ms\\n10:41:17 POST /jobs 201 14ms\\n\\033[31m10:41:30 POST /jobs 503 upstream timeout\\033[0m\\n'",
    "/var/log",
  );
  board.tmux("new-window", "-d", "-t", "logs:");
  run(
    "soak",
    "printf 'round  18,204   p50 0.71 ms   p99 1.04 ms\\nround  18,205   p50 0.70 ms   p99 1.02 ms\\n\\033[32mno leaks: fds 41, rss 15.2 MiB\\033[0m\\n'",
    "/srv",
  );
  board.tmux("new-session", "-d", "-s", "nightly", "-x", "100", "-y", "24", "exec cat");
  board.tmux("set-option", "-w", "-t", "nightly:", "remain-on-exit", "on");
  board.tmux(
    "respawn-pane",
    "-k",
    "-t",
    "nightly:",
    'printf "\\033[1;31merror[E0499]\\033[0m: cannot borrow pool as mutable\\nerror: could not compile worker (lib)\\n"; exit 2',
  );
  if (board.other) board.tmuxAs(board.other, "new-session", "-d", "-s", "migrations");
}

for (const [name, scheme, size] of [
  ["dark", "dark", { width: 1280, height: 900 }],
  ["light", "light", { width: 1280, height: 900 }],
  ["wide", "dark", { width: 2560, height: 1300 }],
  ["phone", "dark", { width: 390, height: 844 }],
  ["narrow", "light", { width: 360, height: 740 }],
] as const) {
  test(`pictures: ${name}`, async ({ page, board }) => {
    mkdirSync(folder, { recursive: true });
    const shoot = (what: string) => page.screenshot({ path: join(folder, `${what}-${name}.png`) });
    await furnish(board);
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize(size);
    await board.open(page);
    await expect(page.locator(".need")).toHaveCount(2);
    await expect(card(page, "build-main").locator("pre")).toContainText("Building");
    await expect(card(page, "soak").locator("pre")).toContainText("no leaks");
    // Nothing is wider than the screen.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(size.width);
    await shoot("dashboard");
    await card(page, "build-main").locator("summary").click();
    await card(page, "build-main").getByRole("link", { name: "Kill" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await shoot("kill");
    await page.keyboard.press("Escape");
    await card(page, "logs").locator("a.open").click();
    await expect(page.locator(".link-state.live")).toBeVisible();
    await expect.poll(() => lines(page).then((all) => all.join())).toContain("healthz");
    await shoot("terminal");
    await page.goBack();
    await living(page);
  });
}
