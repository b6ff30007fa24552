// Builds every figure into sofim_ref/lessons/live: `<figure>.mjs` for notebooks (anywidget imports its default export), and
// `figures.js`, a classic script with all of them, since a page opened from a file loads no modules. The same source gives
// the same bytes, so the results are committed, and CI compares them with a fresh build.
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "..", "sofim_ref", "lessons", "live");
const names = readdirSync(join(here, "src", "figures")).filter((name) => name.endsWith(".js")).sort();
const shared = { absWorkingDir: here, bundle: true, minify: true, charset: "utf8", target: "es2020", legalComments: "none", loader: { ".css": "text" }, logLevel: "warning" };

await build({
  ...shared,
  entryPoints: names.map((name) => join("src", "figures", name)),
  outdir: out,
  format: "esm",
  outExtension: { ".js": ".mjs" },
});
await build({ ...shared, entryPoints: ["src/page.js"], outfile: join(out, "figures.js"), format: "iife", globalName: "sofimLive" });
