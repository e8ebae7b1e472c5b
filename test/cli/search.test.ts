/** `bptt search` as a process: what it finds, what a kill leaves, and what it refuses. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { bptt, startBptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(() => {
  space = createWorkspace();
  mkdirSync(space.at('tmp'));
});
afterAll(() => space.remove());

const DATA = ['--train', 'train.tsv', '--dev', 'dev.tsv'];
const SMALL = [...DATA, '--epochs', '3', '--embedding', '6', '--batch', '8'];
const SPACE = { lr: { min: 0.003, max: 0.1, log: true }, hidden: [4, 8], dropout: [0, 0.2] };
const run = (...args: string[]) => bptt(['search', ...args], { cwd: space.folder, env: { TMPDIR: space.at('tmp') } });
const here = (...args: string[]) => bpttHere(['search', ...args], space.folder);
const text = (name: string): string => readFileSync(space.at(name), 'utf8');

interface Report {
  readonly measure: string;
  readonly best: { trial: number; score: number; epochs: number; settings: object };
  readonly defaults: { trial: number; score: number; epochs: number } | null;
  readonly margin: number | null;
  readonly trials: { trial: number; epochs: number; score: number | null; failed: string | null; settings: object }[];
  readonly rungs: { epochs: number; trials: number }[];
}

/** Starts a search, waits for the line of a finished run, which is in the state by then, and ends it. */
function endAfterRun(signal: NodeJS.Signals, ...args: string[]): Promise<{ status: number | null; stderr: string }> {
  const child = startBptt(['search', ...args], { cwd: space.folder, env: { TMPDIR: space.at('tmp') } });
  let stderr = '';
  let isSent = false;
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    if (isSent || !/^rung 1 .*\n/m.test(stderr)) return;
    isSent = true;
    child.kill(signal);
  });
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, stderr })));
}

describe('a random search', () => {
  it('finds the best trial, and a training repeats it; killed and resumed it finds the same', async () => {
    space.write('space.json', JSON.stringify(SPACE));
    const asked = ['--random', '3', '--space', 'space.json', ...SMALL];
    const whole = run(...asked, '-o', 'best.json', '--json');
    expect([whole.status, whole.stderr]).toEqual([0, expect.stringContaining('rungs: 3 trials of 1 epoch, 1 trial of 3 epochs, and trial 1 on each\n')]); // prettier-ignore
    const report = JSON.parse(whole.stdout) as Report;
    expect(report.rungs).toEqual([{ epochs: 1, trials: 3 }, { epochs: 3, trials: 1 }]); // prettier-ignore
    expect(report.trials.map(({ trial }) => trial).sort()).toEqual([1, 2, 3]);
    expect(report.trials.find(({ trial }) => trial === 1)).toMatchObject({ epochs: 3, settings: {} });
    expect(report.best.score).toBeGreaterThanOrEqual(report.defaults!.score);
    expect(report.margin).toBe(report.best.score - report.defaults!.score);
    expect(readdirSync(space.at('tmp'))).toEqual([]);

    const repeated = await bpttHere(['train', '--config', 'best.json', '--json'], space.folder);
    const { dev } = JSON.parse(repeated.stdout) as { dev: { accuracy: number; spanF1: number | null } };
    expect(dev.spanF1 ?? dev.accuracy).toBe(report.best.score);
    const saved = JSON.parse(text('model.config.json')) as object;
    expect(JSON.parse(text('best.json'))).toEqual(saved); // resolved as a training resolves its settings

    const stopped = await endAfterRun('SIGINT', ...asked, '-o', 'again.json', '--parallel', '2');
    expect([stopped.status, stopped.stderr]).toEqual([130, expect.stringMatching(/\nbptt: interrupted; \d finished runs? kept in again.search.json: the same command resumes from there\n$/)]); // prettier-ignore
    expect([existsSync(space.at('again.json')), readdirSync(space.at('tmp'))]).toEqual([false, []]);
    const finished = (JSON.parse(text('again.search.json')) as { runs: unknown[] }).runs.length;
    const killed = await endAfterRun('SIGKILL', ...asked, '-o', 'again.json', '--parallel', '1');
    expect([killed.status, existsSync(space.at('again.json'))]).toEqual([null, false]);
    expect(killed.stderr).toContain(`again.search.json: ${finished} run`);
    const resumed = run(...asked, '-o', 'again.json', '--parallel', '1', '--quiet');
    expect([resumed.status, resumed.stdout, resumed.stderr]).toEqual([0, '', '']);
    expect(text('again.json')).toBe(text('best.json'));

    const told = run(...asked, '-o', 'again.json');
    expect(told.stdout).toMatch(/^rank {2}trial {2}epochs {2}best {2}dev accuracy {2}time {2}lr +hidden +dropout\n/);
    expect(told.stdout).toContain(`\nbest    trial ${report.best.trial}, dev accuracy `);
    expect(told.stderr).not.toContain('rung 1'); // nothing runs again
  });

  it('is refused where its state is that of another search', async () => {
    writeFileSync(space.at('space.json'), JSON.stringify(SPACE));
    const asked = ['--random', '3', '--space', 'space.json', ...SMALL, '-o', 'best.json'];
    const another = /^bptt: best.search.json is the state of another search, which differs in (.*): remove the file to start over, or choose another one \(--state\)\n$/; // prettier-ignore
    const differing = async (...more: string[]) => {
      const { status, stderr } = await here(...asked, ...more);
      return [status, another.exec(stderr.split('\n').at(-2) + '\n')?.[1]];
    };
    expect(await differing('--seed', '2')).toEqual([2, '--seed (now 2, there 1)']);
    expect(await differing('--cell', 'gru')).toEqual([2, 'the setting cell (now gru, there lstm)']);
    expect(await differing('--no-halving')).toEqual([2, 'the rungs: --epochs, --eta or --no-halving']);
    const before = text('best.search.json');
    space.write('space.json', JSON.stringify({ ...SPACE, hidden: [4, 9] }));
    expect(await differing()).toEqual([2, 'the space']);
    space.write('space.json', JSON.stringify(SPACE));
    const dev = text('dev.tsv');
    space.write('dev.tsv', dev.slice(0, dev.lastIndexOf('\n\n', dev.length - 3) + 2));
    expect(await differing()).toEqual([2, 'the development data']);
    space.write('dev.tsv', dev);
    expect(text('best.search.json')).toBe(before);
    space.write('broken.json', before.slice(0, 200));
    const cut = await here(...asked, '--state', 'broken.json');
    expect([cut.status, cut.stderr.split('\n').at(-2)]).toEqual([65, expect.stringMatching(/^bptt: broken.json: /)]);
    space.write('broken.json', '{"bptt": "train-config-1"}');
    const other = await here(...asked, '--state', 'broken.json');
    expect([other.status, other.stderr]).toEqual([65, expect.stringContaining('broken.json is not the state of a search')]); // prettier-ignore
  });
});

describe('a grid', () => {
  it('goes on where a trial fails, which is last', () => {
    space.write('grid.json', JSON.stringify({ lr: [1e38, 0.1], layers: [1, 2] }));
    const flags = [
      ...DATA,
      '--epochs',
      '2',
      '--embedding',
      '6',
      '--hidden',
      '5',
      '--optimizer',
      'sgd',
      '--clip',
      'none',
    ];
    const { status, stdout } = run('--grid', 'grid.json', ...flags, '--no-halving', '-o', 'grid-best.json', '--json', '--quiet'); // prettier-ignore
    const report = JSON.parse(stdout) as Report;
    expect([status, report.defaults, report.margin]).toEqual([0, null, null]);
    expect(report.trials.map(({ settings, score }) => [settings, score === null])).toEqual([
      [{ lr: 0.1, layers: expect.any(Number) as number }, false],
      [{ lr: 0.1, layers: expect.any(Number) as number }, false],
      [{ lr: 1e38, layers: 1 }, true],
      [{ lr: 1e38, layers: 2 }, true],
    ]);
    expect(report.trials[2].failed).toMatch(/loss/);
    const table = run('--grid', 'grid.json', ...flags, '--no-halving', '-o', 'grid-best.json').stdout;
    expect(table).toMatch(
      /\n {3}3 {6}1 .* failed .*\n {3}4 {6}2 .* failed .*\ntrial 1 failed: .*loss.*\ntrial 2 failed: /,
    );
  });

  it('ends with 1 where all trials fail, and writes no settings', () => {
    space.write('bad.json', JSON.stringify({ lr: [1e38] }));
    const { status, stdout, stderr } = run('--grid', 'bad.json', ...DATA, '--epochs', '2', '--optimizer', 'sgd', '--clip', 'none', '-o', 'none.json', '--quiet'); // prettier-ignore
    expect([status, stdout, stderr]).toEqual([1, '', expect.stringMatching(/^bptt: all 1 trial failed; the first: .*loss.*\n$/)]); // prettier-ignore
    expect(existsSync(space.at('none.json'))).toBe(false);
  });
});

describe('refusals', () => {
  beforeAll(() => {
    space.write('s.json', '{"lr": [0.1, 0.2]}');
    space.write('c.json', JSON.stringify({ bptt: 'train-config-1', train: 'train.tsv', test: 'test.tsv', seeds: 2, random: 3 })); // prettier-ignore
    space.write('large.json', JSON.stringify({ hidden: [...Array(40).keys()].map((i) => i + 1), layers: [...Array(40).keys()].map((i) => i + 1) })); // prettier-ignore
  });
  const random = ['--random', '3', ...DATA];
  it.each([
    ['no way of searching', DATA, 2, 'expected --random N, trials that are drawn, or --grid FILE, every combination; neither was given'],
    ['two ways', [...random, '--grid', 's.json'], 2, 'both were given'],
    ['a space of a grid', ['--grid', 's.json', '--space', 's.json', ...DATA], 2, '--space applies only to --random'],
    ['test data', [...random, '--test', 'test.tsv'], 2, '--test: a search must not see test data'],
    ['a share for test', ['--random', '3', '--train', 'train.tsv', '--split', '80/10/10'], 2, '--split makes a test corpus of 10 %'],
    ['seeds', [...random, '--seeds', '3'], 2, '--seeds: a trial is one training'],
    ['an ensemble', [...random, '--ensemble', '3'], 2, '--ensemble: a trial is one training'],
    ['no dev', ['--random', '3', '--train', 'train.tsv'], 2, 'a development set decides which trial is best, and there is none'],
    ['no train', ['--random', '3'], 2, "required option '--train <file>' not specified"],
    ['standard input', ['--random', '3', '--train', '-', '--dev', 'dev.tsv'], 2, 'standard input does not allow: pass a file'],
    ['an unknown option', [...random, '--learning-rate', '1'], 2, "unknown option '--learning-rate'"],
    ['no trials', ['--random', '0', ...DATA], 2, 'It must be an integer from 1 to 1000'],
    ['an eta of 1', [...random, '--eta', '1'], 2, 'It must be an integer of at least 2'],
    ['a setting fixed and searched', [...random, '--space', 's.json', '--lr', '0.1'], 2, '--lr is fixed on the command line and searched in s.json'],
    ['settings that do not go together', [...random, '--optimizer', 'sgd', '--beta2', '0.9'], 2, '--beta2 has no effect with --optimizer sgd'],
    ['an idle setting', [...random, '--space', 's.json', '--affix-size', '9'], 2, '--affix-size has no effect without the encoder affixes'],
    ['an output over an input', [...random, '-o', 'dev.tsv'], 2, '--out dev.tsv would overwrite the input dev.tsv'],
    ['an output over something else', [...random, '-o', 'test.tsv'], 2, '--out test.tsv exists, and is not a configuration of bptt'],
    ['one output', [...random, '-o', 'b.json', '--state', 'b.json'], 2, '--out and --state are the same file'],
    ['a space that is missing', [...random, '--space', 'gone.json'], 65, 'gone.json'],
    ['a grid that is too large', ['--grid', 'large.json', ...DATA], 65, 'large.json: the grid has 1,600 trials; expected at most 1,000'],
    ['data that are missing', ['--random', '3', '--train', 'gone.tsv', '--dev', 'dev.tsv'], 65, 'gone.tsv'],
    ['a configuration with keys of the search', ['--random', '3', '--dev', 'dev.tsv', '--config', 'c.json'], 65, 'c.json: unknown key "random"'],
  ])('%s', async (_name, args, expected, message) => {
    const { status, stdout, stderr } = await here(...args);
    expect([status, stdout, stderr]).toEqual([expected, '', expect.stringContaining(message)]);
    expect(stderr).toMatch(/^bptt: [^\n]*\n$/);
    expect([existsSync(space.at('b.json')), existsSync(space.at('b.search.json'))]).toEqual([false, false]);
  }); // prettier-ignore

  it.each([
    ['{"lr": [0.1', 65, 'space.json: '],
    ['{"lrr": [0.1]}', 65, 'space.json: unknown setting "lrr": expected one of bptt train; did you mean "lr"?'],
    ['{"test": ["x"]}', 65, 'space.json: "test" cannot be searched: a search never uses test data'],
  ])('the space %s', async (contents, expected, message) => {
    space.write('space.json', contents);
    const { status, stderr } = await here(...random, '--space', 'space.json');
    expect([status, stderr]).toEqual([expected, expect.stringContaining(message)]);
  });

  it('of a configuration: its test data are left out, and that is said', async () => {
    space.write('c.json', JSON.stringify({ bptt: 'train-config-1', train: 'train.tsv', test: 'test.tsv', seeds: 2 }));
    const { status, stderr } = await here('--random', '3', '--config', 'c.json');
    expect(stderr).toMatch(
      /^config c.json: 1 setting; not used here: test, seeds\nbptt: search: a development set decides/,
    );
    expect(status).toBe(2);
  });
});

it('says what it can do', async () => {
  const { status, stdout } = await here('--help');
  expect(status).toBe(0);
  for (const part of ['--random <n>', '--grid <file>', '--space <file>', '--parallel <n>', '--eta <n>', '--no-halving', 'Example:\n  bptt search']) {
    expect(stdout).toContain(part);
  } // prettier-ignore
  expect(stdout).not.toContain('--test <file>  ');
});
