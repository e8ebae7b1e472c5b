/**
 * A module of src with one line of it broken on purpose, so that a checker can be shown failing: the file is read, the text
 * replaced, and the result run in place of the module.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

const ROOT = resolve(__dirname, '../..');

/**
 * The exports of a broken module. Its imports are the real modules.
 *
 * @param path from the project's folder, `src/layers/linear.ts`
 * @param text what stands in the file, exactly once
 * @throws Error where the text does not stand there exactly once: the module was rewritten, and so must the mistake be
 */
export function mutated<Module>(path: string, text: string, replacement: string): Module {
  const file = join(ROOT, path);
  const source = readFileSync(file, 'utf8');
  const count = source.split(text).length - 1;
  if (count !== 1)
    throw new Error(`${path} must hold '${text}' exactly once; it does ${count} times. Break another line.`);
  const broken = source.replace(text, () => replacement);
  const { outputText } = ts.transpileModule(broken, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const exports = {};
  const load = (name: string): unknown =>
    // A path that is made here is not mapped from .js to .ts by jest as those in files are.
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- the modules of src, as jest loads them
    require(name.startsWith('.') ? join(dirname(file), name.replace(/\.js$/, '')) : name);
  new Function('exports', 'require', outputText)(exports, load);
  return exports as Module;
}
