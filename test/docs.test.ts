/** The documents are true: what they show is what happens, what they name is there, what they link to exists. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { createProgram } from '../src/cli/program';
import type { Terminal } from '../src/cli/terminal';
import { bptt } from './support/cli';
import { CELLS } from './support/cases';
import { brokenLinks, codeBlocks, faultsOf, linksOf, typeErrors } from './support/markdown';
import type { Syntax } from './support/markdown';
import { layerProofs } from './support/proof-layers';
import { VARIANTS } from './support/tape-variants';

const ROOT = resolve(__dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

function pages(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
    .sort();
}

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'CODE_OF_CONDUCT.md',
  ...pages('docs'),
];

/** The words of a shell command; those in double quotes are one. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, inside, bare]) => inside ?? bare);

/** The derivations write types. All other documents can be pasted into an `.mjs` file, too. */
const syntaxOf = (path: string): Syntax => (path.startsWith('docs/derivations/') ? 'typescript' : 'ecmascript');

describe.each(DOCUMENTS)('%s', (path) => {
  test(`its TypeScript${syntaxOf(path) === 'ecmascript' ? ', run as JavaScript,' : ''} prints what it shows`, async () => {
    expect(await faultsOf(read(path), syntaxOf(path))).toEqual([]);
  });

  test('its links lead somewhere', () => {
    expect(brokenLinks(join(ROOT, path))).toEqual([]);
  });

  test('its shell commands exist', () => {
    expect(commandsOf(read(path)).map(faultOfCommand).filter(Boolean)).toEqual([]);
  });

  test('its bptt commands print what it shows', () => {
    for (const { language, code, shown } of codeBlocks(read(path))) {
      if (language !== 'sh' || shown === undefined) continue;
      expect(bptt(wordsOf(code).slice(1)).stdout).toBe(`${shown}\n`);
    }
  }, 600_000);
});

test('the TypeScript of all documents has the types of the package, and an error in one of them is found', () => {
  const documents = Object.fromEntries(DOCUMENTS.map((path) => [path, read(path)]));
  const wrong = "```ts\nimport { zeros } from 'bptt/tensor';\nconsole.log(zeros('3'));\n```";
  const errors = typeErrors({ ...documents, 'wrong.md': wrong });
  expect(errors.filter((line) => !line.startsWith('wrong.md.0.ts(2,'))).toEqual([]);
  expect(errors).toHaveLength(1);
});

test.each([...pages('examples'), '.github/pull_request_template.md'])('%s: its links lead somewhere', (path) => {
  expect(brokenLinks(join(ROOT, path))).toEqual([]);
});

describe('the checks find what is wrong', () => {
  const fence = (info: string, code: string) => `\`\`\`${info}\n${code}\n\`\`\`\n`;

  test('a wrong output, a missing output, a throwing block, an unknown import', async () => {
    const wrong = fence('ts', 'console.log(1 + 1);') + fence('text', '3');
    const unshown = fence('ts', 'console.log("said");');
    const throwing = fence('ts', 'throw new Error("no");');
    const unknown = fence('ts', "import { x } from 'bptt/nothing';\nconsole.log(x);");
    const faults = await faultsOf([wrong, unshown, throwing, unknown].join('\n'));
    expect(faults).toEqual([
      'line 1: shown\n3\nprinted\n2',
      'line 8: shown\n\nprinted\nsaid',
      'line 12: Error: no',
      "line 16: Error: 'bptt/nothing' is not an import path of this package",
    ]);
  });

  test('a block sees what it continues, and nothing else', async () => {
    const first = fence('ts', 'const a = 1;');
    const next = fence('ts continued', 'console.log(a);') + fence('text', '1');
    expect(await faultsOf(first + next)).toEqual([]);
    const alone = fence('ts', 'console.log(a);') + fence('text', '1');
    expect(await faultsOf(first + alone)).toEqual(['line 4: ReferenceError: a is not defined']);
    await expect(faultsOf(next)).rejects.toThrow("line 1: 'ts continued' is neither");
    await expect(faultsOf(fence('ts skip', ''))).rejects.toThrow("line 1: 'ts skip' is neither");
  });

  test('a type where the block is to run as JavaScript', async () => {
    for (const typed of [
      'const a: number = 1;',
      'const b = {} as object;',
      "import type { Tensor } from 'bptt/tensor';",
    ]) {
      expect(await faultsOf(fence('ts', typed))).toEqual([]);
      expect(await faultsOf(fence('ts', typed), 'ecmascript')).toEqual([
        expect.stringMatching(/^line 1: .*(error|Error)/s),
      ]);
    }
    expect(await faultsOf(fence('ts', 'console.log(1);') + fence('text', '1'), 'ecmascript')).toEqual([]);
  });

  test('an output after prose belongs to nothing', async () => {
    const apart = `${fence('ts', 'console.log(2);')}\nMeanwhile:\n\n${fence('text', '2')}`;
    expect(await faultsOf(apart)).toEqual(['line 1: shown\n\nprinted\n2']);
  });

  test('a block that is never closed', () => {
    expect(() => codeBlocks('text\n```ts\nlet a;')).toThrow('line 2: the code block is never closed');
  });

  test('links to missing files and headings; links in code are no links', () => {
    const text =
      '# One two\n[a](nowhere.md) [b](#one-two) [c](#three) [d](README.md#none) `[e](x.md)` [f](https://x.y) <img src="gone.svg">';
    expect(brokenLinks(join(ROOT, 'x.md'), text)).toEqual(['nowhere.md', '#three', 'README.md#none', 'gone.svg']);
  });

  test('commands, scripts and options that do not exist', () => {
    expect(faultOfCommand('npm run nothing')).toBe('npm run nothing: no such script');
    expect(faultOfCommand('bptt fly')).toBe('bptt fly: no such command');
    expect(faultOfCommand('bptt tag model --wings')).toBe('bptt tag model --wings: no option --wings');
    expect(faultOfCommand('make all')).toBe('make all: unknown program');
    expect(faultOfCommand('A=b bptt fly')).toBe('A=b bptt fly: no such command');
    expect(faultOfCommand('bptt tag model - --output conll')).toBeUndefined();
    expect(commandsOf(fence('sh', 'npm ci && bptt demo # both\nbptt eval a \\\n  b'))).toEqual([
      'npm ci',
      'bptt demo',
      'bptt eval a b',
    ]);
  });
});

describe('the pictures of the README', () => {
  const html = read('README.md');
  const named = [...html.matchAll(/(?:src|srcset)="([^"]+)"/g)].map(([, path]) => path);

  test('are there, one for light pages and one for dark ones; every other picture is on a page', () => {
    const there = readdirSync(join(ROOT, 'docs/assets')).map((name) => `docs/assets/${name}`);
    const shown = pages('docs').flatMap((path) => linksOf(read(path)).map((link) => join(path, '..', link)));
    expect(named.filter((path) => !there.includes(path))).toEqual([]);
    expect(there.filter((path) => !named.includes(path) && !shown.includes(path))).toEqual([]);
    expect(named).toHaveLength(2);
  });

  test.each(named)(
    '%s: every mark is what its command draws, and its text is the numbers',
    (path) => {
      const { status, stdout } = bptt(['verify', path, '--json']);
      expect({ status, ...(JSON.parse(stdout) as object) }).toMatchObject({ status: 0, differing: 0 });
      const told = /RNN ([\d.]+ %), LSTM ([\d.]+ %), GRU ([\d.]+ %)/.exec(read(path))!.slice(1);
      expect(html).toContain(`${told[0]}, ${told[1]} and ${told[2]} at 'cat'`);
    },
    120_000,
  );
});

test('README.md has at most 600 words, code and tables included', () => {
  expect(read('README.md').split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(600);
});

test('docs/README.md leads to every page', () => {
  const linked = linksOf(read('docs/README.md')).map((link) => join('docs', link.replace(/#.*/, '')));
  const reached = new Set([...linked, 'docs/README.md']);
  expect(pages('docs').filter((path) => !reached.has(path) && !path.startsWith('docs/adr/'))).toEqual([]);
});

describe('docs/proof.md', () => {
  const rows = read('docs/proof.md').matchAll(/^\| (\S.*?) +\| ([^|]+?) +\| +\d+ \|/gm);
  const oracles = new Map<string, string[]>();
  for (const [, name, oracle] of rows) oracles.set(name, [...(oracles.get(name) ?? []), oracle]);

  test('has a row for every built-in cell and every shown variant, and the oracles that judge it', () => {
    for (const name of [...CELLS, ...VARIANTS]) {
      expect(oracles.get(name)).toEqual(expect.arrayContaining(['finite differences', 'forward mode', 'tape']));
    }
  });

  test('has a row for every layer that the proof judges', () => {
    const judged = new Set(layerProofs(1e-9).map(({ layer, oracle }) => `${layer}, ${oracle}`));
    const shown = [...oracles].flatMap(([name, all]) => all.map((oracle) => `${name}, ${oracle}`));
    expect(shown).toEqual(expect.arrayContaining([...judged]));
  });
});

describe('docs/reading-order.md', () => {
  const stops = [...read('docs/reading-order.md').matchAll(/^## \d+\. \[`?src\/([^`\]]+)`?\]/gm)].map(
    ([, path]) => path,
  );

  test('has seven stops', () => expect(stops).toHaveLength(7));

  test.each(stops.map((stop, i) => [stop, stops[i - 1], stops[i + 1]]))('%s names %s and %s', (stop, from, next) => {
    const header = read(`src/${stop}`).split('*/')[0];
    const line = header.split('Reading order:')[1] ?? '';
    expect(line).toContain(from ?? 'first stop');
    expect(line).toContain(next ?? 'last stop');
  });
});

describe('docs/derivations', () => {
  test.each([
    ['rnn', 'rnn'],
    ['lstm', 'lstm'],
    ['gru', 'gru'],
    ['gru', 'gru-reset-before'],
  ])('%s.md quotes the equations of cells/%s.ts', (page, cell) => {
    const header = read(`src/cells/${cell}.ts`).split('*/')[0];
    const equations = header.split('\n').filter((line) => /^ \* {3}\(\d\)/.test(line));
    expect(equations.length).toBeGreaterThan(3);
    const text = read(`docs/derivations/${page}.md`);
    for (const equation of equations) expect(text).toContain(equation.replace(/^ \* /, ''));
  });
});

test('CONTRIBUTING.md: every name of the tree exists, and every folder of src is in the tree', () => {
  const { code } = codeBlocks(read('CONTRIBUTING.md')).find(
    ({ language, code }) => !language && code.startsWith('src/'),
  )!;
  const names = code.split('\n').map((line) => line.split(' ')[0]);
  expect(names.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  const folders = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => join('src', name))
    .filter((path) => statSync(join(ROOT, path)).isDirectory());
  expect(names).toEqual(expect.arrayContaining(folders.map((folder) => `${folder}/`)));
});

/** Every command of the `sh` blocks of a document, comments and line continuations removed. */
function commandsOf(markdown: string): string[] {
  return codeBlocks(markdown)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.replace(/\\\n\s*/g, '').split('\n'))
    .flatMap((line) => line.replace(/(^|\s)#.*$/, '').split(/&&|\|/))
    .map((command) => command.trim())
    .filter(Boolean);
}

let program: Awaited<ReturnType<typeof createProgram>>;
beforeAll(async () => {
  program = await createProgram(nowhere());
});

/** Why a command cannot be run; undefined where it can. */
function faultOfCommand(command: string): string | undefined {
  const words = command.replace(/^(?:[A-Z_]+=\S+ +)*(?:npx )?/, '').split(/\s+/);
  if (words[0] === 'npm') {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const script = words[1] === 'run' ? words[2] : ['start', 'test'].includes(words[1]) ? words[1] : undefined;
    if (script !== undefined) return script in scripts ? undefined : `${command}: no such script`;
    return ['ci', 'i', 'install'].includes(words[1]) ? undefined : `${command}: no such npm command`;
  }
  if (words[0] !== 'bptt')
    return ['echo', 'jest', 'node', 'tsc'].includes(words[0]) ? undefined : `${command}: unknown program`;
  const known = program.commands.find((each) => each.name() === words[1]);
  if (!known) return `${command}: no such command`;
  const unknown = words.find((word) => word.startsWith('--') && !known.options.some(({ long }) => long === word));
  return unknown && `${command}: no option ${unknown}`;
}

function nowhere(): Terminal {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() }) as unknown as Terminal['stdout'];
  return { stdout: stream, stderr: stream, env: {} } as Terminal;
}
