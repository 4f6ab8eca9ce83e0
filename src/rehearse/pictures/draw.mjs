// Draws comments as GitHub would show them, in Chromium and without any network.
// Reads {chromium, out, pictures: [{name, markdown, theme, width}]} from standard input; prints {file: [what went wrong]}.
import fs from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import { launch, picture as save, size, watch } from "./browser.mjs";
import { toHtml } from "./markdown.mjs";

const LOCAL = /^(file|data|blob|about):/;
const packages = new URL("./node_modules/", import.meta.url);
const mermaidScript = new URL("mermaid/dist/mermaid.min.js", packages);
const sheet = (theme) => fs.readFileSync(new URL(`github-markdown-css/github-markdown-${theme}.css`, packages), "utf8");

const page = (picture, body) => `<!doctype html><meta charset="utf-8"><style>${sheet(picture.theme)}
  body { margin: 0; background: ${picture.theme === "dark" ? "#0d1117" : "#ffffff"}; }
  .markdown-body { box-sizing: border-box; width: ${picture.width}px; padding: ${picture.width < 500 ? 12 : 24}px; font-size: 14px; }
  pre.mermaid { background: none; padding: 0; text-align: center; } pre.mermaid svg { max-width: 100%; height: auto; }
</style><article class="markdown-body">${body}</article><script src="${mermaidScript}"></script>`;

const { chromium, out, pictures } = JSON.parse(await text(process.stdin));
const browser = await launch(chromium);
const result = {};
try {
  for (const picture of pictures) result[picture.name] = await draw(picture);
} finally {
  await browser.close();
}
console.log(JSON.stringify(result));

async function draw(picture) {
  const problems = [];
  const html = `${out}/${picture.name}.html`;
  fs.writeFileSync(html, page(picture, await toHtml(picture.markdown)));
  const tab = await browser.newPage();
  try {
    await tab.setViewport(size(picture.width));
    await watch(tab, problems, (url) => LOCAL.test(url));
    await tab.goto(pathToFileURL(html).href);
    problems.push(...(await tab.evaluate(drawCharts, picture.theme)));
    await save(tab, `${out}/${picture.name}.png`, problems);
  } finally {
    await tab.close();
    fs.rmSync(html);
  }
  return problems;
}

// Runs in the page: GitHub, too, lets Mermaid follow the reader's theme.
async function drawCharts(theme) {
  const problems = [];
  window.mermaid.initialize({ startOnLoad: false, securityLevel: "strict", theme: theme === "dark" ? "dark" : "default" });
  for (const [place, block] of document.querySelectorAll("code.language-mermaid").entries()) {
    const box = block.parentElement;
    box.className = "mermaid";
    try {
      box.innerHTML = (await window.mermaid.render(`chart-${place}`, block.textContent)).svg;
    } catch (error) {
      problems.push(`chart ${place + 1}: ${error.message}`);
    }
  }
  return problems;
}
