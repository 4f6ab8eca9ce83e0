// Shows what the server tells of its model. Everything it tells is put in as text, never as HTML.
"use strict";

const LEAST_ROWS = 300; // the server tells no drift of fewer
const MOVED = 0.1, DRIFTED = 0.2; // the usual bands of the PSI
const MOST_SHOWN = 5; // features whose drift is shown at once, where no more have moved
const LOOK_AGAIN = 10_000; // milliseconds
const at = (id) => document.getElementById(id);
let secret = null, model = null, example = -1; // each column of the model carries the number of its field as `id`

function make(name, content, properties) {
  const made = Object.assign(document.createElement(name), properties);
  for (const part of [content ?? []].flat()) made.append(part);
  return made;
}

function shortly(value) {
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
}

function metric(value) {
  return Math.abs(value) < 0.001 ? shortly(Number(value.toPrecision(3))) : value.toLocaleString("en", { maximumFractionDigits: 4 });
}

function words(name) {
  return name.replaceAll("_", " ");
}

async function ask(path, options) {
  const headers = { ...(options && options.headers), ...(secret && { authorization: `Bearer ${secret}` }) };
  const answer = await fetch(path, { ...options, headers, cache: "no-store" });
  if (answer.status === 401) askForToken(secret !== null);
  return answer;
}

function askForToken(wrong) {
  const form = at("token"), told = form.querySelector(".error");
  secret = null;
  form.hidden = false;
  told.hidden = !wrong;
  told.textContent = wrong ? "The server refuses this token." : "";
  at("secret").focus();
}

function state(text, bad) {
  at("state").textContent = text;
  at("state").className = bad ? "bad" : "";
}

// ---- the model ----

function list(into, pairs) {
  into.replaceChildren(...pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .flatMap(([name, value]) => [make("dt", name), make("dd", value)]));
}

function showState() {
  const version = model.version === null ? "not promoted" : `version ${model.version}`;
  document.title = `${model.model}, ${version}`;
  state(model.problem ? `${version}; degraded: ${model.problem}` : `${version}, serving`, Boolean(model.problem));
}

function showModel() {
  at("name").textContent = model.model;
  list(at("facts"), [
    ["Version", model.version === null ? "none: not promoted" : String(model.version)],
    ["Digest", make("code", model.digest, { id: "digest" })],
    ["Answers", model.classes.length ? `${model.kind}: ${model.classes.join(", ")}` : model.kind],
    ["Threshold", model.threshold === null ? null : `${model.positive} from ${shortly(model.threshold)} on`],
    ["Estimator", model.estimator],
    ["Trained on", model.rows ? `${model.rows.toLocaleString("en")} rows` : null],
    ["Data", make("code", model.data_digest)],
  ]);
  const metrics = Object.entries(model.metrics);
  at("metrics").hidden = !metrics.length;
  list(at("metrics").querySelector("dl"), metrics.map(([name, value]) => [words(name), metric(value)]));
  at("card").hidden = !model.card;
  at("card").querySelector(".card").replaceChildren(...cardParts(model.card || ""));
}

// ---- the form ----

function field(column) {
  const input = column.type === "category" ? choice(column) : number(column);
  Object.assign(input, { id: `field-${column.id}`, name: column.name, required: !column.missing });
  const hint = make("p", hintOf(column), { className: "hint", id: `hint-${column.id}` });
  const error = make("p", "", { className: "error", id: `error-${column.id}`, hidden: true });
  input.setAttribute("aria-describedby", `${hint.id} ${error.id}`);
  return make("div", [make("label", words(column.name), { htmlFor: input.id }), input, hint, error]);
}

function choice(column) {
  const known = column.categories.map((name) => make("option", name, { value: name }));
  return make("select", column.missing ? [make("option", "(missing)", { value: "" }), ...known] : known);
}

function number(column) {
  const limits = Object.fromEntries(["min", "max"].filter((name) => column[name] !== null).map((name) => [name, column[name]]));
  return make("input", null, { type: "number", step: column.type === "integer" ? 1 : "any", ...limits });
}

function hintOf(column) {
  const parts = [];
  if (column.type !== "category") {
    const [low, high] = [column.min, column.max].map((value) => (value === null ? null : shortly(value)));
    if (low !== null && high !== null) parts.push(`${low} to ${high}`);
    else if (low !== null || high !== null) parts.push(low !== null ? `from ${low}` : `up to ${high}`);
    if (column.usual) parts.push(`mostly ${column.usual.map(shortly).join(" to ")}`);
  } else {
    const [name, share] = Object.entries(column.shares).sort((a, b) => b[1] - a[1])[0] || [];
    if (name !== undefined) parts.push(`mostly ${name} (${Math.round(share * 100)} %)`);
  }
  if (column.missing) parts.push("may be left empty");
  return parts.join("; ");
}

function fill(record) {
  for (const column of model.columns) at(`field-${column.id}`).value = record[column.name] ?? "";
}

function anotherExample() {
  const whole = model.examples.findIndex((record) => Object.values(record).every((value) => value !== null));
  example = example < 0 ? Math.max(whole, 0) : (example + 1) % model.examples.length;
  fill(model.examples[example]);
  showErrors([]);
  at("answer").replaceChildren();
}

function record() {
  return Object.fromEntries(model.columns.map((column) => {
    const input = at(`field-${column.id}`);
    if (column.type === "category") return [column.name, input.value || null];
    return [column.name, input.validity.badInput ? "no number" : input.value === "" ? null : input.valueAsNumber];
  }));
}

function showErrors(violations) {
  for (const column of model.columns) {
    const rules = violations.filter((one) => one.field === column.name).map((one) => one.rule);
    const error = at(`error-${column.id}`);
    error.textContent = rules.join("; ");
    error.hidden = !rules.length;
    at(`field-${column.id}`).setAttribute("aria-invalid", rules.length > 0);
  }
  const first = model.columns.find((column) => violations.some((one) => one.field === column.name));
  if (first) at(`field-${first.id}`).focus();
}

async function predict(event) {
  event.preventDefault();
  const button = at("row").querySelector("button");
  button.disabled = true;
  try {
    const body = JSON.stringify(record());
    const answer = await ask("predict", { method: "POST", body, headers: { "content-type": "application/json" } });
    const told = await answer.json();
    showErrors(told.violations || []);
    at("answer").replaceChildren(...(answer.ok ? prediction(told) : [make("p", refusal(told), { className: "error" })]));
    if (answer.ok && told.digest !== model.digest) start(); // another model was taken over meanwhile
  } catch (error) {
    at("answer").replaceChildren(make("p", `The server gives no answer (${error.message}).`, { className: "error" }));
  } finally {
    button.disabled = false;
  }
}

function refusal(told) {
  const whole = (told.violations || []).filter((one) => !one.field).map((one) => one.rule);
  return [told.error, ...whole].join(": ");
}

function prediction(told) {
  const found = told.predictions[0];
  const chances = found.probabilities || (found.probability === undefined ? {} : { [model.positive]: found.probability });
  const rows = Object.entries(chances).map(([name, value]) => make("tr", [
    make("th", model.kind === "binary" ? `probability of ${name}` : name, { scope: "row" }),
    make("td", value.toFixed(4)),
    make("td", make("meter", null, { min: 0, max: 1, value, ariaLabel: name })),
  ]));
  const parts = [make("p", typeof found.prediction === "number" ? shortly(found.prediction) : found.prediction, { className: "told" })];
  if (rows.length) parts.push(make("table", make("tbody", rows)));
  parts.push(make("p", ["answered by ", make("code", told.digest)], { className: "hint" }));
  return parts;
}

// ---- drift, from the figures for Prometheus ----

function figures(text) {
  const found = {};
  for (const line of text.split("\n")) {
    const parts = /^(model_(?:feature_psi|prediction_psi|window_rows))(?:\{(.*)\})? (\S+)/.exec(line);
    if (!parts) continue;
    const feature = /(?:^|,)feature="((?:[^"\\]|\\.)*)"/.exec(parts[2] || "");
    const name = feature ? feature[1].replace(/\\(.)/g, (_, sign) => (sign === "n" ? "\n" : sign)) : "";
    (found[parts[1]] ??= new Map()).set(name, Number(parts[3]));
  }
  return found;
}

function driftRow([name, value]) {
  const [word, kind] = value >= DRIFTED ? ["drifted", "bad"] : value >= MOVED ? ["moved", "warn"] : ["steady", "good"];
  return make("tr", [make("th", words(name), { scope: "row" }), make("td", value.toFixed(3)), make("td", word, { className: kind })]);
}

function showDrift(found) {
  const section = at("drift"), rows = found.model_window_rows?.get("");
  const features = [...(found.model_feature_psi || [])].sort((a, b) => b[1] - a[1]);
  const own = [...(found.model_prediction_psi || [])].map(([, value]) => ["the predictions", value]);
  section.hidden = rows === undefined;
  const shown = Math.max(MOST_SHOWN, features.filter(([, value]) => value >= MOVED).length), rest = features.splice(shown);
  section.querySelector("table").hidden = !features.length;
  section.querySelector("details").hidden = !rest.length;
  section.querySelector("summary").textContent = `${rest.length} more, all steady`;
  section.querySelector(".hint").textContent = features.length
    ? `How far the last ${rows.toLocaleString("en")} rows are from the training rows (population stability index): ` +
      `from ${MOVED} on moved, from ${DRIFTED} on drifted.`
    : `Told from ${LEAST_ROWS} rows on; ${rows ?? 0} so far.`;
  const [first, more] = section.querySelectorAll("tbody");
  first.replaceChildren(...[...own, ...features].map(driftRow));
  more.replaceChildren(...rest.map(driftRow));
}

async function lookAtDrift() {
  try {
    const answer = await ask("metrics");
    if (answer.ok) showDrift(figures(await answer.text()));
  } catch {
    // the next look may find the server again; the form says so where it matters
  }
}

// ---- start ----

async function start() {
  let known = null;
  try {
    const answer = await ask("page/about");
    const told = await answer.json();
    if (!answer.ok) {
      state(told.error, true);
      return;
    }
    told.columns.forEach((column, id) => Object.assign(column, { id }));
    [known, model] = [model, told];
  } catch (error) {
    state(`The server gives no answer (${error.message}).`, true);
    return;
  }
  at("token").hidden = true;
  showState();
  if (JSON.stringify(known) !== JSON.stringify(model)) showModel(); // what did not change stays, with what a person has marked in it
  if (!known || JSON.stringify(known.columns) !== JSON.stringify(model.columns)) {
    at("fields").replaceChildren(...model.columns.map(field));
    example = -1;
    anotherExample();
  }
  document.querySelector("main").hidden = false;
  lookAtDrift();
}

at("row").addEventListener("submit", predict);
at("another").addEventListener("click", anotherExample);
at("token").addEventListener("submit", (event) => {
  event.preventDefault();
  secret = at("secret").value;
  at("secret").value = "";
  start();
});
setInterval(() => {
  if (!document.hidden && at("token").hidden) start();
}, LOOK_AGAIN);
start();
