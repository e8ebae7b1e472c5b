/**
 * The list of judged survivors, test/mutation/survivors.json: mutants that no test can notice, each with its reason. A mutant is
 * named by its file, its function and its text, so that the list survives changes elsewhere in the file.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** `file`, `function`, `mutant` as `before → after`, and `reason`. */
export function readJudged() {
  return JSON.parse(readFileSync(new URL('survivors.json', import.meta.url), 'utf8'));
}

const key = ({ file, function: name, mutant }) => JSON.stringify([file, name, mutant]);

/** Splits survivors into those the list has a reason for, and the others. */
export function judge(survivors, judged) {
  const reasons = new Set(judged.map(key));
  return {
    equivalent: survivors.filter((mutant) => reasons.has(key(mutant))),
    open: survivors.filter((mutant) => !reasons.has(key(mutant))),
  };
}

/** White space as one blank, and no more than a hundred characters. */
function short(text) {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= 100 ? line : `${line.slice(0, 60)} … ${line.slice(-37)}`;
}

/** A change in words. */
export function words(before, after) {
  return `${short(before)} → ${short(after)}`;
}

/**
 * The function around a change, and the change in words.
 *
 * @param source text of the file
 * @param location `start` and `end`, each a line and a column from 1
 * @param replacement what stands there in the mutant
 */
export function enclosingFunction(source, { start, end }, replacement) {
  const lines = source.split('\n');
  const offsets = [0];
  for (const line of lines) offsets.push(offsets[offsets.length - 1] + line.length + 1);
  const [from, to] = [start, end].map(({ line, column }) => offsets[line - 1] + column - 1);
  const before = source.slice(from, to);
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.ES2022, true);
  return { function: functionAt(file, from, to) ?? 'module', mutant: words(before, replacement) };
}

/** The name of the innermost named function that holds a range. */
export function functionAt(file, from, to) {
  let name;
  const visit = (node) => {
    if (node.getStart(file) > from || node.getEnd() < to) return;
    const named = (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) && node.name;
    const assigned =
      ts.isVariableDeclaration(node) && node.initializer && ts.isArrowFunction(node.initializer) && node.name;
    const found = named || assigned;
    if (found) name = found.getText(file);
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(file, visit);
  return name;
}
