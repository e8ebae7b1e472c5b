/** What `bptt train` enters: functions by file, as V8 counts them, and the calls from one file into another that were made. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { formatSentence, generateCorpus } from '../../src/labeling';
import { bptt, mainFile } from './cli';

/** Functions entered, by file of src. */
export type Entered = ReadonlyMap<string, readonly string[]>;

/** What a training enters. */
export interface Walk {
  /** From the command line to the end. */
  readonly run: Entered;
  /** From the first batch to the norm of its gradient. */
  readonly gradient: Entered;
  /** The calls of that part that lead from one file into another: `caller → file function`, each once. */
  readonly calls: readonly string[];
}

interface Counted {
  readonly url: string;
  readonly functions: readonly {
    readonly functionName: string;
    readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
  }[];
}

/** The sentences of `bptt demo`, a dozen of them: one batch, so that one gradient is one update. */
const corpus = (): string =>
  generateCorpus({ sentences: 12, seed: 3, maxPhrases: 1 })
    .map(({ tokens, labels = [] }) => formatSentence({ tokens, labels }, 'conll'))
    .join('');

/** Trains on one batch by a backend, in a process that is counted. */
export function walk(backend: string): Walk {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-walk-'));
  try {
    writeFileSync(join(folder, 'train.txt'), corpus());
    const counts = join(folder, 'counts.json');
    const args = ['train', '--train', 'train.txt', '--embedding', '4', '--hidden', '3', '--epochs', '1', '--quiet'];
    const { status, stderr } = bptt([...args, '--backend', backend], {
      cwd: folder,
      env: { NODE_OPTIONS: `--import ${pathToFileURL(join(__dirname, 'walk-watch.mjs')).href}`, BPTT_WALK: counts },
    });
    if (status !== 0 || stderr !== '') throw new Error(`bptt train ended with ${status}: ${stderr}`);
    const [before, gradient, after, ...more] = JSON.parse(readFileSync(counts, 'utf8')) as Counted[][];
    if (after === undefined || more.length > 0)
      throw new Error('the first gradient went by unseen: see walk-watch.mjs');
    return {
      run: entered([...before, ...gradient, ...after]),
      gradient: entered(gradient),
      calls: crossings(gradient),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `labeling/model/model` of the URL of a module of this package; undefined of any other. */
const pathOf = (url: string): string | undefined => /bptt-cli\/[0-9a-f]+\/(.*)\.js$/.exec(url)?.[1];

function entered(counted: readonly Counted[]): Entered {
  const found = new Map<string, string[]>();
  for (const { url, functions } of counted) {
    const path = pathOf(url);
    const names = functions.filter((f) => f.functionName !== '' && f.ranges[0].count > 0).map((f) => f.functionName);
    if (path === undefined || names.length === 0) continue;
    const file = `src/${path}.ts`;
    found.set(file, [...new Set([...(found.get(file) ?? []), ...names])].sort());
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Calls of imported functions in code that ran. */
function crossings(counted: readonly Counted[]): string[] {
  const found = new Set<string>();
  for (const { url, functions } of counted) {
    const path = pathOf(url);
    if (path === undefined) continue;
    const text = readFileSync(join(dirname(dirname(mainFile())), `${path}.js`), 'utf8');
    const source = ts.createSourceFile(`${path}.js`, text, ts.ScriptTarget.ES2022, true);
    const imported = importsOf(source, path);
    const ranges = functions.flatMap((f) => f.ranges);
    /** Whether the innermost range around a place was entered. */
    const ran = (place: number): boolean => {
      const around = ranges.filter((r) => r.startOffset <= place && place < r.endOffset);
      const innermost = around.sort((r, s) => r.endOffset - r.startOffset - (s.endOffset - s.startOffset))[0];
      return innermost?.count > 0;
    };
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
        const callee = imported.get(node.expression.text);
        if (callee !== undefined && ran(node.getStart())) found.add(`src/${path}.ts → ${callee}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return [...found].sort();
}

/** Names imported from other files of the package, each with `file function`. */
function importsOf(source: ts.SourceFile, path: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const bindings = statement.importClause?.namedBindings;
    const from = statement.moduleSpecifier.text;
    if (!from.startsWith('.') || bindings === undefined || !ts.isNamedImports(bindings)) continue;
    const file = posix.join('src', posix.dirname(path), from).replace(/\.js$/, '.ts');
    for (const { name, propertyName } of bindings.elements) {
      names.set(name.text, `${file} ${(propertyName ?? name).text}`);
    }
  }
  return names;
}

/** Whether a file only refuses wrong arguments: what it holds could be left out, and right programs would run the same. */
export const isCheck = (file: string): boolean => /(checks?|arguments|describe|versions)\.ts$/.test(file);
