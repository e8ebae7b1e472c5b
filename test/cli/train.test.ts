import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { watchInterrupt } from '../../src/cli/interrupt';
import { decodeSafetensors } from '../../src/labeling/safetensors';
import { loadModel } from '../../src/labeling/model-file';
import { bptt, startBptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, TINY } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(() => {
  space = createWorkspace();
});
afterAll(() => space.remove());

const DATA = ['--train', 'train.tsv', '--dev', 'dev.tsv', '--test', 'test.tsv'];
const train = (...args: string[]) => bpttHere(['train', ...args], space.folder);
const model = (name: string) => loadModel(readFileSync(space.at(name)));

interface Report {
  dev: { accuracy: number } | null;
  bestEpoch: number;
  epochs: number;
}

describe('what is printed where', () => {
  test('--profile: where the time went, as a table and in the object', async () => {
    const more = ['--epochs', '1', '--out', 'p.safetensors', '--profile'];
    const { stdout } = await train(...DATA, ...TINY, ...more);
    expect(stdout).toMatch(/^phase +share +time +calls {2}of \d+\.\d\d s$/m);
    expect(stdout).toMatch(/^products +\d+\.\d % /m);
    const { stdout: json } = await train(...DATA, ...TINY, ...more, '--json');
    const { profile } = JSON.parse(json) as { profile: { name: string; share: number }[] };
    expect(profile.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['products', 'scan forward', 'update', 'other']),
    );
    expect(profile.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
  });

  test('--json: one object with the fields of the contract, progress beside it, a log in JSON lines', async () => {
    const more = ['--epochs', '3', '--seed', '4', '--out', 'a.safetensors', '--log', 'a.jsonl', '--json'];
    const { status, stdout, stderr } = bptt(['train', ...DATA, ...TINY, ...more], { cwd: space.folder });
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    const scores = { accuracy: expect.any(Number), spanF1: null, tokens: expect.any(Number) };
    expect(report).toEqual({
      dev: { ...scores, oovAccuracy: (report.dev as { oovAccuracy: number | null }).oovAccuracy },
      test: { ...scores, oovAccuracy: expect.any(Number) },
      epochs: 3,
      bestEpoch: expect.any(Number),
      seconds: expect.any(Number),
      tokensPerSecond: expect.any(Number),
      parameters: expect.any(Number),
      backend: 'wasm-simd',
      seed: 4,
      model: 'a.safetensors',
    });
    expect(stdout.trimEnd()).not.toContain('\n');
    expect(stderr).toMatch(/^train 80 sentences, \d+ tokens; dev 30 sentences, .* backend wasm-simd \(.+\)$/m);
    for (const epoch of [1, 2, 3]) expect(stderr).toMatch(new RegExp(`^epoch ${epoch}/3 {2}loss \\d.*dev \\d`, 'm'));
    const total = Object.values(decodeSafetensors(readFileSync(space.at('a.safetensors'))).tensors);
    expect(report.parameters).toBe(total.reduce((sum, tensor) => sum + tensor.data.length, 0));

    const log = readFileSync(space.at('a.jsonl'), 'utf8').trimEnd().split('\n');
    const entries = log.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.map(({ event }) => event)).toEqual(['start', 'epoch', 'epoch', 'epoch', 'end']);
    expect(entries[0]).toMatchObject({ train: 'train.tsv', hidden: 7, seed: 4, backend: 'wasm-simd' });
    expect(entries[1]).toMatchObject({ epoch: 1, loss: expect.any(Number), dev: { tokens: expect.any(Number) } });
    expect(entries[4]).toEqual({ event: 'end', ...report });
  });

  test('without --json: a summary on standard output, progress on standard error', async () => {
    const { status, stdout, stderr } = await train(...DATA, ...TINY, '--epochs', '1');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^epochs {2}1, best 1, .* tokens\/s$/m);
    expect(stdout).toMatch(/^model {3}model\.safetensors, [\d,]+ parameters$/m);
    expect(stdout).toMatch(/^dev {5}accuracy [\d.]+ %/m);
    expect(stdout).toMatch(/^test {4}accuracy [\d.]+ %/m);
    expect(stderr).toContain('epoch 1/1');
    expect(existsSync(space.at('model.safetensors'))).toBe(true);
  });

  test('--quiet says nothing, and with --json only the object', async () => {
    const args = ['--train', 'train.tsv', ...TINY, '--epochs', '1', '--quiet'];
    expect(await train(...args)).toEqual({ status: 0, stdout: '', stderr: '' });
    const { stdout, stderr } = await train(...args, '--json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ dev: null, test: null, bestEpoch: 1 });
  });

  test('--help shows every flag, a default, and an example', async () => {
    const { status, stdout, stderr } = await train('--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const flags =
      'train dev test format column cell embedding hidden layers no-bidirectional dropout word-dropout min-count lower-case no-signatures ' +
      'optimizer lr schedule epochs batch clip truncate patience seed backend out log quiet json';
    for (const flag of flags.split(' ')) expect(stdout).toMatch(new RegExp(`^ +--${flag}\\b`, 'm'));
    expect(stdout).toContain('Example:\n  bptt train');
    expect(stdout).toContain('(default: 100)');
  });
});

describe('every flag reaches the training', () => {
  test('shape of the model', async () => {
    const shape = [
      '--cell',
      'gru',
      '--embedding',
      '5',
      '--hidden',
      '3',
      '--layers',
      '2',
      '--no-bidirectional',
      '--dropout',
      '0.25',
    ];
    const { status } = await train(
      '--train',
      'train.tsv',
      '--epochs',
      '1',
      '--quiet',
      '--out',
      'b.safetensors',
      ...shape,
    );
    expect(status).toBe(0);
    const { config } = model('b.safetensors');
    expect(config).toEqual({ cell: 'gru', embedding: 5, hidden: [3, 3], bidirectional: false, dropout: 0.25 });
  });

  test('vocabulary', async () => {
    const args = ['--train', 'train.tsv', ...TINY, '--epochs', '1', '--quiet', '--out', 'c.safetensors'];
    await train(...args);
    const whole = model('c.safetensors').words.size;
    await train(...args, '--min-count', '9');
    expect(model('c.safetensors').words.size).toBeLessThan(whole);
    expect(model('c.safetensors').words.signatures).not.toBeNull();
    space.write('case.tsv', 'The\tD\nthe\tD\nTHE\tD\n\n');
    args.push('--min-count', '1', '--no-signatures');
    await train(...args, '--train', 'case.tsv');
    const cased = model('c.safetensors').words.size;
    await train(...args, '--train', 'case.tsv', '--lower-case');
    expect(model('c.safetensors').words.size).toBe(cased - 2);
    expect(model('c.safetensors').words.signatures).toBeNull();
  });

  test.each<[string, string[]]>([
    ['--seed', ['--seed', '2']],
    ['--lr', ['--lr', '0.05']],
    ['--optimizer adamw', ['--optimizer', 'adamw', '--lr', '0.05']],
    ['--optimizer sgd', ['--optimizer', 'sgd']],
    ['--schedule', ['--schedule', 'warmup:50']],
    ['--batch', ['--batch', '16']],
    ['--clip', ['--clip', '0.01']],
    ['--truncate', ['--truncate', '2,3']],
    ['--dropout', ['--dropout', '0']],
    ['--word-dropout', ['--word-dropout', '0.5']],
  ])('%s changes the weights, and the same command gives the same bytes', async (_, flags) => {
    const out = ['--out', 'd.safetensors'];
    const args = ['--train', 'train.tsv', ...TINY, '--epochs', '1', '--quiet', ...out, ...flags];
    expect(await train(...args)).toEqual({ status: 0, stdout: '', stderr: '' });
    const bytes = readFileSync(space.at('d.safetensors'));
    expect(bytes.equals(await plain())).toBe(false);
    await train(...args);
    expect(readFileSync(space.at('d.safetensors')).equals(bytes)).toBe(true);
  });

  let cachedPlain: Buffer | undefined;
  async function plain(): Promise<Buffer> {
    if (!cachedPlain) {
      await train('--train', 'train.tsv', ...TINY, '--epochs', '1', '--quiet', '--out', 'plain.safetensors');
      cachedPlain = readFileSync(space.at('plain.safetensors'));
    }
    return cachedPlain;
  }

  test('--clip none is what it says', async () => {
    const args = ['--train', 'train.tsv', ...TINY, '--epochs', '1', '--quiet', '--out', 'e.safetensors'];
    await train(...args, '--clip', 'none');
    const unclipped = readFileSync(space.at('e.safetensors'));
    await train(...args, '--clip', '1e9');
    expect(readFileSync(space.at('e.safetensors')).equals(unclipped)).toBe(true);
  });

  test.each([
    ['cpu', 'cpu'],
    ['wasm', 'wasm-simd'],
    ['wasm-relaxed', 'wasm-relaxed-simd'],
  ])('--backend %s runs on %s, and the same seed gives the same bytes there', async (name, backend) => {
    const args = ['--train', 'train.tsv', ...TINY, '--epochs', '1', '--backend', name, '--json'];
    const first = await train(...args, '--out', 'f.safetensors');
    await train(...args, '--out', 'g.safetensors');
    expect(JSON.parse(first.stdout)).toMatchObject({ backend });
    expect(readFileSync(space.at('g.safetensors')).equals(readFileSync(space.at('f.safetensors')))).toBe(true);
  });

  test('--patience ends a training that no longer improves', async () => {
    space.write('one.tsv', 'a\tX\n\n'); // right from the start, so never better again
    const args = ['--train', 'one.tsv', '--dev', 'one.tsv', ...TINY, '--epochs', '50', '--patience', '2', '--json'];
    expect(JSON.parse((await train(...args)).stdout)).toMatchObject({ epochs: 3, bestEpoch: 1, dev: { accuracy: 1 } });
  });

  test('--format and --column choose the labels', async () => {
    space.write('cols.txt', 'a X P\nb Y Q\n\n');
    const args = ['--train', 'cols.txt', ...TINY, '--epochs', '1', '--quiet', '--out', 'f.safetensors'];
    await train(...args);
    expect(model('f.safetensors').labels.labels).toEqual(['P', 'Q']);
    await train(...args, '--format', 'conll', '--column', '2');
    expect(model('f.safetensors').labels.labels).toEqual(['X', 'Y']);
  });
});

describe('interruption', () => {
  /** Sends a signal once the first epoch is reported, and waits for the end. */
  async function interrupted(signal: 'SIGINT' | 'SIGTERM', out: string) {
    const args = [...DATA, ...TINY, '--epochs', '100000', '--patience', '100000', '--json', '--out', out];
    const child = startBptt(['train', ...args], { cwd: space.folder });
    const stdout = text(child.stdout);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (!/^epoch 1\//m.test(stderr) && /^epoch 1\//m.test(stderr + chunk)) child.kill(signal);
      stderr += chunk;
    });
    const [status] = (await once(child, 'close')) as [number];
    return { status, stdout: await stdout, stderr };
  }

  test('Ctrl-C saves the best model so far and exits with 130', async () => {
    const { status, stdout, stderr } = await interrupted('SIGINT', 'int.safetensors');
    expect(status).toBe(130);
    const report = JSON.parse(stdout) as Report;
    expect(stderr).toMatch(
      new RegExp(
        `^bptt: interrupted; the best model so far, of epoch ${report.bestEpoch}, was saved to int.safetensors$`,
        'm',
      ),
    );
    // The best model, bit for bit: a training of just so many epochs ends with the same weights.
    const again = [
      ...DATA,
      ...TINY,
      '--epochs',
      String(report.bestEpoch),
      '--patience',
      '100000',
      '--out',
      'again.safetensors',
    ];
    const repeated = JSON.parse((await train(...again, '--json')).stdout) as Report;
    expect(repeated).toMatchObject({ bestEpoch: report.bestEpoch, dev: report.dev });
    expect(readFileSync(space.at('int.safetensors')).equals(readFileSync(space.at('again.safetensors')))).toBe(true);
  });

  test('a request to terminate does the same and exits with 143', async () => {
    const { status } = await interrupted('SIGTERM', 'term.safetensors');
    expect(status).toBe(143);
    expect(model('term.safetensors').labels.size).toBeGreaterThan(1);
  });

  test('a second Ctrl-C ends the process at once; a released watch leaves no listener', async () => {
    const exit = jest.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    const listeners = process.listenerCount('SIGINT');
    const watch = watchInterrupt();
    expect([watch.signal.aborted, watch.exitCode()]).toEqual([false, 0]);
    process.emit('SIGINT');
    expect([watch.signal.aborted, watch.exitCode()]).toEqual([true, 130]);
    expect(exit).not.toHaveBeenCalled();
    process.emit('SIGINT');
    expect(exit).toHaveBeenCalledWith(130);
    watch.release();
    expect(process.listenerCount('SIGINT')).toBe(listeners);
    exit.mockRestore();
  });
});
