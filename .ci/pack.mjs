// What cargo and wasm-bindgen made, as the browser gets it: node .ci/pack.mjs FOLDER. In FOLDER/pkg the glue gets the names of names.json and is minified, the style sheets of
// style/main.css become one; then every file of FOLDER gets its .br beside it (the server sends that, or the file as it is).
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import zlib from "node:zlib";

const { transformSync } = createRequire(path.resolve("frontend/package.json"))("esbuild");
const { bundle } = createRequire(path.resolve("frontend/package.json"))("lightningcss");
const [, , folder] = process.argv;
const version = (major, minor = 0) => (major << 16) | (minor << 8);
// The oldest browsers that run the program (wasm with reference types, `dialog`): what is newer in the style sheets is written for them too.
const targets = { chrome: version(109), firefox: version(115), safari: version(16) };

const glue = `${folder}/pkg/muxboard.js`;
// wasm-opt gave short names to what the program and the glue call of each other; the glue takes them over. The names that wasm-bindgen gives end in hashes,
// which brotli cannot shorten: 4 kB over the wire.
const names = `${folder}/pkg/names.json`;
const { imports, exports } = JSON.parse(fs.readFileSync(names, "utf8"));
fs.rmSync(names);
const short = Object.fromEntries([...imports.flatMap(([module, name, short]) => [[module, "a"], [name, short]]), ...exports]);
const source = fs.readFileSync(glue, "utf8");
// A name is replaced on every object of the glue: no export may have a name that the glue calls of the browser.
const taken = exports.map(([name]) => name).filter((name) => new RegExp(`(?<!\\bwasm)\\.${name}\\b`).test(source));
if (taken.length || new Set(imports.map(([module]) => module)).size !== 1) throw new Error(`short names do not fit: ${taken}`);
const long = new RegExp(`^(${Object.keys(short).map((name) => name.replace(/[.$]/g, "\\$&")).join("|")})$`);
const minify = { format: "esm", minify: true, target: "es2022", mangleProps: long, mangleQuoted: true, mangleCache: short };
const { code } = transformSync(source, minify);
fs.writeFileSync(glue, code);
// A name that is missing on one side fails here, and not in a browser.
const { initSync } = await import(`data:text/javascript;base64,${Buffer.from(code).toString("base64")}`);
initSync({ module: fs.readFileSync(`${folder}/pkg/muxboard.wasm`) });
fs.writeFileSync(`${folder}/pkg/muxboard.css`, bundle({ filename: "style/main.css", minify: true, targets }).code);

const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
  const file = path.join(entry.parentPath ?? entry.path, entry.name); // Node.js 18 has `path` alone
  if (!entry.isFile() || file.endsWith(".br")) continue;
  const bytes = fs.readFileSync(file);
  // The largest window of brotli that every browser takes saves 0.1 % of the wasm.
  const params = { [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_LGWIN]: 24, [BROTLI_PARAM_SIZE_HINT]: bytes.length };
  fs.writeFileSync(`${file}.br`, zlib.brotliCompressSync(bytes, { params }));
}
