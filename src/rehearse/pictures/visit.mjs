// Visits the page of a model server as a person does: reads, fills in the form, presses the button, reads again.
// Reads {chromium, visits: [{address, theme, width, tokens, records, picture}]} from standard input; prints what each visit saw.
import { text } from "node:stream/consumers";
import { launch, picture, size, watch } from "./browser.mjs";

const { chromium, visits } = JSON.parse(await text(process.stdin));
const browser = await launch(chromium);
const seen = [];
try {
  for (const one of visits) seen.push(await visit(one));
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));

async function visit(one) {
  const problems = [];
  const tab = await browser.newPage();
  try {
    await tab.setViewport(size(one.width));
    await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: one.theme }]);
    await watch(tab, problems, (url) => url.startsWith(one.address) || url.startsWith("data:"));
    tab.on("console", (message) => message.type() === "error" && problems.push(`console: ${message.text()}`));
    await tab.goto(one.address);
    const tokens = [];
    for (const token of one.tokens) tokens.push(await enter(tab, token));
    await tab.waitForSelector("main", { visible: true });
    await tab.waitForFunction(() => /\d/.test(document.querySelector("#drift .hint").textContent));
    const answers = [];
    for (const record of one.records) answers.push(await predict(tab, record));
    if (one.picture) await picture(tab, one.picture, problems);
    if (await tab.$eval("#card", (card) => card.checkVisibility())) await tab.click("#card summary");
    return { problems, tokens, answers, ...(await tab.evaluate(read)) };
  } finally {
    await tab.close();
  }
}

// What the page says before a token is entered, and whether it shows the model already.
async function enter(tab, token) {
  await tab.waitForSelector("#token", { visible: true });
  const before = await tab.$eval("#token", (form) => ({
    label: form.querySelector("label").textContent,
    model: document.querySelector("main").checkVisibility(),
  }));
  await tab.type("#secret", token);
  const answered = tab.waitForResponse((answer) => answer.url().endsWith("/page/about"));
  await tab.click("#token button");
  const taken = (await answered).ok();
  await tab.waitForSelector(taken ? "#token" : "#token .error", taken ? { hidden: true } : { visible: true });
  return { ...before, refused: taken ? null : await tab.$eval("#token .error", (told) => told.textContent) };
}

async function predict(tab, record) {
  for (const [name, value] of Object.entries(record)) await fill(tab, await tab.$(`#fields [name="${name}"]`), value);
  const answered = tab.waitForResponse((answer) => answer.url().endsWith("/predict"));
  await tab.click("#row button");
  await answered;
  await tab.waitForFunction(() => document.querySelector("#answer").textContent && !document.querySelector("#row button").disabled);
  return tab.evaluate(() => ({
    told: document.querySelector("#answer .told")?.textContent ?? null,
    chances: Object.fromEntries([...document.querySelectorAll("#answer tr")].map((row) => [...row.cells].map((cell) => cell.textContent))),
    digest: document.querySelector("#answer code")?.textContent ?? null,
    error: document.querySelector("#answer .error")?.textContent ?? null,
    fields: Object.fromEntries([...document.querySelectorAll("#fields [aria-invalid=true]")].map((input) => [
      input.name,
      document.getElementById(`error-${input.id.split("-")[1]}`).textContent,
    ])),
  }));
}

async function fill(tab, input, value) {
  if (await input.evaluate((element) => element.tagName === "SELECT")) return input.select(value ?? "");
  await input.click({ count: 3 });
  await tab.keyboard.press("Delete");
  return input.type(value === null ? "" : String(value));
}

// Runs in the page: all that it shows of the model.
function read() {
  const pairs = (list) => Object.fromEntries([...list.querySelectorAll("dt")].map((name) => [name.textContent, name.nextSibling.textContent]));
  const shown = (id) => document.getElementById(id).checkVisibility();
  return {
    title: document.title,
    heading: document.querySelector("h1").textContent,
    state: document.getElementById("state").textContent,
    facts: pairs(document.getElementById("facts")),
    metrics: shown("metrics") ? pairs(document.querySelector("#metrics dl")) : null,
    card: shown("card") ? document.querySelector("#card .card").innerText : null,
    drift: {
      hint: document.querySelector("#drift .hint").textContent,
      rows: [...document.querySelectorAll("#drift tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent)),
    },
    form: Object.fromEntries([...document.querySelectorAll("#fields [name]")].map((input) => [input.name, input.value])),
  };
}
