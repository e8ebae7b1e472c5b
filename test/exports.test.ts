/**
 * What each entry point of package.json exports, types included. A change of the public API changes the snapshot beside
 * this file, and is meant to be seen there: `npx jest test/exports -u`.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';

const ROOT = resolve(__dirname, '..');

interface Target {
  readonly import: { readonly types: string; readonly default: string };
  readonly require: { readonly types: string; readonly default: string };
}

const {
  exports: map,
  typesVersions,
  alias,
} = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, Target | string>;
  typesVersions: unknown;
  alias: unknown;
};

/** Source of each entry point: `./cells` → src/cells/index.ts. */
const entries = new Map<string, string>();
for (const [name, target] of Object.entries(map)) {
  if (typeof target === 'string') continue;
  entries.set(name, target.import.default.replace('./dist/esm/', 'src/').replace(/\.js$/, '.ts'));
}

const config = ts.readConfigFile(resolve(ROOT, 'tsconfig.json'), ts.sys.readFile).config as { compilerOptions: object };
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
const program = ts.createProgram(
  [...entries.values()].map((path) => resolve(ROOT, path)),
  options,
);
const checker = program.getTypeChecker();

/** Names a module exports, sorted; a name that is a type alone is marked. */
function exportsOf(path: string): string[] {
  const file = program.getSourceFile(resolve(ROOT, path));
  const symbol = file && checker.getSymbolAtLocation(file);
  if (symbol === undefined) throw new Error(`${path} is not a module`);
  const names = checker.getExportsOfModule(symbol).map((each) => {
    const real = each.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(each) : each;
    return real.flags & ts.SymbolFlags.Value ? each.name : `type ${each.name}`;
  });
  return names.sort();
}

describe('the public API', () => {
  it('has an entry point per room, one for the tagger alone, and those that need Node', () => {
    expect([...entries.keys()]).toEqual([
      '.',
      './tensor',
      './kernels',
      './cells',
      './autograd',
      './layers',
      './optim',
      './labeling',
      './inspect',
      './inspect/views',
      './interchange',
      './tagger',
      './threads',
      './threads/worker',
      './wide-lanes',
    ]);
  });

  it.each([...entries])('%s exports what the snapshot lists', (_, path) => {
    expect(exportsOf(path)).toMatchSnapshot();
  });

  it('has under the name of the package what an application uses, two dozen names that the sub-paths have too', () => {
    const values = exportsOf('src/index.ts').filter((name) => !name.startsWith('type '));
    expect(values.length).toBeLessThanOrEqual(24);
    const elsewhere = new Set([...entries].flatMap(([name, path]) => (name === '.' ? [] : exportsOf(path))));
    expect(exportsOf('src/index.ts').filter((name) => !elsewhere.has(name))).toEqual([]);
  });

  it('maps both module formats of an entry point to the same source', () => {
    for (const [name, path] of entries) {
      const base = path.replace(/^src\//, '').replace(/\.ts$/, '');
      expect(map[name]).toEqual({
        import: { types: `./dist/esm/${base}.d.ts`, default: `./dist/esm/${base}.js` },
        require: { types: `./dist/cjs/${base}.d.ts`, default: `./dist/cjs/${base}.js` },
      });
    }
  });

  it('maps the entry points once more for the tools that do not read `exports`', () => {
    const paths = Object.entries(map).flatMap(([name, target]) =>
      typeof target === 'string' || name === '.' ? [] : ([[name, target]] as const),
    );
    const types = paths.map(([name, target]) => [name.slice(2), [target.require.types]]);
    expect(typesVersions).toEqual({ '*': Object.fromEntries(types) }); // TypeScript with moduleResolution: node
    expect(alias).toEqual(Object.fromEntries(paths.map(([name, target]) => [name, target.import.default]))); // Parcel
  });
});
