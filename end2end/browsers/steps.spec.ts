// The way of a person through the page, the same in each browser: what one engine does in its own way with a form, a key, a clipboard, a size or a
// socket shows here. Everything else is tried in Chromium alone (../tests).
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { click, connected, count, expect, gone, lines, living, open, pane, shows, terminal, test, width } from "./steps";

const SHELL = "exec env PS1='$ ' bash --norc --noprofile";

test("the login form takes the token", async ({ tab, board, allowed }) => {
  allowed.push(/401/); // the login page's own status
  await tab.goto(`${board.url}/`);
  await shows(tab, "h1", "Log in");
  await click(tab, "input[name=token]");
  await tab.type(board.token);
  await tab.press("Enter");
  await living(tab);
});

test("the printed link logs in and its token leaves the address", async ({ tab, board }) => {
  await open(tab, board);
  expect(await tab.evaluate(() => location.pathname)).toMatch(/^\/~\/[0-9a-f]{24}\/$/);
  expect(await tab.evaluate(() => location.search + location.hash)).toBe("");
});

test("another port of the machine gets no cookie, and a link without the path of the login leads on", async ({ tab, board, allowed }) => {
  allowed.push(/401/);
  board.tmux("new-session", "-d", "-s", "a", "exec cat");
  await open(tab, board);
  await shows(tab, ".card a.open", "a");
  const cookies: (string | undefined)[] = [];
  const another = createServer((request, response) => {
    cookies.push(request.headers.cookie);
    response.setHeader("content-type", "text/html").end("<title>another</title>");
  });
  await new Promise<void>((done) => another.listen(0, "127.0.0.1", done));
  for (const path of ["/", "/login", "/~/000000000000000000000000/"]) await tab.goto(`http://127.0.0.1:${(another.address() as AddressInfo).port}${path}`);
  expect(cookies.length).toBeGreaterThanOrEqual(3);
  expect(cookies.filter(Boolean)).toEqual([]);
  await tab.goto(`${board.url}/here/${board.account}/a`);
  await connected(tab);
  another.close();
});

test("the page becomes live and keeps what the server sent", async ({ tab, board }) => {
  board.tmux("new-session", "-d", "-s", "sent", "printf 'from the \\033[32mpreview\\033[0m'; exec cat");
  await open(tab, board);
  await shows(tab, ".card a.open", "sent");
  await shows(tab, ".card pre .c2", "preview");
  await shows(tab, ".counts", "1 session");
  expect(await count(tab, ".asleep")).toBe(0);
});

test("a session made elsewhere appears without a reload", async ({ tab, board }) => {
  await open(tab, board);
  const began = await tab.evaluate(() => performance.timeOrigin);
  board.tmux("new-session", "-d", "-s", "elsewhere");
  await shows(tab, ".card a.open", "elsewhere");
  board.tmux("kill-session", "-t", "=elsewhere");
  await gone(tab, ".card");
  expect(await tab.evaluate(() => performance.timeOrigin)).toBe(began);
});

test("the dialog creates a session and the keyboard opens it", async ({ tab, board }) => {
  await open(tab, board);
  await click(tab, ".bar a.primary");
  await shows(tab, "dialog[open] h3", "New session");
  await expect.poll(() => tab.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("name");
  await tab.type("made-here");
  await tab.press("Enter");
  await shows(tab, ".card a.open", "made-here");
  await gone(tab, "dialog");
  expect(board.tmux("list-sessions", "-F", "#{session_name}")).toBe("made-here");
  await expect.poll(() => tab.evaluate(() => document.activeElement?.textContent)).toBe("made-here");
  await tab.press("Enter");
  await connected(tab);
});

test("a click opens the terminal with what is on the session's screen", async ({ tab, board }) => {
  await terminal(tab, board, "printf 'already here'; exec cat");
  await shows(tab, "h1", "a");
  await expect.poll(() => lines(tab)).toContain("already here");
  expect(board.tmux("list-clients", "-F", "#{session_name}")).toBe("a");
});

test("typed keys reach the shell and its answer comes back", async ({ tab, board }) => {
  await terminal(tab, board, SHELL);
  await expect.poll(() => lines(tab)).toContain("$");
  await tab.type('echo $((6*7)) "and" [~] {x}');
  await tab.press("Enter");
  await expect.poll(() => lines(tab)).toMatch(/^42 and \[~\] \{x\} *$/m);
  await tab.type("sleep 1000");
  await tab.press("Enter");
  await tab.press("Control+c");
  await expect.poll(() => lines(tab)).toContain("^C");
});

test("each character of another script arrives once, as itself", async ({ tab, board }) => {
  await terminal(tab, board, "stty raw -echo; printf ready; exec cat");
  await expect.poll(() => pane(board)).toBe("ready");
  await tab.type("é漢字ñß");
  await expect.poll(() => pane(board)).toBe("readyé漢字ñß");
  await expect.poll(() => lines(tab)).toContain("readyé漢字ñß");
});

// Firefox gives such a key as one `keypress` for each half of its surrogate pair: two replacement characters arrived. WebKitGTK gives it as its input
// methods do, as the end of a composition that never began: it arrived twice, and each later one brought all those before with it.
test("an emoji that comes as a key arrives once, as itself", async ({ tab, board }) => {
  await terminal(tab, board, "stty raw -echo; printf ready; exec cat");
  await expect.poll(() => pane(board)).toBe("ready");
  await tab.type("💥a👍🏽z");
  await expect.poll(() => pane(board)).toBe("ready💥a👍🏽z");
  await expect.poll(() => lines(tab)).toContain("ready💥a👍🏽z");
});

test("what was copied on the page is pasted into the terminal by the browser's own keys", async ({ tab, board }) => {
  board.tmux("new-session", "-d", "-s", "a", "-e", "LANG=C.UTF-8", "stty raw -echo; printf ready; exec cat");
  await open(tab, board);
  await shows(tab, ".card a.open", "a");
  await click(tab, "#filter");
  await tab.type("a");
  await tab.press("Control+a");
  await tab.press("Control+c");
  await tab.press("Enter");
  await expect.poll(() => tab.evaluate(() => document.activeElement?.className)).toBe("open");
  await tab.press("Enter");
  await connected(tab);
  await expect.poll(() => pane(board)).toBe("ready");
  await tab.press("Control+Shift+v");
  await expect.poll(() => pane(board)).toBe("readya");
});

test("the session's window follows the size of the browser's", async ({ tab, board }) => {
  await terminal(tab, board, "cat");
  const size = () => board.tmux("list-clients", "-F", "#{client_width}x#{client_height}");
  // The cursor is as wide as a cell; while a frame is drawn there may be none.
  const grid = () =>
    tab.evaluate(() => {
      const width = (its: string) => document.querySelector(`#screen ${its}`)?.getBoundingClientRect().width ?? 0;
      return `${Math.round(width(".xterm-screen") / width(".xterm-cursor"))}x${document.querySelectorAll("#screen .xterm-rows > div").length}`;
    });
  await expect.poll(async () => size() === (await grid())).toBe(true);
  const large = size();
  await tab.resize(700, 420);
  await expect.poll(size).not.toBe(large);
  await expect.poll(async () => size() === (await grid())).toBe(true);
  const small = size();
  await tab.resize(1280, 800);
  await expect.poll(size).not.toBe(small);
  await expect.poll(async () => size() === (await grid())).toBe(true);
});

test("a terminal whose board was killed says so and comes back to its session", async ({ tab, board, allowed }) => {
  // What each browser says of a server that is not there, or not yet.
  allowed.push(
    /WebSocket|ERR_CONNECTION_REFUSED|can.t establish a connection|connection to .* was interrupted|network connection was lost|Could not connect|401|503/i,
  );
  await terminal(tab, board, "printf alive; exec cat");
  await board.kill();
  await shows(tab, ".link-state.lost", "connection lost");
  await tab.type("lost");
  await shows(tab, ".refused", "what you type is not sent");
  await board.restart();
  // Where logins end with the server, the page asks for a new one.
  await expect.poll(async () => (await count(tab, "input[name=token], .link-state.live")) > 0).toBe(true);
  if ((await count(tab, "input[name=token]")) > 0) {
    await click(tab, "input[name=token]");
    await tab.type(board.token);
    await tab.press("Enter");
  }
  await connected(tab);
  await expect.poll(() => lines(tab)).toContain("alive");
  await tab.type(" and well");
  await expect.poll(() => pane(board)).toBe("alive and well");
});

test("a kill takes the whole name, typed, and nothing less", async ({ tab, board }) => {
  board.tmux("new-session", "-d", "-s", "doomed");
  await open(tab, board);
  await click(tab, ".card summary");
  await shows(tab, ".menu-items a.danger", "Kill");
  await click(tab, ".menu-items a.danger");
  await shows(tab, "dialog[open] h3", "Kill doomed");
  const ready = () => tab.evaluate(() => !document.querySelector<HTMLButtonElement>("dialog button.danger")!.disabled);
  await expect.poll(() => tab.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("typed");
  await tab.type("doome");
  expect(await ready()).toBe(false);
  await tab.press("Enter");
  expect(board.tmux("list-sessions", "-F", "#{session_name}")).toBe("doomed");
  await tab.type("d");
  await expect.poll(ready).toBe(true);
  await click(tab, "dialog button.danger");
  await gone(tab, ".card");
  await expect.poll(() => board.tmux("list-sessions")).toBe("");
});

test("the filter hides what does not match, as it is typed", async ({ tab, board }) => {
  for (const name of ["api", "build", "web"]) board.tmux("new-session", "-d", "-s", name);
  await open(tab, board);
  await expect.poll(() => count(tab, ".card")).toBe(3);
  await tab.press("/");
  await tab.type("build");
  await expect.poll(() => count(tab, ".card")).toBe(1);
  await shows(tab, ".card a.open", "build");
  await tab.press("Escape");
  await expect.poll(() => count(tab, ".card")).toBe(3);
});

test("on a phone's width nothing is cut off and the terminal has its keys", async ({ tab, board, shoot }) => {
  await tab.resize(390, 780);
  board.tmux("new-session", "-d", "-s", "a", "-e", "LANG=C.UTF-8", "stty raw -echo; printf ready; exec cat -v");
  await open(tab, board);
  await shows(tab, ".card a.open", "a");
  expect(await width(tab)).toEqual([390, 390, 390]);
  // A line to be copied is seen whole: in WebKit a scroll bar lay across it.
  if (board.refused) await shows(tab, ".mend code", board.refused);
  expect(await tab.evaluate(() => [...document.querySelectorAll(".mend code")].filter((its) => its.scrollWidth > its.clientWidth).length)).toBe(0);
  await shoot("phone-dashboard");
  await click(tab, ".card a.open");
  await connected(tab);
  // Where nothing points with a finger the bar is asked for.
  if (!(await count(tab, ".key-bar"))) {
    await click(tab, ".menu-button");
    await shows(tab, ".terminal-menu .row", "Key bar");
    await tab.evaluate(() => [...document.querySelectorAll<HTMLElement>(".terminal-menu label")].find((its) => its.textContent === "Key bar")!.click());
    await tab.press("Escape");
  }
  await shows(tab, ".key-bar .key", "Esc");
  expect(await width(tab)).toEqual([390, 390, 390]);
  await click(tab, ".key-bar [aria-label='Up arrow']");
  await expect.poll(() => pane(board)).toBe("ready^[[A");
  await shoot("phone-terminal");
});

for (const scheme of ["light", "dark"] as const) {
  test.describe(scheme, () => {
    test.use({ scheme });
    test(`the page and the terminal are ${scheme} where the system is`, async ({ tab, board, shoot }) => {
      await terminal(
        tab,
        board,
        "printf '\\033[31mred \\033[32mgreen \\033[33myellow \\033[34mblue \\033[35mmagenta \\033[36mcyan \\033[0m\\033[7mreverse\\033[0m é 漢字 💥 a_b ┌──┐\\r\\n'; exec cat",
      );
      await expect.poll(() => lines(tab)).toContain("reverse");
      const brightness = (selector: string) =>
        tab.evaluate(
          (its) =>
            getComputedStyle(document.querySelector(its)!)
              .backgroundColor.match(/[\d.]+/g)!
              .slice(0, 3)
              .reduce((sum, c) => sum + Number(c), 0) /
            3 /
            255,
          selector,
        );
      const bright = scheme === "light";
      expect((await brightness("#screen")) > 0.5).toBe(bright);
      await shoot(`terminal-${scheme}`);
      board.tmux("new-session", "-d", "-s", "b", "printf 'Apply it? (y/n) \\a'; exec cat");
      await click(tab, ".back");
      await living(tab);
      expect((await brightness("body")) > 0.5).toBe(bright);
      await shows(tab, ".need q", "Apply it?");
      await shoot(`dashboard-${scheme}`);
    });
  });
}

test("after the logout nothing is shown without a new login", async ({ tab, board, allowed }) => {
  allowed.push(/401/);
  board.tmux("new-session", "-d", "-s", "secret-name");
  await open(tab, board);
  await click(tab, ".logout button");
  await expect.poll(() => tab.evaluate(() => document.body.textContent).catch(() => "secret-name")).not.toContain("secret-name");
  await tab.goto(`${board.url}/`);
  await shows(tab, "h1", "Log in");
  expect(await tab.evaluate(() => document.body.textContent)).not.toContain("secret-name");
});
