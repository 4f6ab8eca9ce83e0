// Draws comments as GitHub would show them, in Chromium and without any network.
// Reads {chromium, out, pictures: [{name, markdown, theme, width}]} from standard input; prints {file: [what went wrong]}.
import fs from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";
import sharp from "sharp";
import { toHtml } from "./markdown.mjs";

const LARGEST = 200_000; // bytes of a picture, as long as fewer colours help
const COLOURS = [256, 160, 112, 80];
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
const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--font-render-hinting=none"] });
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
    await tab.setViewport({ width: picture.width, height: 800, deviceScaleFactor: picture.width < 500 ? 1.25 : 1 });
    await tab.setRequestInterception(true);
    tab.on("request", (request) => {
      if (LOCAL.test(request.url())) return request.continue();
      problems.push(`asks for ${request.url().slice(0, 120)}`);
      return request.abort();
    });
    tab.on("pageerror", (error) => problems.push(`script: ${error.message}`));
    await tab.goto(pathToFileURL(html).href);
    problems.push(...(await tab.evaluate(drawCharts, picture.theme)));
    const wide = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) problems.push(`is ${wide} px wider than its window`);
    const shot = await tab.screenshot({ fullPage: true });
    fs.writeFileSync(`${out}/${picture.name}.png`, await small(shot));
  } finally {
    await tab.close();
    fs.rmSync(html);
  }
  return problems;
}

async function small(shot) {
  let made;
  for (const colours of COLOURS) {
    made = await sharp(shot).png({ palette: true, quality: 100, colours, effort: 10, dither: 0 }).toBuffer();
    if (made.length < LARGEST) break;
  }
  return made;
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
