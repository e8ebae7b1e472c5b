/**
 * Modules of src with one line of them broken on purpose, so that a checker can be shown failing: the file is read, its text
 * changed, and the result run in place of the module.
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
  const source = read(path);
  const count = source.split(text).length - 1;
  if (count !== 1)
    throw new Error(`${path} must hold '${text}' exactly once; it does ${count} times. Break another line.`);
  return run(
    path,
    source.replace(text, () => replacement),
  );
}

/** One line of a backward pass, and the module without it. */
export interface BrokenLine<Module> {
  /** The statement as it stands in the file. */
  readonly text: string;
  /** The numbers of the equations that the line says it undoes. */
  readonly equations: readonly number[];
  /** What was done to it. */
  readonly mistake: 'negated' | 'left out';
  load(): Module;
}

/**
 * Every line of a module's backward functions that is tagged with the number of an equation, broken: a value that is computed is
 * negated, a product or a sum that is added is left out.
 *
 * @param path from the project's folder
 * @param isBackward whether a function, or a member of an object, is a backward one, by its name
 */
export function brokenLines<Module>(path: string, isBackward: (name: string) => boolean): BrokenLine<Module>[] {
  const source = read(path);
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.ES2022, true);
  const found: BrokenLine<Module>[] = [];
  const visit = (node: ts.Node, inside: boolean): void => {
    const isNamed = ts.isFunctionDeclaration(node) || ts.isPropertyAssignment(node) || ts.isMethodDeclaration(node);
    const named = isNamed ? node.name : undefined;
    const within = inside || (named !== undefined && isBackward(named.getText(file)));
    const equations = within ? tagOf(source, node.end) : [];
    const target = equations.length > 0 ? targetOf(node) : undefined;
    if (target) {
      const [start, end] = [target.node.getStart(file), target.node.end];
      const replacement = target.mistake === 'negated' ? `-(${source.slice(start, end)})` : 'undefined';
      const text = node.getText(file).replace(/\s+/g, ' ');
      const broken = source.slice(0, start) + replacement + source.slice(end);
      found.push({ text, equations, mistake: target.mistake, load: () => run(path, broken) });
    }
    ts.forEachChild(node, (child) => visit(child, within));
  };
  visit(file, false);
  return found;
}

/** The part of a tagged statement to break: the value it computes, or the call it is. */
function targetOf(node: ts.Node): { node: ts.Node; mistake: 'negated' | 'left out' } | undefined {
  if (ts.isVariableStatement(node)) {
    const { initializer } = node.declarationList.declarations[0];
    return initializer && { node: initializer, mistake: 'negated' };
  }
  if (ts.isExpressionStatement(node)) {
    const { expression } = node;
    if (ts.isBinaryExpression(expression)) return { node: expression.right, mistake: 'negated' };
    return { node: expression, mistake: 'left out' };
  }
  const arrow = ts.isPropertyAssignment(node) ? node.initializer : undefined;
  if (arrow && ts.isArrowFunction(arrow) && ts.isCallExpression(arrow.body))
    return { node: arrow.body, mistake: 'left out' };
  return undefined;
}

/** The numbers in the comment behind a place, `// (3) di, (2)` → 3, 2; none where there is no such comment on its line. */
function tagOf(source: string, end: number): number[] {
  const rest = /^[,;]?[ \t]*\/\/(.*)/.exec(source.slice(end));
  return rest ? [...rest[1].matchAll(/\((\d+)\)/g)].map(([, number]) => Number(number)) : [];
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function run<Module>(path: string, source: string): Module {
  const file = join(ROOT, path);
  const { outputText } = ts.transpileModule(source, {
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
