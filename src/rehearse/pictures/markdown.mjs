// Markdown as GitHub shows it in a comment: its flavour, line breaks, alerts, and a sanitiser with its rules.
import rehypeRaw from "rehype-raw";
import rehypeSanitize, { defaultSchema } from "rehype-sanitize";
import rehypeStringify from "rehype-stringify";
import remarkBreaks from "remark-breaks";
import remarkGfm from "remark-gfm";
import { remarkAlert } from "remark-github-blockquote-alert";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";
import { visit } from "unist-util-visit";

const ALERTS = ["markdown-alert", "caution", "important", "note", "tip", "warning"];
const schema = structuredClone(defaultSchema); // alerts come after GitHub's sanitiser; here their classes must pass it
schema.attributes.div = [...(schema.attributes.div ?? []), ["className", /^markdown-alert/]];
schema.attributes.p = [["className", /^markdown-alert/]];
schema.tagNames.push("svg", "path");
schema.attributes.svg = ["className", "viewBox", "width", "height", "ariaHidden"];
schema.attributes.path = ["d"];

const parser = unified().use(remarkParse).use(remarkGfm);
const renderer = unified()
  .use(remarkParse)
  .use(remarkGfm)
  .use(remarkBreaks)
  .use(remarkAlert)
  .use(remarkRehype, { allowDangerousHtml: true })
  .use(rehypeRaw)
  .use(rehypeSanitize, schema)
  .use(rehypeStringify);

export const toHtml = async (markdown) => String(await renderer.process(markdown));

// The text of every Mermaid block, in order.
export function mermaidBlocks(markdown) {
  const found = [];
  visit(parser.parse(markdown), "code", (node) => {
    if (node.lang === "mermaid") found.push(node.value);
  });
  return found;
}

// What a comment must never hold: a link, an image, foreign HTML, a mention, a table row outside a table or of another width.
const OURS = /^(<\/?details( open)?>|<summary>[^<>]*<\/summary>|<br>|\s)*$/;
export function intruders(markdown) {
  const found = [];
  const tree = parser.parse(markdown);
  visit(tree, ["link", "linkReference", "image", "imageReference", "definition", "footnoteReference", "footnoteDefinition"], (node) => {
    found.push(`${node.type}: ${JSON.stringify(node.url ?? node.label ?? "").slice(0, 80)}`);
  });
  visit(tree, "html", (node) => {
    if (!OURS.test(node.value)) found.push(`html: ${node.value.slice(0, 80)}`);
  });
  visit(tree, "text", (node) => {
    const told = /@[a-z\d]|(^|[\s(])#\d|\bGH-\d/i.exec(node.value);
    if (told) found.push(`mention: ${node.value.slice(Math.max(0, told.index - 20), told.index + 60)}`);
  });
  visit(tree, "paragraph", (node) => {
    const said = node.children[0]?.value ?? "";
    if (said.startsWith("|")) found.push(`table: a row that is in no table: ${said.slice(0, 80)}`);
  });
  visit(tree, "table", (node) => {
    const width = node.children[0].children.length;
    for (const row of node.children) {
      if (row.children.length !== width) found.push(`table: a row of ${row.children.length} cells under a head of ${width}`);
    }
  });
  return found;
}
