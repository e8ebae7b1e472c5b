import { once } from 'node:events';
import fs, { existsSync, linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { threadCount } from '../../src/cli/arguments';
import { watchInterrupt } from '../../src/cli/interrupt';
import { saveTrained } from '../../src/cli/train/rescue';
import { describeThreads } from '../../src/cli/train/report';
import { decodeSafetensors } from '../../src/serialize/safetensors';
import { loadModel } from '../../src/labeling/model/file';
import { bptt, startBptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, overriding, TINY } from '../support/workspace';
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

describe('the backend', () => {
  // Without a display there is no device, also where gpu.js is installed.
  const start = (...args: string[]) => {
    const options = { cwd: space.folder, env: { DISPLAY: '' } };
    return bptt(['train', ...DATA, ...overriding([...TINY, '--epochs', '1', '--out', 'b.safetensors'], args)], options)
      .stderr;
  };

  test('auto says what runs, and why it is not a device', () => {
    expect(start()).toMatch(/; backend wasm-simd \(the preferred backend; no gpu: .+ missing, see bptt doctor\)$/m);
    expect(start('--threads', '2')).toMatch(
      /; backend wasm-simd \(the preferred backend; no gpu: it runs on one thread only, and more were requested\)$/m,
    );
  });

  test('asked for by name it is that and nothing else', () => {
    expect(start('--backend', 'cpu')).toMatch(/; backend cpu \(selected by name\)$/m);
  });
});

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
    const scores = { accuracy: expect.any(Number), spanF1: null, spanMode: null, tokens: expect.any(Number) };
    expect(report).toEqual({
      dev: { ...scores, oovAccuracy: (report.dev as { oovAccuracy: number | null }).oovAccuracy },
      test: { ...scores, oovAccuracy: expect.any(Number) },
      config: 'a.config.json',
      card: null,
      epochs: 3,
      decided: null,
      bestEpoch: expect.any(Number),
      outsideBias: null,
      seconds: expect.any(Number),
      tokensPerSecond: expect.any(Number),
      parameters: expect.any(Number),
      backend: 'wasm-simd',
      threads: 1,
      seed: 4,
      model: 'a.safetensors',
      warnings: [],
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
      'train dev test format column token-column comments skip-bad cell embedding hidden layers no-bidirectional dropout word-dropout min-count lower-case no-signatures ' +
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
    expect(config.body).toEqual({ cell: 'gru', hidden: [3, 3], bidirectional: false, dropout: 0.25 });
    expect(config.encoders[0].width).toBe(5);
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
    await train(...overriding(args, ['--train', 'case.tsv']));
    const cased = model('c.safetensors').words.size;
    await train(...overriding(args, ['--train', 'case.tsv', '--lower-case']));
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
    ['--ema', ['--ema', '0.9']],
    ['--label-smoothing', ['--label-smoothing', '0.1']],
    ['--adversarial', ['--adversarial', '0.1']],
    ['--class-weights balanced', ['--class-weights', 'balanced']],
    ['--class-weights', ['--class-weights', 'NOUN=0.2,DET=3']],
    ['--schedule hold', ['--schedule', 'hold:0.1,0.5']],
    ['--beta2', ['--beta2', '0.9']],
    ['--epsilon', ['--epsilon', '0.001']],
    ['--weight-decay', ['--weight-decay', '0.1']],
    ['--truncate', ['--truncate', '2,3']],
    ['--dropout', ['--dropout', '0']],
    ['--word-dropout', ['--word-dropout', '0.5']],
    ['--augment-case', ['--augment-case', '0.5']],
  ])('%s changes the weights, and the same command gives the same bytes', async (_, flags) => {
    const out = ['--out', 'd.safetensors'];
    const args = ['--train', 'train.tsv', ...overriding([...TINY, '--epochs', '1', '--quiet', ...out], flags)];
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

  test('--class-weights of a file are those of the list; another file is refused', async () => {
    space.write('w.json', '{"NOUN": 0.2, "DET": 3}');
    const own = async (weights: string) => {
      const args = ['--epochs', '1', '--quiet', '--class-weights', weights, '--out', 'w.safetensors'];
      expect((await train('--train', 'train.tsv', ...overriding(TINY, args))).stderr).toBe('');
      return readFileSync(space.at('w.safetensors'));
    };
    expect((await own('w.json')).equals(await own('NOUN=0.2,DET=3'))).toBe(true);
    for (const [text, message] of [
      ['[1]', 'w.json: expected an object of weights by label'],
      ['{"NOUN": 1, "NOUN": 2}', 'w.json: '],
      ['{"NOUN": "a"}', 'classWeights'],
    ]) {
      space.write('w.json', text);
      const { status, stderr } = await train(
        '--train',
        'train.tsv',
        ...overriding(TINY, ['--class-weights', 'w.json']),
      );
      expect([status === 65 || status === 2, stderr]).toEqual([true, expect.stringContaining(message)]);
    }
  });

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

describe('what the size of the data and presets decide', () => {
  test('by size: printed as options, in --json and the log; told the same, the same bytes', async () => {
    const sized = ['--train', 'train.tsv', '--dev', 'dev.tsv', '--embedding', '6', '--hidden', '7', '--patience', '1'];
    const { stdout, stderr } = await train(...sized, '--json', '--log', 'sized.jsonl', '--out', 'sized.safetensors');
    const { decided } = JSON.parse(stdout) as { decided: { options: Record<string, number> } };
    const { epochs, batch, lr } = decided.options;
    expect(batch).toBe(8);
    const said = `--epochs ${epochs} --batch 8 --lr ${lr}`;
    expect(stderr).toMatch(new RegExp(`^by size, for \\d+ sentences, .* tokens: ${said}$`, 'm'));
    const start = JSON.parse(readFileSync(space.at('sized.jsonl'), 'utf8').split('\n')[0]) as object;
    expect(start).toMatchObject({ epochs, batch, lr, decided });
    const told = await train(...sized, ...said.split(' '), '--json', '--out', 'told.safetensors');
    expect(JSON.parse(told.stdout)).toMatchObject({ decided: null });
    expect(readFileSync(space.at('told.safetensors')).equals(readFileSync(space.at('sized.safetensors')))).toBe(true);
  });

  test('--preset: what is given wins, and options of its encoders are taken', async () => {
    const more = [
      '--affix-size',
      '3',
      '--character-size',
      '4',
      '--hidden',
      '2',
      '--epochs',
      '1',
      '--out',
      'pos.safetensors',
    ];
    const { status, stderr, stdout } = await train('--train', 'train.tsv', '--preset', 'pos', '--json', ...more);
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^preset pos, for \d+ sentences, .*: --task tag --encoders words,affixes,characters .*--ema 0\.999/m,
    );
    expect(stderr).not.toMatch(/^preset pos.*--(epochs|hidden|affix-size)/m);
    expect(JSON.parse(stdout)).toMatchObject({ decided: { preset: 'pos', options: { labelSmoothing: 0.03 } } });
    const { config } = model('pos.safetensors');
    expect(config.encoders.map(({ kind }) => kind)).toEqual(['words', 'affixes', 'characters']);
    expect(config.body.hidden).toEqual([2]);
  });
});

describe('interruption', () => {
  /** Sends a signal once the first epoch is reported, and waits for the end. */
  async function interrupted(signal: 'SIGHUP' | 'SIGINT' | 'SIGTERM', out: string) {
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

  test.each([
    ['a request to terminate', 'SIGTERM', 143],
    ['a terminal that is closed', 'SIGHUP', 129],
  ] as const)('%s does the same: %s, exit status %d', async (_, signal, expected) => {
    const { status, stderr } = await interrupted(signal, `${signal}.safetensors`);
    expect(status).toBe(expected);
    expect(stderr).toMatch(
      /^bptt: interrupted; the best model so far, of epoch \d+, was saved to SIG[A-Z]+\.safetensors$/m,
    );
    expect(model(`${signal}.safetensors`).labels.size).toBeGreaterThan(1);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s in the first epoch leaves an existing file as it is; where there is none, it is written',
    async (signal, expected) => {
      const args = [...DATA, ...TINY, '--epochs', '9', '--log', 'first.jsonl', '--out', 'first.safetensors'];
      const interruptedAtStart = async (...more: string[]) => {
        const write = jest.spyOn(fs, 'writeFileSync'); // of the log: its first entry comes just before the first batch
        write.mockImplementationOnce(() => void process.emit(signal));
        return train(...args, ...more).finally(() => write.mockRestore());
      };
      space.write('first.safetensors', 'the work of hours');
      const kept = await interruptedAtStart('--json');
      expect(kept.status).toBe(expected);
      expect(readFileSync(space.at('first.safetensors'), 'utf8')).toBe('the work of hours');
      expect(JSON.parse(kept.stdout)).toMatchObject({ bestEpoch: 0, model: null });
      const left = 'no epoch was finished, and the file first.safetensors was left unchanged';
      expect(kept.stderr).toContain(`\nbptt: interrupted in the first epoch; ${left}\n`);
      expect((await interruptedAtStart()).stdout).toMatch(/^model {3}not saved, [\d,]+ parameters$/m);

      rmSync(space.at('first.safetensors'));
      const written = await interruptedAtStart('--json');
      expect(written.status).toBe(expected);
      expect(JSON.parse(written.stdout)).toMatchObject({ bestEpoch: 0, model: 'first.safetensors' });
      expect(written.stderr).toContain('; the current model was saved to first.safetensors\n');
      expect(model('first.safetensors').labels.size).toBeGreaterThan(1);
    },
  );

  test('a second Ctrl-C ends the process at once; a released watch leaves no listener', async () => {
    const exit = jest.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    const listenerCounts = () => ['SIGHUP', 'SIGINT', 'SIGTERM'].map((name) => process.listenerCount(name));
    const before = listenerCounts();
    let clock = 5000;
    const watch = watchInterrupt(() => clock);
    expect([watch.signal.aborted, watch.exitCode()]).toEqual([false, 0]);
    process.emit('SIGINT');
    expect([watch.signal.aborted, watch.exitCode()]).toEqual([true, 130]);
    expect(exit).not.toHaveBeenCalled();
    clock += 20; // an echo: whoever forwards a signal may send it twice
    process.emit('SIGINT');
    expect(exit).not.toHaveBeenCalled();
    clock += 1000;
    process.emit('SIGINT');
    expect(exit).toHaveBeenCalledWith(130);
    watch.release();
    expect(listenerCounts()).toEqual(before);
    exit.mockRestore();
  });
});

describe('threads', () => {
  const report = (stdout: string) => JSON.parse(stdout) as Report & { threads: number };
  const twice = ['--threads', '2', '--epochs', '2', '--json'];
  const trainThere = (args: readonly string[], env?: Record<string, string>) =>
    bptt(['train', ...DATA, ...TINY, ...args], { cwd: space.folder, env });

  test('--threads 2: said, reported, logged; the same bytes twice', () => {
    const first = trainThere([...twice, '--out', 't1.safetensors', '--log', 't1.jsonl']);
    expect(first.stderr).toMatch(/^2 threads(; .*take turns)?$/m);
    expect(first.status).toBe(0);
    expect(report(first.stdout)).toMatchObject({ threads: 2, epochs: 2 });
    const start = JSON.parse(readFileSync(space.at('t1.jsonl'), 'utf8').split('\n')[0]) as object;
    expect(start).toMatchObject({ event: 'start', threads: 2 });
    trainThere([...twice, '--out', 't2.safetensors']);
    expect(readFileSync(space.at('t2.safetensors')).equals(readFileSync(space.at('t1.safetensors')))).toBe(true);
  });

  test('a batch of one sentence occupies one thread, and says so', async () => {
    const args = ['--batch', '1', '--threads', '3', '--epochs', '1', '--json', '--out', 'b1.safetensors'];
    const { stdout, stderr } = await train(...DATA, ...overriding(TINY, args));
    expect(stderr).toMatch(/^1 thread; a batch of 1 sentence uses no more threads$/m);
    expect(report(stdout).threads).toBe(1);
  });

  test('a thread that ends: one line, status 1, and the best model so far', () => {
    // Loaded into every thread before the program: a worker exits at its 72nd arrival, of three an update, in the third epoch of ten batches.
    const killer = space.write(
      'killer.mjs',
      `import { isMainThread } from 'node:worker_threads';
       const add = Atomics.add;
       let arrivals = 0;
       if (!isMainThread) Atomics.add = (...args) => (++arrivals === 72 ? process.exit(3) : add(...args));`,
    );
    const args = ['--threads', '2', '--epochs', '9', '--patience', '9', '--out', 'rescued.safetensors'];
    const { status, stderr, stdout } = trainThere(args, { NODE_OPTIONS: `--import=${pathToFileURL(killer).href}` });
    expect([status, stdout]).toEqual([1, '']);
    const line = stderr.trimEnd().split('\n').at(-1)!;
    expect(line).toMatch(
      /^bptt: thread 2 of 2 ended: it exited with code 3; train again, .*; the best model so far, of epoch [12], was saved to rescued.safetensors$/,
    );
    const best = /of epoch (\d)/.exec(line)![1];
    const again = trainThere(['--threads', '2', '--epochs', best, '--out', 'until.safetensors']);
    expect(again.status).toBe(0);
    expect(readFileSync(space.at('rescued.safetensors')).equals(readFileSync(space.at('until.safetensors')))).toBe(
      true,
    );
  });

  test.each(['0', '-1', '1.5', 'many', ''])('--threads %p is refused', async (value) => {
    const { status, stderr } = await train(...DATA, '--threads', value);
    expect(status).toBe(2);
    expect(stderr).toMatch(/--threads <n>.*integer of at least 1/);
  });

  test('auto is one per core; more than there are cores is said', () => {
    expect(threadCount('auto')).toBe('auto');
    expect(describeThreads({ threads: 2 }, 'auto', 2)).toEqual(['2 threads']);
    expect(describeThreads({ threads: 1 }, 'auto', 1)).toEqual(['1 thread']);
    expect(describeThreads({ threads: 3 }, 3, 2)).toEqual([
      '3 threads; more than the 2 available cores: they take turns',
    ]);
    expect(describeThreads({ threads: 2 }, 2, 1)).toEqual([
      '2 threads; more than the 1 available core: they take turns',
    ]);
    expect(describeThreads({ threads: 1, reason: 'why' }, 4, 2)).toEqual(['1 thread; why']);
    expect(describeThreads({ threads: 1 }, 1, 2)).toEqual([]);
  });
});

describe('nothing is lost', () => {
  const quick = ['--train', 'train.tsv', ...TINY, '--epochs', '2', '--quiet'];

  test('a loss that is not a number in a later epoch: one line, status 1, and the best model so far', async () => {
    const unstable = ['--cell', 'rnn-relu', '--optimizer', 'sgd', '--lr', '10', '--schedule', 'warmup:100'];
    const args = [...DATA, ...TINY, ...unstable, '--clip', 'none', '--patience', '99', '--quiet'];
    const { status, stderr, stdout } = await train(...args, '--epochs', '99', '--out', 'nan.safetensors');
    expect([status, stdout]).toEqual([1, '']);
    const line =
      /^bptt: the (loss|gradient norm) became \S+ in epoch (\d+), .*; the best model so far, of epoch (\d+), was saved to nan.safetensors\n$/;
    expect(stderr).toMatch(line);
    const [, , last, best] = line.exec(stderr)!;
    expect(Number(best)).toBeLessThan(Number(last));
    await train(...args, '--epochs', best, '--out', 'best.safetensors');
    expect(readFileSync(space.at('nan.safetensors')).equals(readFileSync(space.at('best.safetensors')))).toBe(true);
  });

  test('a loss that is not a number in the first epoch leaves no file', async () => {
    const { status, stderr } = await train(...quick, '--lr', '1e308', '--out', 'none.safetensors');
    expect(status).toBe(1);
    expect(stderr).toMatch(/in epoch 1, batch \d+; first bad tensor: [^;]*\n$/);
    expect(existsSync(space.at('none.safetensors'))).toBe(false);
  });

  test('a log that can no longer be written ends no training, but is told at its end', async () => {
    const full = jest.spyOn(fs, 'writeFileSync').mockImplementationOnce(() => undefined);
    full.mockImplementationOnce(() => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    });
    const args = ['--train', 'train.tsv', ...TINY, '--epochs', '2', '--log', 'full.jsonl', '--out', 'full.safetensors'];
    const { status, stderr, stdout } = await train(...args);
    full.mockRestore();
    expect(status).toBe(1);
    expect(stdout).toMatch(/^epochs {2}2, best 2/);
    const told = 'cannot write the log full.jsonl: ENOSPC: no space left on device, write';
    expect(stderr).toContain(`\n${told}; training continues without it\nepoch 2/2`);
    expect(stderr.endsWith(`\nbptt: ${told}; the model was saved to full.safetensors\n`)).toBe(true);
    expect(stderr.split(told)).toHaveLength(3);
    await train(...quick, '--out', 'fine.safetensors');
    expect(readFileSync(space.at('full.safetensors')).equals(readFileSync(space.at('fine.safetensors')))).toBe(true);
  });

  test('where the model file can no longer be written, the model goes to the folder for temporary files', async () => {
    mkdirSync(space.at('gone'));
    await train(...quick, '--out', 'there.safetensors');
    const trained = loadModel(readFileSync(space.at('there.safetensors')));
    rmdirSync(space.at('gone'));
    const failed = await saveTrained(space.at('gone/m.safetensors'), trained).catch((error: Error) => error.message);
    const place = /^cannot write .*gone does not exist.*; the model was saved to (.*model\.safetensors) instead$/.exec(
      String(failed),
    )![1];
    expect(readFileSync(place).equals(readFileSync(space.at('there.safetensors')))).toBe(true);
    rmSync(dirname(place), { recursive: true });
    const nowhere = jest.spyOn(fs.promises, 'mkdtemp').mockRejectedValue(new Error('no room'));
    const lost = saveTrained(space.at('gone/m.safetensors'), trained);
    await expect(lost).rejects.toThrow(
      /^cannot write .*gone does not exist.*; the model is lost: .*no room; .*no room/,
    );
    nowhere.mockRestore();
  });

  test('outputs are told apart by file, not by name, also where nothing is there yet', async () => {
    await train(...quick, '--out', 'good.safetensors');
    const before = readFileSync(space.at('good.safetensors'));
    symlinkSync('good.safetensors', space.at('to-good'));
    linkSync(space.at('good.safetensors'), space.at('also-good'));
    symlinkSync('not-yet', space.at('to-none'));
    symlinkSync('to-none', space.at('to-to-none'));
    const pairs = [
      ['good.safetensors', 'to-good'],
      ['good.safetensors', 'also-good'],
      ['not-yet', 'to-none'],
      ['to-to-none', 'to-none'],
      ['./not-yet', 'to-to-none'],
    ];
    for (const [out, log] of pairs) {
      for (const args of [
        ['--out', out, '--log', log],
        ['--out', log, '--log', out],
      ]) {
        const refused = { status: 2, stdout: '', stderr: 'bptt: --out and --log are the same file\n' };
        expect(await train(...quick, ...args)).toEqual(refused);
      }
    }
    expect(readFileSync(space.at('good.safetensors')).equals(before)).toBe(true);
    space.write('cell.mjs', 'export default {};');
    expect((await train(...quick, '--cell', 'cell.mjs', '--out', 'cell.mjs')).stderr).toBe(
      'bptt: --out cell.mjs would overwrite the input cell.mjs\n',
    );
  });

  test('inputs are not overwritten, by whatever name', async () => {
    mkdirSync(space.at('triple'));
    space.write('triple/seq.in', 'a b\n');
    space.write('triple/seq.out', 'X Y\n');
    symlinkSync('train.tsv', space.at('symbolic.tsv'));
    linkSync(space.at('train.tsv'), space.at('hard.tsv'));
    const before = readFileSync(space.at('train.tsv'));
    for (const out of ['train.tsv', 'symbolic.tsv', 'hard.tsv', join('triple', '..', 'train.tsv')]) {
      expect(await train(...quick, '--out', out)).toEqual({
        status: 2,
        stdout: '',
        stderr: `bptt: --out ${out} would overwrite the input train.tsv\n`,
      });
      expect((await train(...quick, '--log', out)).stderr).toContain(`--log ${out} would overwrite the input`);
    }
    const folder = await train('--train', 'triple', ...TINY, '--epochs', '1', '--out', 'triple/seq.out');
    expect(folder.stderr).toBe(`bptt: --out triple/seq.out would overwrite the input ${join('triple', 'seq.out')}\n`);
    expect(readFileSync(space.at('train.tsv')).equals(before)).toBe(true);
    expect(readFileSync(space.at('triple/seq.out'), 'utf8')).toBe('X Y\n');
    expect((await train(...quick, '--out', 'same', '--log', './same')).stderr).toBe(
      'bptt: --out and --log are the same file\n',
    );
  });

  test('an earlier log survives a training that cannot begin', async () => {
    space.write('earlier.jsonl', 'kept\n');
    space.write('broken.tsv', 'a\tX\nb\n');
    const { status } = await train('--train', 'broken.tsv', '--log', 'earlier.jsonl');
    expect(status).toBe(65);
    expect(readFileSync(space.at('earlier.jsonl'), 'utf8')).toBe('kept\n');
  });
});
