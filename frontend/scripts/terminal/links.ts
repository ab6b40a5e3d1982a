// Links in the output: those that programs mark as such (OSC 8), and addresses in plain text. Only some schemes, and only in a tab that knows nothing of
// this one.
import { WebLinksAddon } from "@xterm/addon-web-links";
import type { IBufferRange } from "@xterm/xterm";
import type { Context } from "./context";
import { ADDRESS, isNextDoor, target } from "./link-target";
import type { ShownToast } from "./toasts";

export function links({ terminal, element, toast }: Context) {
  const key = /Mac/.test(navigator.platform) ? "Cmd" : "Ctrl";
  let pointer = "mouse";
  let asked: ShownToast | undefined; // about a link
  element.addEventListener(
    "pointerdown",
    (event) => {
      pointer = event.pointerType;
    },
    true,
  );

  const open = (href: string) => window.open(href, "_blank", "noopener,noreferrer");
  const tracked = () => terminal.modes.mouseTrackingMode !== "none";

  // No finger hovers to see where it goes; and what is next door gets a question in any case.
  function ask(href: string) {
    asked?.end();
    const shown = toast(isNextDoor(href, location.href) ? `${href} is a server on the same machine: any account there can run one.` : href, {
      buttons: [
        [
          "Open",
          () => {
            shown.end();
            open(href);
          },
        ],
        ["Dismiss", () => shown.end()],
      ],
    });
    asked = shown;
  }

  function activate(event: MouseEvent, uri: string) {
    const href = target(uri);
    if (terminal.hasSelection() || event.button !== 0) return;
    if (pointer === "touch") {
      if (href) ask(href);
      return;
    }
    // Where a program has the mouse a plain click is its own.
    if (tracked() && !(event.ctrlKey || event.metaKey || event.shiftKey)) return;
    if (href && isNextDoor(href, location.href)) ask(href);
    else if (href) open(href);
    else toast("Only links of http, https and mailto are opened from here.", { ms: 4000 });
  }

  const shown = document.body.appendChild(document.createElement("div"));
  shown.className = "link-target";
  shown.hidden = true;
  function show(event: MouseEvent, words: string) {
    shown.hidden = !words;
    if (!words) return;
    shown.textContent = words;
    // Beside the pointer, inside the window.
    const { width, height } = shown.getBoundingClientRect();
    shown.style.left = `${Math.max(4, Math.min(event.clientX + 10, innerWidth - width - 4))}px`;
    shown.style.top = `${event.clientY + 20 + height < innerHeight ? event.clientY + 20 : event.clientY - height - 12}px`;
  }
  const leave = () => {
    shown.hidden = true;
  };
  const how = () => (tracked() ? `${key}+click opens` : "");

  const written = ({ start, end }: IBufferRange) => {
    const line = start.y === end.y ? terminal.buffer.active.getLine(start.y - 1) : undefined;
    return line?.translateToString(false, start.x - 1, end.x);
  };
  terminal.options.linkHandler = {
    allowNonHttpProtocols: true, // mailto; what is opened is decided above
    activate,
    hover(event, uri, range) {
      const href = target(uri);
      const other = href && written(range) !== uri ? href : undefined;
      show(event, href ? [other, how()].filter(Boolean).join(" · ") : "not opened from here");
    },
    leave,
  };
  terminal.loadAddon(new WebLinksAddon(activate, { urlRegex: ADDRESS, hover: (event) => show(event, how()), leave }));
  // What was pointed at is gone: xterm.js tells nobody.
  terminal.onWriteParsed(() => {
    if (!shown.hidden && !element.querySelector(".xterm-cursor-pointer")) leave();
  });
}
