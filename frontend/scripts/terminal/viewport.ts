// The page is as high as what the on-screen keyboard leaves of it, also where the browser shrinks only what is seen of the page (iOS).
export function viewport() {
  const seen = globalThis.visualViewport;
  if (!seen) return;
  const root = document.documentElement;
  const follow = () => {
    // Zoomed in: what is seen is a part of the page, and the page stays as it is.
    if (seen.scale > 1.01) return;
    const covered = innerHeight - seen.height > 1;
    root.classList.toggle("covered", covered);
    root.style.setProperty("--seen", covered ? `${seen.height}px` : "100dvh");
    root.style.setProperty("--seen-from", covered ? `${Math.max(0, seen.offsetTop)}px` : "0px");
  };
  for (const event of ["resize", "scroll"]) seen.addEventListener(event, follow);
  addEventListener("resize", follow);
  follow();
}
