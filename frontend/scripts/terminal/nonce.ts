// xterm.js makes <style> elements and has no way to give them the nonce that our policy asks for.
export function giveStylesTheNonce() {
  const nonce = document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce;
  const { createElement } = Document.prototype;
  document.createElement = function (this: Document, name: string, options?: ElementCreationOptions) {
    const element = createElement.call(this, name, options);
    if (nonce && String(name).toLowerCase() === "style") element.nonce = nonce;
    return element;
  } as Document["createElement"];
}
