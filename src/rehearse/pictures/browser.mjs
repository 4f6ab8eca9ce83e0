// Chromium, and small files of what it shows.
import fs from "node:fs";
import puppeteer from "puppeteer-core";
import sharp from "sharp";

const LARGEST = 200_000; // bytes of a picture, as long as fewer colours help
const COLOURS = [256, 160, 112, 80];

export const launch = (chromium) => puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--font-render-hinting=none"] });

export const size = (width) => ({ width, height: 800, deviceScaleFactor: width < 500 ? 1.25 : 1 });

// Tells every request that is not allowed, and every error of a script; the request is not made.
export async function watch(tab, problems, isAllowed) {
  await tab.setRequestInterception(true);
  tab.on("request", (request) => {
    if (isAllowed(request.url())) return request.continue();
    problems.push(`asks for ${request.url().slice(0, 120)}`);
    return request.abort();
  });
  tab.on("pageerror", (error) => problems.push(`script: ${error.message}`));
}

// Writes the whole page as a PNG; tells when it is wider than its window.
export async function picture(tab, file, problems) {
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) problems.push(`is ${wide} px wider than its window`);
  const tall = await tab.evaluate(() => Math.ceil(document.body.getBoundingClientRect().bottom));
  if (tall < tab.viewport().height) await tab.setViewport({ ...tab.viewport(), height: tall }); // nothing below a short text
  fs.writeFileSync(file, await small(await tab.screenshot({ fullPage: true })));
}

async function small(shot) {
  let made;
  for (const colours of COLOURS) {
    made = await sharp(shot).png({ palette: true, quality: 100, colours, effort: 10, dither: 0 }).toBuffer();
    if (made.length < LARGEST) break;
  }
  return made;
}
