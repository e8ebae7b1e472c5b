/** Chunks of the input of `bptt tag`: cut anywhere, they give the bytes, counts, notes and errors of one stream. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { createCpuKernels } from '../../../src/kernels/index.js';
import { collectNotes } from '../../../src/labeling/data/notes.js';
import { loadModel } from '../../../src/labeling/model/file.js';
import type { Model } from '../../../src/labeling/model/model.js';
import { createTagger } from '../../../src/labeling/model/tagger.js';
import { inOrder } from '../../../src/cli/pool/in-order.js';
import { answerAll } from '../../../src/cli/tag/answer.js';
import { answerChunk } from '../../../src/cli/tag/chunk-jobs.js';
import { cutChunks } from '../../../src/cli/tag/chunks.js';
import { answer } from '../../../src/cli/tag/jobs.js';
import type { TagOptions } from '../../../src/cli/tag/options.js';
import { openRoute } from '../../../src/cli/tag/routes.js';
import { createCrew } from '../../../src/cli/tag/workers.js';
import { WorkerError } from '../../../src/tensor/errors.js';
import { createWorkspace, trainTiny } from '../../support/workspace.js';

let model: Model;

beforeAll(async () => {
  const space = createWorkspace();
  model = loadModel(new Uint8Array(readFileSync(await trainTiny(space))));
  space.remove();
});

/** Bytes in pieces of the given lengths, over and over; the last one is what is left. */
function inPieces(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) pieces.push(bytes.slice(at, (at += lengths[i % lengths.length])));
  return pieces;
}

const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 });

describe('cutting', () => {
  const text = fc
    .array(fc.constantFrom('\n', '\n', '\r\n', 'a', 'é', '\r', ' ', 'word'), { maxLength: 60 })
    .map((parts) => Buffer.from(parts.join('')));

  test('chunks are the input, end where they may, are as long as asked for, and know their lines', () =>
    fc.assert(
      fc.asyncProperty(
        text,
        lengths,
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom('line', 'blank'),
        async (bytes, cuts, size, boundary) => {
          const chunks = cutChunks(inPieces(bytes, cuts), { boundary, size, firstLine: 5 });
          let [all, line] = ['', 5];
          for (let chunk = await chunks.next(); chunk; chunk = await chunks.next()) {
            const own = Buffer.from(chunk.bytes).toString('latin1');
            expect([chunk.firstLine, chunk.lines]).toEqual([line, own.split('\n').length - 1]);
            all += own;
            if (all.length < bytes.length) {
              expect(own).toMatch(boundary === 'line' ? /\n$/ : /(^|\n)\r?\n$/);
              expect(own.length).toBeGreaterThanOrEqual(size);
            }
            line += chunk.lines;
            chunks.done();
          }
          expect(all).toBe(bytes.toString('latin1'));
          expect(chunks.linesDone).toBe(line - 5);
        },
      ),
      { numRuns: 300, seed: 4 },
    ));

  test('what is not done with comes again, whatever was cut; and once', () =>
    fc.assert(
      fc.asyncProperty(
        text,
        lengths,
        fc.integer({ min: 1, max: 20 }),
        fc.nat(6),
        fc.nat(6),
        fc.boolean(),
        async (bytes, cuts, size, cut, done, reading) => {
          const chunks = cutChunks(inPieces(bytes, cuts), { boundary: 'line', size });
          const given: Uint8Array[] = [];
          for (let i = 0; i < cut; i++) {
            const chunk = await chunks.next();
            if (chunk) given.push(chunk.bytes.slice());
          }
          const coming = reading ? chunks.next() : undefined; // on its way when the rest is asked for
          const finished = given.slice(0, done);
          for (let i = 0; i < finished.length; i++) chunks.done();
          const rest: Uint8Array[] = [];
          for await (const piece of chunks.rest()) rest.push(piece.slice());
          await coming;
          expect(Buffer.concat([...finished, ...rest]).equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 300, seed: 5 },
    ));

  test('a sentence longer than the most that is held is not cut', async () => {
    const bytes = Buffer.from(`a\n\n${'b\n'.repeat(50)}\nc\n\n`);
    const chunks = cutChunks(inPieces(bytes, [10]), { boundary: 'blank', size: 2, most: 40 });
    expect((await chunks.next())!.bytes).toHaveLength(3);
    expect([await chunks.next(), chunks.uncut]).toEqual([undefined, true]);
    const rest: Uint8Array[] = [];
    for await (const piece of chunks.rest()) rest.push(piece.slice());
    expect(Buffer.concat(rest).equals(bytes)).toBe(true);
  });

  test('an error of the input comes after what is complete', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a\nb\nc');
      throw new Error('disk');
    }
    const chunks = cutChunks(failing(), { boundary: 'line', size: 1 });
    expect(Buffer.from((await chunks.next())!.bytes).toString()).toBe('a\n');
    expect(Buffer.from((await chunks.next())!.bytes).toString()).toBe('b\n');
    await expect(chunks.next()).rejects.toThrow('disk');
  });
});

/** What a run leaves. */
interface Outcome {
  readonly out: string;
  readonly notes: readonly string[];
  readonly counts?: object;
  readonly error?: string;
}

/** Labels an input that is in memory. @param chunkBytes 0 for one stream */
async function labeled(
  bytes: Uint8Array,
  options: Partial<TagOptions>,
  { chunkBytes, cuts = [1 << 20], most = 1, path = 'x' }: { chunkBytes: number; cuts?: readonly number[]; most?: number; path?: string }, // prettier-ignore
): Promise<Outcome> {
  const conllu = options.format === 'conllu';
  const input = { path, conllu, bytes: async () => ({ before: [], body: inPieces(bytes, cuts), firstLine: 1 }) };
  const warnings = collectNotes();
  const parts: Buffer[] = [];
  const all = { output: 'text', backend: 'cpu', threads: 1, ...options } as TagOptions;
  const notes = () => warnings.notes.map(({ message }) => message);
  const out = () => Buffer.concat(parts).toString();
  const tagger = createTagger(model, createCpuKernels());
  try {
    const route = await openRoute({ model, input, options: all, warnings }, chunkBytes);
    const { settings } = route;
    const workers = {
      answers: (jobs: typeof route.jobs) =>
        inOrder(jobs, async (job) => (job.kind === 'chunk' ? answerChunk(tagger, settings, structuredClone(job)) : answer(tagger, settings, job)), most), // prettier-ignore
    };
    const target = { write: async (text: string | Uint8Array) => void parts.push(Buffer.from(text as string)) };
    const counts = await answerAll(route, target, workers);
    return { out: out(), notes: notes(), counts };
  } catch (error) {
    // Blank lines and comments behind the last sentence may be written before the error, or not.
    return { out: out().replace(/(?<=\n)(\s|#.*\n)*$/, ''), notes: notes(), error: String(error) };
  } finally {
    tagger.dispose();
  }
}

const word = fc.constantFrom('cat', 'run', 'they', 'é', '日本', 'a b', '#');
/** Now and then something else, so that most inputs are clean, and the others are not from the first line on. */
const mostly = (usual: fc.Arbitrary<string>, ...rare: string[]) =>
  fc.oneof({ weight: 24, arbitrary: usual }, { weight: 1, arbitrary: fc.constantFrom(...rare) });
const ended = (lines: fc.Arbitrary<readonly string[]>) =>
  fc
    .tuple(lines, fc.constantFrom('\n', '\n', '\r\n'), fc.constantFrom('', '', '\ufeff'), fc.boolean())
    .map(([rows, end, mark, last]) => Buffer.from(`${mark}${rows.join(end)}${last ? end : ''}`));

const row = (id: string, form: string) => `${id}\t${form}\t_\tX\t_\t_\t_\t_\t_\t_`;
const block = fc
  .tuple(fc.array(word, { minLength: 1, maxLength: 5 }), fc.constantFrom('', '# c', '1-2', '1.1'), fc.integer({ min: 1, max: 3 })) // prettier-ignore
  .map(([words, more, blanks]) => [
    ...(more.startsWith('#') ? [more] : []),
    ...(more === '1-2' ? [row('1-2', 'x')] : []),
    ...words.map((form, t) => row(String(t + 1), form)),
    ...(more === '1.1' ? [row(`${words.length}.1`, 'x')] : []),
    ...Array<string>(blanks).fill(''),
  ].join('\n')); // prettier-ignore
const conllu = ended(fc.array(mostly(block, '\u00a0', '# lone', '', '9\tx', 'no columns', row('1', '\u00a0cat\u00a0'), row('2', 'cat'), row('1', 'a\u0000')), { maxLength: 12 }).map((blocks) => blocks.join('\n').split('\n'))); // prettier-ignore
const plus = fc.array(fc.array(word, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 }).map((all) => Buffer.from(`# global.columns = FORM UPOS\n${all.map((words) => `${words.map((form) => `${form}\tX\n`).join('')}\n`).join('')}`)); // prettier-ignore
const jsonl = ended(fc.array(mostly(fc.array(word, { minLength: 1, maxLength: 5 }).map((tokens) => JSON.stringify({ tokens })), '', '{"tokens":[]}', '{', '{"tokens":[" a "]}', '{"tokens":["a\\tb"]}'), { maxLength: 20 })); // prettier-ignore
const slashed = ended(fc.array(mostly(fc.array(word.filter((each) => !each.includes(' ')), { minLength: 1, maxLength: 5 }).map((words) => words.map((each) => `${each}/X`).join(' ')), '', 'none', '  '), { maxLength: 20 })); // prettier-ignore
const prodigy = ended(fc.array(mostly(fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => JSON.stringify({ text: words.join(' '), answer: 'accept' })), '', '{"text":"a","answer":"reject"}', '{"text":1}'), { maxLength: 20 })); // prettier-ignore
const texts = ended(fc.array(mostly(fc.tuple(fc.constantFrom('They run. Do they?', 'cat', '', 'é\u0001 "sentence":5 日本語'), fc.constantFrom({}, { id: 7 }, { meta: { spans: [{ sentence: 3 }] } }, { sentence: 9 })).map(([text, more]) => JSON.stringify({ text, ...more })), '', '{"tokens":["a","b"]}', '{"tokens":[]}', '{"text":1}', '{', '{"text":"They run.","line":4}'), { maxLength: 20 })); // prettier-ignore
const raw = ended(fc.array(mostly(fc.constantFrom('the cat sat.', 'They run. Do they?', '', ' ', 'é #x', '日本語'), '\u0000', 'a\rb'), { maxLength: 20 })); // prettier-ignore

test.each<[string, fc.Arbitrary<Uint8Array>, Partial<TagOptions>[]]>([
  ['CoNLL-U with its own lines', conllu, [{ format: 'conllu', output: 'conllu', column: 'upos' }, { format: 'conllu', output: 'conllu', column: 'upos', skipBad: true }]], // prettier-ignore
  [
    'CoNLL-U',
    conllu,
    [
      { format: 'conllu', output: 'jsonl' },
      { format: 'conllu', output: 'conll', skipBad: true },
    ],
  ],
  ['CoNLL-U Plus', plus, [{ format: 'conllu', output: 'conllu', column: 'upos' }, { format: 'conllu' }]],
  [
    'JSON lines',
    jsonl,
    [
      { format: 'jsonl', output: 'conll' },
      { format: 'jsonl', output: 'jsonl', skipBad: true },
    ],
  ],
  ['words with slashes', slashed, [{ format: 'slashed' }, { format: 'slashed', output: 'slashed', skipBad: true }]],
  ['Prodigy', prodigy, [{ format: 'prodigy' }, { format: 'prodigy', skipBad: true }]],
  ['spans of CoNLL-U', conllu, [{ format: 'conllu', output: 'spans' }, { format: 'conllu', output: 'spans', skipBad: true }]], // prettier-ignore
  ['spans of JSON lines', texts, [{ format: 'jsonl', output: 'spans' }, { format: 'jsonl', output: 'spans', skipBad: true }]], // prettier-ignore
  ['spans of words with slashes', slashed, [{ format: 'slashed', output: 'spans', offsets: 'codepoints' }]],
  ['spans of raw text', raw, [{ output: 'spans' }, { output: 'spans', offsets: 'codepoints' }]],
  ['raw text', raw, [{}, { output: 'jsonl', probabilities: true }, { output: 'conllu', column: 'upos' }]],
])('%s: whatever the chunks, the outcome of one stream', (_, inputs, ways) =>
  fc.assert(
    fc.asyncProperty(
      inputs,
      fc.constantFrom(...ways),
      fc.integer({ min: 1, max: 200 }),
      lengths,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom('x', '-'),
      async (bytes, options, chunkBytes, cuts, most, path) => {
        const one = await labeled(bytes, options, { chunkBytes: 0, path });
        expect(await labeled(bytes, options, { chunkBytes, cuts, most, path })).toEqual(one);
      },
    ),
    { numRuns: 60, seed: 7 },
  ),
);

test('a chunk of an input that is clean is labeled by itself; the first that is not, and all behind it, in one stream', async () => {
  const clean = `${row('1', 'cat')}\n\n`;
  const bad = `${row('1', ' cat ')}\n${row('3', 'x')}\n\n`;
  const bytes = Buffer.from(clean.repeat(6) + bad + clean.repeat(3));
  const options = { format: 'conllu', output: 'jsonl' } as const;
  const { out, error } = await labeled(bytes, options, { chunkBytes: 1, most: 3 });
  expect(out.split('\n')).toHaveLength(7);
  expect(error).toBe('DataError: x:14: expected word number 2 in column 1; got 3: number words from 1 and put a blank line after each sentence'); // prettier-ignore
});

test('sentences of spans are numbered through chunks and through the stream behind them', async () => {
  const bytes = Buffer.from('They run. Do they?\n\nThe cat sat.\n'.repeat(3) + 'a\u0000\n');
  const { out, error } = await labeled(bytes, { output: 'spans' }, { chunkBytes: 1, most: 2 });
  const numbers = out.trimEnd().split('\n').map((line) => [...new Set((JSON.parse(line) as { spans: { sentence: number }[] }).spans.map(({ sentence }) => sentence))]); // prettier-ignore
  expect(numbers).toEqual([[1, 2], [], [3], [4, 5], [], [6], [7, 8], [], [9]]);
  expect(error).toMatch(/^DataError: x:10: /);
});

describe('threads', () => {
  const pool = (start: () => Promise<void>, run: (job: number) => Promise<string>) => ({ size: 2, load: 0, start, run }); // prettier-ignore

  test('while the others start, this one labels; then they have jobs first', async () => {
    let ready = (): void => undefined;
    const crew = createCrew(
      pool(
        () => new Promise((resolve) => (ready = resolve)),
        async (job) => `other ${job}`,
      ),
      async (job) => `own ${job}`,
    );
    expect(await Promise.all([crew(1), crew(2), crew(3)])).toEqual(['own 1', 'own 2', 'own 3']);
    ready();
    await Promise.resolve();
    expect(await Promise.all([crew(4), crew(5)])).toEqual(['other 4', 'other 5']);
  });

  test('what ends another thread fails its job, and a start that fails the next ones', async () => {
    const ends = new WorkerError('it exited with code 9');
    const running = createCrew(
      pool(
        () => Promise.resolve(),
        () => Promise.reject(ends),
      ),
      async (job) => `own ${job}`,
    );
    await running(1);
    await expect(running(2)).rejects.toBe(ends);
    const starting = createCrew(
      pool(
        () => Promise.reject(ends),
        async (job) => `other ${job}`,
      ),
      async (job) => `own ${job}`,
    );
    await starting(1);
    await starting(2).catch(() => undefined);
    await expect(starting(3)).rejects.toBe(ends);
  });
});
