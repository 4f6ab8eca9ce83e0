// Reads {name: Markdown} from standard input and prints {name: [what is wrong with it]}: Mermaid that an older or a newer version
// cannot read, and what must not be in a comment.
import { JSDOM } from "jsdom";
import { text } from "node:stream/consumers";
import { intruders, mermaidBlocks } from "./markdown.mjs";

const { window } = new JSDOM("");
Object.assign(globalThis, { window, document: window.document }); // Mermaid cleans text with the page's tools
const versions = {};
for (const name of ["mermaid-10", "mermaid"]) versions[name] = (await import(name)).default;

const result = {};
for (const [name, markdown] of Object.entries(JSON.parse(await text(process.stdin)))) {
  const found = intruders(markdown);
  for (const [place, block] of mermaidBlocks(markdown).entries()) {
    for (const [version, mermaid] of Object.entries(versions)) {
      try {
        await mermaid.parse(block);
      } catch (error) {
        found.push(`${version}: block ${place + 1}: ${error.message ?? error}`);
      }
    }
  }
  result[name] = found;
}
console.log(JSON.stringify(result));
