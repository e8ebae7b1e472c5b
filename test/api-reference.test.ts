/** The API reference: a module per entry point, and a configuration under which TypeDoc refuses what a reader would miss. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = resolve(__dirname, '..');
const { exports: map } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { readonly import: { readonly default: string } }>;
};
const entries = Object.entries(map).flatMap(([path, target]) =>
  typeof target === 'string'
    ? []
    : [[path.replace('.', 'bptt'), target.import.default.replace('./dist/esm/', 'src/').replace(/js$/, 'ts')] as const],
);

test.each(entries)('%s: the header of %s names the module', (name, path) => {
  const [header] = readFileSync(join(ROOT, path), 'utf8').split('*/');
  expect(header).toMatch(/^\/\*\*\n \* \S/);
  expect(/ \* @module (\S+)\n $/.exec(header)?.[1]).toBe(name);
});

/** What TypeDoc reports of one module under the configuration of `npm run docs`. */
function reportOf(module: string) {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-reference-'));
  try {
    writeFileSync(join(folder, 'index.ts'), module);
    writeFileSync(join(folder, 'package.json'), '{ "name": "made-up", "version": "1.0.0" }'); // what is not exported is told of a package
    writeFileSync(join(folder, 'tsconfig.json'), '{ "compilerOptions": { "types": [] }, "files": ["index.ts"] }');
    const own = { tsconfig: 'tsconfig.json', entryPoints: ['index.ts'], intentionallyNotExported: [], emit: 'none' };
    const config = pathToFileURL(join(ROOT, 'typedoc.config.js'));
    const options = join(folder, 'typedoc.config.mjs');
    writeFileSync(options, `import all from '${config}';\nexport default { ...all, ...${JSON.stringify(own)} };\n`);
    const args = [join(ROOT, 'node_modules/typedoc/bin/typedoc'), '--options', options];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    return { status, report: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const SOUND = [
  '/**\n * A module.\n *\n * @module m\n */',
  '/** A number; see {@link twice}. */\nexport interface Size {\n  readonly size: number;\n}',
  '/** Twice a size. */\nexport const twice = ({ size }: Size): number => 2 * size;',
].join('\n');

test('a module that says all of itself passes', () => {
  expect(reportOf(SOUND)).toMatchObject({ status: 0 });
});

test('what a reader would miss fails, each by name', () => {
  const broken = SOUND.replace('{@link twice}', '{@link thrice}')

    .replace('/** Twice a size. */', '')
    .concat(
      '\ninterface Secret {\n  readonly key: string;\n}\n/** Opens. */\nexport function open(secret: Secret): void {}',
    );
  const { status, report } = reportOf(broken);
  expect(status).not.toBe(0);
  expect(report).toMatch(/twice \(CallSignature\).* does not have any documentation/);
  expect(report).toMatch(/Failed to resolve link to "thrice"/);
  expect(report).toMatch(/Secret.* is referenced by .*open\.secret but not included/);
});
