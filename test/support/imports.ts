/** Who imports whom in src, read with the TypeScript parser, and the rules of the house as one list of violations. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import ts from 'typescript';

const ROOT = resolve(__dirname, '../..');

/** One import, re-export or dynamic import. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly dynamic: boolean;
  /** Erased by the compiler: nothing is loaded at run time. */
  readonly typeOnly: boolean;
}

/** Sources by path relative to the root: `src/tensor/view.ts` → text. */
export type Sources = ReadonlyMap<string, string>;

/** Every TypeScript file under a folder of the project. */
export function sourcesOf(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  if (!existsSync(join(ROOT, folder))) return found;
  for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const path = join(entry.parentPath, entry.name);
    found.set(relative(ROOT, path).split(sep).join('/'), readFileSync(path, 'utf8'));
  }
  return found;
}

const parsed = new Map<string, readonly Import[]>();

/** The imports of one source text; a text is parsed once. */
export function importsOf(text: string): readonly Import[] {
  const found = parsed.get(text) ?? parse(text);
  parsed.set(text, found);
  return found;
}

function parse(text: string): Import[] {
  const file = ts.createSourceFile('source.ts', text, ts.ScriptTarget.ES2022, true);
  const found: Import[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, kind: { dynamic?: boolean; typeOnly?: boolean }) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    found.push({ specifier: specifier.text, line, dynamic: false, typeOnly: false, ...kind });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, { typeOnly: onlyTypes(node.importClause) });
    else if (ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, { typeOnly: onlyTypesOut(node) });
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node, node.argument.literal, { typeOnly: true });
    } else if (ts.isCallExpression(node) && isLoad(node)) add(node, node.arguments[0], { dynamic: true });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

const isLoad = ({ expression }: ts.CallExpression): boolean =>
  expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(expression) && expression.text === 'require');

function onlyTypes(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  return clause.name === undefined && named !== undefined && ts.isNamedImports(named) && allTypes(named.elements);
}

function onlyTypesOut(node: ts.ExportDeclaration): boolean {
  const clause = node.exportClause;
  return node.isTypeOnly || (clause !== undefined && ts.isNamedExports(clause) && allTypes(clause.elements));
}

const allTypes = (elements: readonly { readonly isTypeOnly: boolean }[]): boolean =>
  elements.length > 0 && elements.every((each) => each.isTypeOnly);

const ENGINE = ['tensor', 'kernels', 'cells', 'autograd', 'layers', 'optim'];

/** Each room with the rooms it may import besides itself. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  tensor: [],
  kernels: ['tensor'],
  cells: ['tensor', 'kernels'],
  autograd: ['tensor', 'kernels', 'cells'],
  optim: ['tensor', 'autograd', 'kernels'],
  layers: ['tensor', 'kernels', 'cells', 'autograd'],
  serialize: ['tensor'],
  labeling: [...ENGINE, 'serialize'],
  inspect: [...ENGINE, 'serialize', 'labeling'],
  interchange: [...ENGINE, 'serialize', 'labeling', 'inspect'],
  bench: [...ENGINE, 'serialize', 'labeling', 'inspect', 'interchange'],
  cli: [...ENGINE, 'serialize', 'labeling', 'inspect', 'interchange', 'bench'],
  'index.ts': [...ENGINE, 'serialize', 'labeling', 'inspect', 'interchange'],
};

/** Between these rooms only the named files may be used: no room knows a concrete backend or cell it gets as an argument. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  'kernels → tensor': ['types', 'view', 'errors', 'checks', 'rows', 'threefry', 'peer'],
  'cells → kernels': ['types'],
  'autograd → kernels': ['types', 'work'],
  'autograd → cells': ['cell', 'check'],
  'layers → kernels': ['types', 'work'],
  'optim → kernels': ['types'],
  'layers → cells': ['cell', 'check'],
};

/** Each package with the places that may import it. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  ndarray: /^src\/tensor\//,
  'ndarray-ops': /^src\/tensor\/ops\.ts$/,
  'gpu.js': /^src\/kernels\/gpu\//,
  commander: /^src\/cli\//,
  'cli-progress': /^src\/cli\//,
  picocolors: /^src\/cli\//,
  'string-width': /^src\/cli\//,
  tinybench: /^src\/bench\//,
};

const BUILTINS = new Set(builtinModules);
const isNode = (specifier: string): boolean => specifier.startsWith('node:') || BUILTINS.has(specifier);
const mayUseNode = (path: string): boolean => /^src\/(cli|bench)\//.test(path) || path.endsWith('.node.ts');
const roomOf = (path: string): string => path.split('/')[1];

/** The source file a relative specifier means. */
function target(from: string, specifier: string): string {
  return posix.join(dirname(from), specifier).replace(/\.js$/, '.ts');
}

/** Every import of `sources` that breaks a rule, as `path:line: what is wrong`. */
export function violations(sources: Sources): string[] {
  const found: string[] = [];
  for (const [path, text] of sources) {
    for (const each of importsOf(text)) {
      const wrong = each.specifier.startsWith('.') ? inside(sources, path, each) : outside(path, each);
      if (wrong !== undefined) found.push(`${path}:${each.line}: ${wrong}`);
    }
  }
  return found;
}

function outside(path: string, { specifier, dynamic }: Import): string | undefined {
  if (isNode(specifier)) {
    return mayUseNode(path) ? undefined : `${specifier} belongs in src/cli, src/bench and *.node.ts alone`;
  }
  const name = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/'); // prettier-ignore
  const place = PACKAGES[name];
  if (place === undefined) return `${name} is not a package of this project`;
  if (!place.test(path)) return `${name} may only be imported where ${place} matches`;
  return name === 'gpu.js' && !dynamic ? 'gpu.js must be imported dynamically' : undefined;
}

function inside(sources: Sources, path: string, { specifier, typeOnly }: Import): string | undefined {
  if (!specifier.endsWith('.js')) return `${specifier} must end in .js`;
  const to = target(path, specifier);
  if (!sources.has(to)) return `${specifier} is not a file of src`;
  const [room, other] = [roomOf(path), roomOf(to)];
  if (room !== other && ROOMS[room] === undefined) return `${room} is not a room`;
  if (room !== other && !ROOMS[room].includes(other)) return `${room} must not import ${other} (${specifier})`;
  const door = DOORS[`${room} → ${other}`];
  if (door !== undefined && !door.includes(posix.basename(to, '.ts'))) {
    return `${room} may use only ${door.join(', ')} of ${other} (${specifier})`;
  }
  const leavesBrowser = !typeOnly && to.endsWith('.node.ts') && !mayUseNode(path);
  return leavesBrowser ? `${specifier} needs Node; only src/cli, src/bench and *.node.ts may load it` : undefined;
}

/** The files that are loaded when `entry` is, each with the file that first loads it. */
export function loadedBy(sources: Sources, entry: string): Map<string, string> {
  const parents = new Map<string, string>([[entry, '']]);
  const queue = [entry];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const { specifier, typeOnly } of importsOf(sources.get(path) ?? '')) {
      const to = specifier.startsWith('.') ? target(path, specifier) : specifier;
      if (typeOnly || parents.has(to)) continue;
      parents.set(to, path);
      queue.push(to);
    }
  }
  return parents;
}

/** How `entry` comes to load `to`: the files in between, or `undefined` when it does not. */
export function pathTo(sources: Sources, entry: string, to: string): string[] | undefined {
  const parents = loadedBy(sources, entry);
  if (!parents.has(to)) return undefined;
  const path: string[] = [];
  for (let file: string | undefined = to; file; file = parents.get(file)) path.unshift(file);
  return path;
}

/** Files that load each other in a circle: one list per circle found. */
export function circles(sources: Sources): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: string[]): void => {
    const before = trail.indexOf(path);
    if (before >= 0) found.push([...trail.slice(before), path]);
    if (before >= 0 || done.has(path)) return;
    for (const { specifier, typeOnly } of importsOf(sources.get(path) ?? '')) {
      if (specifier.startsWith('.') && !typeOnly) walk(target(path, specifier), [...trail, path]);
    }
    done.add(path);
  };
  for (const path of sources.keys()) walk(path, []);
  return found;
}
