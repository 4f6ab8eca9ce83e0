// Shows a model card: Markdown's headings, tables, lists, code and paragraphs. What it does not know stays as it is written.
"use strict";

function cardParts(text) {
  const lines = text.replace(/^---\n[^]*?\n---\n/, "").split("\n"), parts = [];
  while (lines.length) {
    const line = lines.shift(), heading = /^(#{1,6}) (.*)/.exec(line);
    if (!line.trim()) continue;
    if (heading) parts.push(make(`h${Math.min(heading[1].length + 2, 6)}`, inline(heading[2])));
    else if (line.startsWith("```")) parts.push(code(lines));
    else if (line.startsWith("|")) parts.push(cardTable([line, ...taken(lines, (next) => next.startsWith("|"))]));
    else if (line.startsWith("- ")) parts.push(make("ul", [line, ...taken(lines, (next) => next.startsWith("- "))].map(item)));
    else parts.push(make("p", inline([line, ...taken(lines, (next) => /^[^\s#|`-]/.test(next))].join(" "))));
  }
  return parts;
}

function taken(lines, fits) {
  const end = lines.findIndex((line) => !fits(line));
  return lines.splice(0, end < 0 ? lines.length : end);
}

function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((piece, place) => {
    if (place % 2 === 0) return piece;
    return piece.startsWith("`") ? make("code", piece.slice(1, -1)) : make("strong", piece.slice(2, -2));
  });
}

function item(line) {
  return make("li", inline(line.slice(2)));
}

function code(lines) {
  const made = make("pre", taken(lines, (line) => !line.startsWith("```")).join("\n"));
  lines.shift();
  return made;
}

function cardTable(lines) {
  const [head, , ...rows] = lines.map((line) => line.replace(/^\||\|\s*$/g, "").split("|").map((cell) => inline(cell.trim())));
  const body = make("tbody", rows.map((row) => make("tr", row.map((cell) => make("td", cell)))));
  const named = head.some((cell) => cell.join(""));
  const top = named ? [make("thead", make("tr", head.map((cell) => make("th", cell, { scope: "col" }))))] : [];
  return make("table", [...top, body]);
}
