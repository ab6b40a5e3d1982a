// The graphics card draws a flood in less of the processor's time, where there is a real one. Everything else is drawn as elements: slower, and never
// wrong. A browser has about sixteen contexts for all its tabs, so only the tab that is looked at holds one, and whoever loses it draws elements.
import type { WebglAddon } from "@xterm/addon-webgl";
import type { Context } from "./context";

const AWAY_MS = 30_000;
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

// Asks for no more than a look: the context is given back at once.
function real(): boolean {
  const context = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!context) return false;
  const facts = context.getExtension("WEBGL_debug_renderer_info");
  const name = String(context.getParameter(facts ? facts.UNMASKED_RENDERER_WEBGL : context.RENDERER));
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return !SOFTWARE.test(name);
}

export function webgl({ terminal, element, settings }: Context) {
  let addon: WebglAddon | undefined; // while the card draws
  let loading = false;
  let failed = false; // once is enough for this page
  let card: boolean | undefined; // whether there is a real one, once somebody looked
  let away: ReturnType<typeof setTimeout> | undefined;

  const end = () => {
    const own = addon;
    addon = undefined;
    try {
      own?.dispose();
    } catch {
      // A lost context has nothing to give back.
    }
  };
  const wanted = () => {
    const choice = settings.get("webgl");
    if (failed || choice === "off" || document.hidden) return false;
    if (choice === "on") return true;
    if (!document.hasFocus() || !matchMedia("(pointer: fine)").matches) return false;
    card ??= real();
    return card;
  };
  const begin = async () => {
    if (addon || loading || !wanted()) return;
    loading = true;
    try {
      const { WebglAddon } = await import("@xterm/addon-webgl");
      if (!wanted()) return;
      addon = new WebglAddon();
      const lost = () => {
        failed = true;
        end();
      };
      addon.onContextLoss(lost);
      terminal.loadAddon(addon);
      // The add-on waits some seconds for the context to come back, and draws nothing meanwhile.
      for (const canvas of element.querySelectorAll(".xterm-screen canvas")) canvas.addEventListener("webglcontextlost", lost);
    } catch {
      failed = true;
      end();
    } finally {
      loading = false;
    }
  };
  const follow = () => {
    clearTimeout(away);
    if (document.hidden || !document.hasFocus()) away = setTimeout(() => settings.get("webgl") === "on" || end(), AWAY_MS);
    else begin();
  };
  for (const event of ["focus", "blur"]) addEventListener(event, follow);
  document.addEventListener("visibilitychange", follow);
  // The first picture does not wait for it.
  settings.follow("webgl", (choice) => {
    if (choice === "off") end();
    else setTimeout(begin, 1000);
  });
}
