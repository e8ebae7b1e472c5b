/** `bptt train --checkpoint`, `--every` and `--resume`: killed and resumed, the same bytes; what does not fit is refused. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { checkpointInterval } from '../../../src/cli/arguments';
import { bptt, startBptt } from '../../support/cli';
import { bpttHere } from '../../support/cli-here';
import { createWorkspace, overriding, TINY } from '../../support/workspace';
import type { Workspace } from '../../support/workspace';

let space: Workspace;
beforeAll(() => void (space = createWorkspace()));
afterAll(() => space.remove());

const PRELOAD = `--import=${pathToFileURL(resolve(__dirname, '../../support/kill.mjs')).href}`;
const DATA = ['--train', 'train.tsv', '--dev', 'dev.tsv', '--epochs', '3', '--backend', 'wasm'];
const LOOP = ['--checkpoint', 'run.ckpt', '--resume', 'run.ckpt'];
const here = (...args: string[]) => bpttHere(['train', ...overriding([...DATA, ...TINY], args)], space.folder);
/** In a process of its own: threads need one. */
const there = (...args: string[]) => bptt(['train', ...overriding([...DATA, ...TINY], args)], { cwd: space.folder });
const bytesOf = (name: string) => readFileSync(space.at(name)).toString('base64');
const drafts = () => readdirSync(space.folder).filter((name) => name.startsWith('.bptt-'));
const forget = (...names: string[]) => names.forEach((name) => rmSync(space.at(name), { force: true }));

type When = 'half' | 'before' | 'after' | 'full';

/** The command in a process that kills itself at its `at`-th checkpoint. */
function killed(when: When, at: number, args: readonly string[]) {
  const env = { NODE_OPTIONS: PRELOAD, KILL_AT: String(at), KILL_WHEN: when };
  return bptt(['train', ...overriding([...DATA, ...TINY], args)], { cwd: space.folder, env });
}

describe('killed by SIGKILL while it writes, and begun again by the same command', () => {
  // 80 sentences in batches of 8: ten updates an epoch, thirty in all.
  const moments = fc.sample(fc.record({ at: fc.integer({ min: 2, max: 5 }) }), { seed: 16, numRuns: 3 });
  const whens: readonly When[] = ['half', 'before', 'after'];

  test.each<readonly [name: string, every: string, more: readonly string[]]>([
    ['an average and plateau', '2u', ['--ema', '0.9', '--schedule', 'plateau:0.5,0', '--dropout', '0.3']],
    ['CRF on two threads', '3u', ['--head', 'crf', '--cell', 'gru', '--threads', '2']],
  ])('%s: the model, the checkpoint and the log of a run that was never killed', (_name, every, more) => {
    forget('run.ckpt', 'log.jsonl', 'killed.safetensors');
    const args = [...more, ...LOOP, '--every', every, '--log', 'log.jsonl'];
    const whole = there(...more, '--out', 'whole.safetensors', '--log', 'whole.jsonl');
    expect(whole.status).toBe(0);
    let updates = 0;
    for (const [i, { at }] of moments.entries()) {
      const { status, stderr } = killed(whens[i], at, [...args, '--out', 'killed.safetensors']);
      expect(status).toBe(null);
      if (i === 0) expect(stderr).toContain('no checkpoint run.ckpt yet: starting from the beginning\n');
      else
        expect(stderr).toMatch(
          new RegExp(`^resumed from run.ckpt: epoch \\d/3, batch \\d+ of 10 done, ${updates} updates$`, 'm'),
        );
      updates += Number.parseInt(every) * (whens[i] === 'after' ? at : at - 1);
      expect(existsSync(space.at('killed.safetensors'))).toBe(false);
      if (whens[i] !== 'after') expect(drafts().length).toBe(1);
    }
    const end = there(...args, '--out', 'killed.safetensors');
    expect([end.status, drafts()]).toEqual([0, []]);
    expect(end.stderr).toContain(`, ${updates} updates\n`);
    expect(bytesOf('killed.safetensors')).toBe(bytesOf('whole.safetensors'));
    expect(timeless('log.jsonl')).toEqual(timeless('whole.jsonl'));
    forget('killed.safetensors');
    const again = there(...args, '--out', 'killed.safetensors');
    expect(again.stderr).toContain('resumed from run.ckpt: it is finished, after epoch 3/3, 30 updates\n');
    expect(bytesOf('killed.safetensors')).toBe(bytesOf('whole.safetensors'));
    expect(timeless('log.jsonl')).toEqual(timeless('whole.jsonl'));
  });

  /** The epochs of a log without what the clock says, and how often it says how it began and ended. */
  function timeless(name: string): unknown[] {
    const lines = readFileSync(space.at(name), 'utf8').trimEnd().split('\n');
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    return entries.flatMap(({ event, seconds: _s, tokensPerSecond: _t, ...rest }) =>
      event === 'epoch' ? [rest] : event === 'resume' ? [] : [event],
    );
  }
});

test('Ctrl-C writes a last checkpoint, says so, and the training goes on from there', async () => {
  forget('run.ckpt', 'stopped.safetensors');
  const whole = await here('--epochs', '40', '--patience', '40', '--out', 'whole.safetensors');
  expect(whole.status).toBe(0);
  const args = [
    ...overriding([...DATA, ...TINY], ['--epochs', '40', '--patience', '40']),
    ...LOOP,
    '--out',
    'stopped.safetensors',
  ];
  const child = startBptt(['train', ...args], { cwd: space.folder });
  const seen = new Promise<void>((done) =>
    child.stderr.on('data', (data: Buffer) => String(data).includes('epoch 1/40') && done()),
  );
  const [said] = [text(child.stderr)];
  await seen;
  child.kill('SIGINT');
  const [status] = (await once(child, 'exit')) as [number];
  expect(status).toBe(130);
  expect(await said).toMatch(
    /^bptt: interrupted; the best model so far, of epoch \d+, was saved to stopped.safetensors; continue from here with --resume run.ckpt$/m,
  );
  const again = await here('--epochs', '40', '--patience', '40', ...LOOP, '--out', 'stopped.safetensors');
  expect([again.status, again.stderr]).toEqual([0, expect.stringMatching(/^resumed from run.ckpt: /m)]);
  expect(bytesOf('stopped.safetensors')).toBe(bytesOf('whole.safetensors'));
});

describe('what is said and refused', () => {
  beforeAll(async () => {
    forget('run.ckpt');
    const { status, stderr } = await here('--checkpoint', 'run.ckpt', '--epochs', '1', '--out', 'one.safetensors');
    expect([status, stderr]).toEqual([0, expect.stringContaining('\ncheckpoint run.ckpt every 5 minutes\n')]);
  });
  const resumed = (...args: string[]) =>
    here('--epochs', '1', '--out', 'one.safetensors', '--resume', 'run.ckpt', ...args);

  test.each([
    [['--lr', '0.5'], 'lr was 0.003 and is 0.5'],
    [['--seed', '4'], 'seed was 1 and is 4'],
    [['--threads', '2'], 'threads was 1 and is 2'],
    [['--backend', 'cpu'], 'backend was wasm-simd and is cpu'],
    [['--train', 'test.tsv'], 'training data differs'],
    [['--dev', 'test.tsv'], 'development data differs'],
  ])('another training, %j: status 2, the files as they were', async (args, what) => {
    const before = bytesOf('run.ckpt');
    space.write('kept.jsonl', '{"event":"start"}\n');
    const { status, stderr } = await resumed('--quiet', '--checkpoint', 'run.ckpt', '--log', 'kept.jsonl', ...args);
    expect([status, stderr.trimEnd().split('\n').length]).toEqual([2, 1]);
    expect(stderr).toContain(`the checkpoint is from another run: ${what}`);
    expect(bytesOf('run.ckpt')).toBe(before);
    expect(readFileSync(space.at('kept.jsonl'), 'utf8')).toBe('{"event":"start"}\n');
  });

  test('--quiet, --json, --log, --profile, --test and --out may differ', async () => {
    const { status, stdout } = await resumed(
      '--quiet',
      '--json',
      '--log',
      'other.jsonl',
      '--profile',
      '--test',
      'test.tsv',
    );
    expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ epochs: 1, test: expect.any(Object) })]);
    const entries = readFileSync(space.at('other.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.map(({ event }) => event)).toEqual(['start', 'epoch', 'resume', 'end']);
    expect(entries[2]).toEqual({
      event: 'resume',
      from: 'run.ckpt',
      epoch: 1,
      batch: 10,
      batches: 10,
      updates: 10,
      between: true,
      finished: true,
    });
  });

  test('cut off, spoiled, a model, a text: status 65, one line that begins with the name', async () => {
    const bytes = readFileSync(space.at('run.ckpt'));
    const spoiled = Buffer.from(bytes);
    spoiled[bytes.length - 3] ^= 4;
    const files: Record<string, Uint8Array> = {
      cut: bytes.subarray(0, bytes.length - 1),
      half: bytes.subarray(0, bytes.length >> 1),
      empty: Buffer.alloc(0),
      spoiled,
      text: Buffer.from('run'),
      model: readFileSync(space.at('one.safetensors')),
    };
    for (const [name, contents] of Object.entries(files)) {
      space.write(`${name}.ckpt`, contents);
      const { status, stdout, stderr } = await here('--resume', `${name}.ckpt`, '--quiet');
      expect([name, status, stdout, stderr.split('\n').length]).toEqual([name, 65, '', 2]);
      expect(stderr).toMatch(new RegExp(`^bptt: ${name}.ckpt: `));
    }
    expect((await here('--resume', 'model.ckpt')).stderr).toContain(
      'expected a training checkpoint; got a model: pass what --checkpoint',
    );
  });

  test('a checkpoint is not a model: status 65, and what to do; a search has none', async () => {
    const { status, stderr } = await bpttHere(['eval', 'run.ckpt', 'dev.tsv'], space.folder);
    expect([status, stderr]).toEqual([
      65,
      'bptt: run.ckpt: expected a model; got a training checkpoint: finish it with bptt train --resume, which writes the model\n',
    ]);
    const search = await bpttHere(
      ['search', '--random', '2', '--train', 'train.tsv', '--dev', 'dev.tsv', '-o', 'b.json', '--checkpoint', 'a'],
      space.folder,
    );
    expect([search.status, search.stderr]).toEqual([2, expect.stringContaining("unknown option '--checkpoint'")]);
  });

  test.each([
    [['--every', '5m'], '--every has no effect without --checkpoint'],
    [['--seeds', '2', '--checkpoint', 'a.ckpt'], '--checkpoint applies to a single run, and --seeds starts several'],
    [['--ensemble', '2', '--resume', 'run.ckpt'], '--resume applies to a single run, and --ensemble starts several'],
    [['--find-lr', '--checkpoint', 'a.ckpt'], '--checkpoint cannot be combined with --find-lr'],
    [['--resume', ''], '--resume must name a file; got an empty name'],
    [['--resume', '-'], '--resume must name a file; got "-"'],
    [['--checkpoint', 'train.tsv'], '--checkpoint train.tsv would overwrite the input train.tsv'],
    [['--checkpoint', './a.ckpt', '--out', 'a.ckpt'], '--out and --checkpoint are the same file'],
    [['--resume', 'run.ckpt', '--out', 'run.ckpt'], '--out run.ckpt would overwrite the input run.ckpt'],
    [
      ['--checkpoint', 'a.ckpt', '--every', '0u'],
      'It must be an integer of at least 1 followed by s, m, h or, for updates, u',
    ],
  ])('%j', async (args, message) => {
    const { status, stderr } = await bpttHere(['train', '--train', 'train.tsv', ...args], space.folder);
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  test('where the file could never be written it is refused at once', async () => {
    const { status, stderr } = await here('--checkpoint', 'gone/run.ckpt');
    expect([status, stderr]).toEqual([1, expect.stringContaining('cannot write gone/run.ckpt: the folder')]);
  });

  test('a disk that is full later ends no training: it is said, and the status is 1 where the last one failed', () => {
    forget('run.ckpt');
    const args = ['--checkpoint', 'run.ckpt', '--every', '8u', '--out', 'full.safetensors', '--quiet'];
    const { status, stderr } = killed('full', 2, args);
    const [said, , , end] = stderr.split('\n');
    expect(said).toBe(
      'bptt: cannot write run.ckpt: no space left; training continues, and tries again every 8 updates',
    );
    expect([status, end]).toEqual([
      1,
      'bptt: cannot write run.ckpt: no space left; the model was saved to full.safetensors',
    ]);
    expect([existsSync(space.at('run.ckpt')), existsSync(space.at('full.safetensors')), drafts()]).toEqual([
      true,
      true,
      [],
    ]);
  });
});

test('intervals', () => {
  expect(['30s', '5m', '2h', '100u'].map(checkpointInterval)).toEqual([
    { seconds: 30 },
    { seconds: 300 },
    { seconds: 7200 },
    { updates: 100 },
  ]);
  for (const wrong of ['', '5', 'm', '0m', '-1s', '1.5m', '5M', '5 m', '5min', '99999999999999999h'])
    expect(() => checkpointInterval(wrong)).toThrow('It must be an integer');
});
