// Bundles src/ into dist/: two pages, their scripts and styles with a content
// hash in the name (so they can be cached for ever), and the licences of what
// was bundled. `--watch` builds again on every change.
import { build, context } from "esbuild";
import { readFile, writeFile, readdir, rm, mkdir } from "node:fs/promises";
import { basename, join } from "node:path";

const out = "dist";
const pages = { "index.html": "page", "docs.html": "docs" };
const bundledPackages = ["openseadragon", "swagger-ui-dist"];

const options = {
  entryPoints: { page: "src/main.js", docs: "src/docs.js" },
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  outdir: join(out, "assets"),
  entryNames: "[name]-[hash]",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  plugins: [{ name: "pages", setup: (b) => b.onEnd((result) => result.errors.length ? undefined : writePages(result.metafile)) }],
};

/** Writes the pages with the hashed names of this build and drops older assets. */
async function writePages(metafile) {
  const built = Object.keys(metafile.outputs).map((path) => basename(path));
  for (const name of await readdir(join(out, "assets"))) {
    if (!built.includes(name)) await rm(join(out, "assets", name));
  }
  for (const [page, entry] of Object.entries(pages)) {
    const asset = (extension) => {
      const name = built.find((file) => file.startsWith(`${entry}-`) && file.endsWith(extension));
      if (!name) throw new Error(`the build made no ${entry}*${extension}`);
      return `assets/${name}`;
    };
    const html = await readFile(join("src", page), "utf8");
    await writeFile(join(out, page), html.replaceAll("{{script}}", asset(".js")).replaceAll("{{style}}", asset(".css")));
  }
  await writeFile(join(out, "favicon.svg"), await readFile("src/favicon.svg"));
  await writeFile(join(out, "licenses.txt"), await licences());
}

async function licences() {
  const parts = await Promise.all(bundledPackages.map(async (name) => {
    const folder = join("node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const notice = (await readdir(folder)).find((entry) => /^notice/i.test(entry));
    const texts = await Promise.all([file, notice].filter(Boolean).map((entry) => readFile(join(folder, entry), "utf8")));
    return `${name} ${version} (${license})\n\n${texts.join("\n").trim()}\n`;
  }));
  return parts.join(`\n${"-".repeat(78)}\n\n`);
}

await mkdir(join(out, "assets"), { recursive: true });
if (process.argv.includes("--watch")) {
  await (await context(options)).watch();
} else {
  await build(options);
}
