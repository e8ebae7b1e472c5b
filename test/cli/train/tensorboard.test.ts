/**
 * `bptt train --tensorboard`: every byte is read back by a reader of its own, CRC by its bitwise definition; and by TensorBoard where
 * python3 has it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { openScalarLog } from '../../../src/cli/train/tensorboard';
import { bpttHere } from '../../support/cli-here';
import { createWorkspace, overriding, TINY } from '../../support/workspace';
import type { Workspace } from '../../support/workspace';

let space: Workspace;
beforeAll(() => void (space = createWorkspace()));
afterAll(() => space.remove());

const run = (...args: string[]) => bpttHere(['train', ...overriding([...TINY, '--train', 'train.tsv', '--epochs', '2', '--backend', 'cpu'], args)], space.folder); // prettier-ignore

interface EpochLine {
  readonly event: string;
  readonly loss: number;
  readonly lr: number;
  readonly gradientNorm: number;
  readonly dev: Readonly<Record<string, number | null>>;
}

interface ReadEvent {
  readonly wallTime: number;
  readonly step: number;
  readonly version?: string;
  readonly scalars: [string, number][];
  /** Whether it is a SessionLog that says START. */
  readonly restarts: boolean;
}

/** CRC-32C bit by bit, from the highest: division by 0x1EDC6F41 with the bits of every byte, and of the result, reversed. */
function crcOf(data: Uint8Array): number {
  const flip = (x: number, bits: number): number => Array.from({ length: bits }, (_, i) => (Math.floor(x / 2 ** i) % 2) * 2 ** (bits - 1 - i)).reduce((a, b) => a + b, 0); // prettier-ignore
  let crc = 0xffffffff;
  for (const byte of data) {
    crc = (crc ^ (flip(byte, 8) * 2 ** 24)) >>> 0;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x80000000 ? (crc << 1) ^ 0x1edc6f41 : crc << 1) >>> 0;
  }
  return flip((crc ^ 0xffffffff) >>> 0, 32);
}

function expectCrc(data: Uint8Array, stored: number): void {
  const rotated = (BigInt(crcOf(data)) >> 15n) | ((BigInt(crcOf(data)) & 0x7fffn) << 17n);
  if (BigInt(stored) !== (rotated + 0xa282ead8n) % 2n ** 32n) throw new Error('a CRC is wrong');
}

/** The fields of a message, in order: number, wire type, value. */
function* fieldsOf(data: Uint8Array): Generator<[number, number, Uint8Array | bigint]> {
  let at = 0;
  const varint = (): bigint => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = data[at++];
      if (byte === undefined) throw new Error('a message is cut short');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < data.length) {
    const tag = Number(varint());
    const [number, type] = [tag >> 3, tag & 7];
    if (type === 0) {
      yield [number, type, varint()];
      continue;
    }
    const length = type === 1 ? 8 : type === 5 ? 4 : type === 2 ? Number(varint()) : NaN;
    if (!(at + length <= data.length)) throw new Error('a message is cut short');
    yield [number, type, data.subarray(at, (at += length))];
  }
}

const viewOf = (data: Uint8Array): DataView => new DataView(data.buffer, data.byteOffset, data.length);
const textOf = (data: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(data);

function scalarsIn(summary: Uint8Array): [string, number][] {
  return [...fieldsOf(summary)].map(([number, type, value]) => {
    if (number !== 1 || type !== 2) throw new Error('a summary holds something else than values');
    const parts = Object.fromEntries([...fieldsOf(value as Uint8Array)].map(([n, t, each]) => [`${n}:${t}`, each as Uint8Array])); // prettier-ignore
    if (Object.keys(parts).join() !== '1:2,2:5') throw new Error('a value is not a tag and a float');
    return [textOf(parts['1:2']), viewOf(parts['2:5']).getFloat32(0, true)];
  });
}

/** All events of a file. @throws where a byte is not as the formats have it */
function eventsOf(data: Uint8Array): ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let at = 0; at < data.length;) {
    const length = Number(viewOf(data).getBigUint64(at, true));
    expectCrc(data.subarray(at, at + 8), viewOf(data).getUint32(at + 8, true));
    const body = data.subarray(at + 12, at + 12 + length);
    expectCrc(body, viewOf(data).getUint32(at + 12 + length, true));
    at += 16 + length;
    const event = {
      wallTime: NaN,
      step: 0,
      scalars: [] as [string, number][],
      version: undefined as string | undefined,
      restarts: false,
    };
    for (const [number, type, value] of fieldsOf(body)) {
      if (number === 1 && type === 1) event.wallTime = viewOf(value as Uint8Array).getFloat64(0, true);
      else if (number === 2 && type === 0) event.step = Number(value as bigint);
      else if (number === 3 && type === 2) event.version = textOf(value as Uint8Array);
      else if (number === 5 && type === 2) event.scalars = scalarsIn(value as Uint8Array);
      else if (number === 7 && type === 2) event.restarts = [...fieldsOf(value as Uint8Array)].join() === '1,0,1';
      else throw new Error(`an event has a field ${number} of type ${type}`);
    }
    events.push(event);
  }
  return events;
}

const filesIn = (folder: string): string[] => readdirSync(space.at(folder)).filter((name) => name.includes('tfevents')).map((name) => join(space.at(folder), name)); // prettier-ignore
const read = (path: string): ReadEvent[] => eventsOf(new Uint8Array(readFileSync(path)));

test('the scalars of a training are those of its log', async () => {
  const { status } = await run('--dev', 'dev.tsv', '--tensorboard', 'runs/first', '--log', 'log.jsonl', '--quiet');
  expect(status).toBe(0);
  const [file, ...others] = filesIn('runs/first');
  expect(others).toEqual([]);
  expect(file.slice(space.at('runs/first').length + 1)).toMatch(/^events\.out\.tfevents\.\d{10}\./);
  expect(file.endsWith(`.${hostname()}`)).toBe(true);
  const [first, ...events] = read(file);
  expect(first).toMatchObject({ step: 0, version: 'brain.Event:2', scalars: [] });
  const lines = readFileSync(space.at('log.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as EpochLine); // prettier-ignore
  const epochs = lines.filter(({ event }) => event === 'epoch'); // prettier-ignore
  expect(events.map(({ step }) => step)).toEqual([1, 2]);
  events.forEach(({ scalars, wallTime }, i) => {
    const { loss, lr, gradientNorm, dev } = epochs[i];
    const all = { loss, learning_rate: lr, gradient_norm: gradientNorm, 'dev/accuracy': dev.accuracy, 'dev/oov_accuracy': dev.oovAccuracy, 'dev/span_f1': dev.spanF1 }; // prettier-ignore
    const there = Object.entries(all).filter(([, value]) => value !== null) as [string, number][];
    expect(scalars).toEqual(there.map(([tag, value]) => [tag, Math.fround(value)]));
    expect(Math.abs(wallTime - Date.now() / 1000)).toBeLessThan(3600);
  });
  await run('--tensorboard', 'runs/first', '--quiet');
  expect(filesIn('runs/first')).toHaveLength(2); // an earlier file stays
});

test('a resumed training: earlier epochs stay, later ones of an earlier run no longer count; a new folder gets them all', async () => {
  const args = ['--epochs', '3', '--checkpoint', 'tb.ckpt', '--every', '1u', '--quiet'];
  await run(...args, '--tensorboard', 'again');
  await run(...args, '--resume', 'tb.ckpt', '--tensorboard', 'again');
  await run(...args, '--resume', 'tb.ckpt', '--tensorboard', 'new');
  const seen = filesIn('again').map(read);
  expect(seen.map((events) => events.map(({ step, restarts }) => [step, restarts]))).toEqual([
    [[0, false], [1, false], [2, false], [3, false]],
    [[0, false], [4, true]], // SessionLog.START at step 4
  ]); // prettier-ignore
  const [fresh] = filesIn('new').map(read);
  expect(fresh.slice(1).map(({ step, restarts, scalars }) => [step, restarts, scalars])).toEqual(
    seen[0].slice(1).map(({ step, restarts, scalars }) => [step, restarts, scalars]),
  );
});

test('several seeds are runs of their own; several heads have tags of their own', async () => {
  await run('--seeds', '2', '--seed', '4', '--tensorboard', 'seeds', '--quiet');
  expect(readdirSync(space.at('seeds')).sort()).toEqual(['seed-4', 'seed-5']);
  for (const seed of ['seed-4', 'seed-5']) expect(read(filesIn(`seeds/${seed}`)[0])).toHaveLength(3);
  mkdirSync(space.at('frames'));
  const frames = { 'seq.in': 'play jazz\nbook a table', 'seq.out': 'O B-music\nO O B-thing', label: 'Play\nBook' };
  for (const [file, text] of Object.entries(frames)) space.write(`frames/${file}`, `${`${text}\n`.repeat(6)}`);
  await run('--task', 'slots-intent', '--train', 'frames', '--dev', 'frames', '--tensorboard', 'heads', '--quiet');
  const tags = read(filesIn('heads')[0])[1].scalars.map(([tag]) => tag);
  expect(tags).toEqual(['loss', 'loss/slots', 'loss/intent', 'learning_rate', 'gradient_norm', 'dev/slots/accuracy', 'dev/slots/span_f1', 'dev/intent/accuracy', 'dev/intent/macro_f1', 'dev/all_right']); // prettier-ignore
});

test('any tag, value and step comes back; the reader notices a changed byte', () => {
  mkdirSync(space.at('any'));
  const tag = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 });
  const value = fc.double({ noNaN: true });
  let seconds = 1_700_000_000;
  fc.assert(
    fc.property(fc.dictionary(tag, value, { maxKeys: 4, noNullPrototype: true }), fc.integer({ min: 0, max: 2 ** 40 }), (scalars, step) => {
      const now = ++seconds;
      const log = openScalarLog(space.at('any'), fail, () => 1000 * now);
      log.write(step, scalars);
      log.close();
      const [, event] = read(filesIn('any').find((path) => path.includes(String(now)))!);
      expect(event).toMatchObject({ step: step, wallTime: now });
      expect(event.scalars).toEqual(Object.entries(scalars).map(([name, x]) => [name, Math.fround(x)]));
    }),
    { numRuns: 100, seed: 13 },
  ); // prettier-ignore
  const bytes = new Uint8Array(readFileSync(filesIn('any')[0]));
  for (let i = 0; i < bytes.length; i++) {
    const spoiled = bytes.slice();
    spoiled[i] ^= 1 << (i % 8);
    expect(() => eventsOf(spoiled)).toThrow();
  }
  expect(crcOf(new TextEncoder().encode('123456789'))).toBe(0xe3069283); // the check value of CRC-32C
});

const fail = (error: Error): never => {
  throw error;
};

test('two trainings of one second have two files; what can no longer be written is reported once', () => {
  const folder = space.at('same');
  const logs = [1, 2].map(() => openScalarLog(folder, fail, () => 5000));
  logs.forEach((log) => log.write(1, { loss: 1 }));
  logs.forEach((log) => log.close());
  expect(readdirSync(folder).sort()).toEqual([`events.out.tfevents.5.${hostname()}`, `events.out.tfevents.5.${hostname()}.1`]); // prettier-ignore
  writeFileSync(space.at('same/taken'), '');
  const failures: string[] = [];
  const log = openScalarLog(folder, ({ message }) => void failures.push(message));
  for (let step = 1; step <= 3; step++) log.write(step, { loss: 1 }, 'taken');
  log.close();
  expect(failures).toEqual([expect.stringContaining(`cannot write scalars to ${folder}: `)]);
  expect(log.failure()?.message).toBe(failures[0]);
});

test('refusals', async () => {
  const cases: [string[], number, string][] = [
    [['--tensorboard', ''], 2, '--tensorboard must name a folder; got an empty name'],
    [['--tensorboard', 'train.tsv'], 2, '--tensorboard train.tsv is a file; expected a folder'],
    [['--tensorboard', 'train.tsv/x'], 1, 'cannot write scalars to train.tsv/x: '],
    [['--tensorboard', 'x', '--find-lr'], 2, '--tensorboard cannot be combined with --find-lr'],
  ];
  for (const [flags, expected, message] of cases) {
    const { status, stderr } = await run(
      ...flags,
      ...(expected === 2 && flags.includes('--find-lr') ? [] : ['--out', 'refused.bin']),
    );
    expect([status, stderr]).toEqual([expected, expect.stringContaining(message)]);
  }
  expect(existsSync(space.at('refused.bin'))).toBe(false);
});

const hasTensorBoard = spawnSync('python3', ['-c', 'import tensorboard']).status === 0;
(hasTensorBoard ? test : test.skip)('TensorBoard reads the same (without tensorboard in python3: skipped)', () => {
  const log = openScalarLog(space.at('python'), fail);
  for (let step = 1; step <= 3; step++) log.write(step, { loss: 1 / step, 'dev/accuracy': step / 8 });
  log.close();
  const code = [
    'import json, sys',
    'from tensorboard.backend.event_processing.event_accumulator import EventAccumulator',
    'a = EventAccumulator(sys.argv[1]); a.Reload()',
    "print(json.dumps({t: [[e.step, e.value] for e in a.Scalars(t)] for t in a.Tags()['scalars']}))",
  ].join('\n');
  const { stdout, stderr } = spawnSync('python3', ['-c', code, space.at('python')], { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  expect(JSON.parse(stdout)).toEqual({
    loss: [1, 2, 3].map((step) => [step, Math.fround(1 / step)]),
    'dev/accuracy': [1, 2, 3].map((step) => [step, step / 8]),
  });
});
