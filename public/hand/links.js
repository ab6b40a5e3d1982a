// Links in the output: those that programs mark as such (OSC 8), and addresses in plain text. Only these schemes, and only in a tab that knows nothing of this one.
import { WebLinksAddon } from "../xterm/addon-web-links.mjs";

const SCHEMES = ["http:", "https:", "mailto:"];
// Ends neither in punctuation nor in a bracket; no quotes, and nothing that an address has to write otherwise.
const ADDRESS = /https?:\/\/[^\s"'!*(){}|\\^<>`]*[^\s"':,.!?{}|\\^~[\]`()<>]/i;

// What the browser would really go to, in ASCII: no look-alike letters, no text that runs backwards.
function target(uri) {
  try {
    const url = new URL(uri);
    return SCHEMES.includes(url.protocol) ? url.href : undefined;
  } catch { return undefined; }
}

export function links(hand) {
  const { terminal, element, say } = hand;
  const key = /Mac/.test(navigator.platform) ? "Cmd" : "Ctrl";
  let pointer = "mouse";
  let asked; // about a link
  element.addEventListener("pointerdown", (event) => { pointer = event.pointerType; }, true);

  const open = (href) => window.open(href, "_blank", "noopener,noreferrer");
  const tracked = () => terminal.modes.mouseTrackingMode !== "none";

  function activate(event, uri) {
    const href = target(uri);
    if (terminal.hasSelection() || event.button !== 0) return;
    if (pointer === "touch") {
      // No finger hovers to see where it goes.
      if (!href) return;
      asked?.end();
      const line = asked = say(href, { buttons: [["Open", () => { line.end(); open(href); }], ["Dismiss", () => line.end()]] });
      return;
    }
    // Where a program has the mouse a plain click is its own.
    if (tracked() && !(event.ctrlKey || event.metaKey || event.shiftKey)) return;
    if (href) open(href);
    else say("Only links of http, https and mailto are opened from here.", { ms: 4000 });
  }

  const shown = document.body.appendChild(document.createElement("div"));
  shown.className = "link-target";
  shown.hidden = true;
  function show(event, words) {
    shown.hidden = !words;
    if (!words) return;
    shown.textContent = words;
    // Beside the pointer, inside the window.
    const { width, height } = shown.getBoundingClientRect();
    shown.style.left = `${Math.max(4, Math.min(event.clientX + 10, innerWidth - width - 4))}px`;
    shown.style.top = `${event.clientY + 20 + height < innerHeight ? event.clientY + 20 : event.clientY - height - 12}px`;
  }
  const leave = () => { shown.hidden = true; };
  const how = () => (tracked() ? `${key}+click opens` : "");

  const written = ({ start, end }) => {
    const line = start.y === end.y && terminal.buffer.active.getLine(start.y - 1);
    return line ? line.translateToString(false, start.x - 1, end.x) : undefined;
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
  terminal.onWriteParsed(() => { if (!shown.hidden && !element.querySelector(".xterm-cursor-pointer")) leave(); });
}
