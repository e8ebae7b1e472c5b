/** `--encoders vectors` from a file of vectors to a model file, its scores and its labels; every option, and what is refused. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { Writable } from 'node:stream';
import { createProgress } from '../../../src/cli/progress';
import { readTrainVectors } from '../../../src/cli/train/vectors';
import { generateCorpus } from '../../../src/labeling/data/corpus';
import { collectNotes } from '../../../src/labeling/data/notes';
import { loadModel } from '../../../src/labeling/model/file';
import { createTagger } from '../../../src/labeling/model/tagger';
import { bptt } from '../../support/cli';
import { bpttHere } from '../../support/cli-here';
import type { VectorRow } from '../../support/vectors';
import { gloveText, word2vecBinary, word2vecText } from '../../support/vectors';
import { createWorkspace } from '../../support/workspace';
import type { Workspace } from '../../support/workspace';

let space: Workspace;
const run = (...args: string[]) => bpttHere(args, space.folder);
const TRAIN = ['train', '--train', 'train.tsv', '--dev', 'dev.tsv', '--epochs', '1', '--hidden', '5', '--batch', '8'];
const model = (name: string) => loadModel(readFileSync(space.at(name)));
const vectorsOf = (name: string) => model(name).config.encoders.find(({ kind }) => kind === 'vectors')!;

/** Words of the grammar, all but every fourth, in lower case but for every third, and 90 others behind them. */
const rows: VectorRow[] = [];

beforeAll(() => {
  space = createWorkspace();
  const words = [...new Set(generateCorpus({ sentences: 80, seed: 5 }).flatMap(({ tokens }) => tokens))].sort();
  const known = words.filter((_, i) => i % 4 > 0).map((word, i) => (i % 3 === 0 ? word : word.toLowerCase()));
  const others = Array.from({ length: 90 }, (_, i) => `other${i}`);
  for (const [i, word] of [...new Set([...known, ...others])].entries()) rows.push([word, i / 8, 1 - i / 4, 1, i % 7]);
  space.write('glove.txt', gloveText(rows));
  space.write('words.vec', word2vecText(rows));
  space.write('words.bin', word2vecBinary(rows));
  space.write('glove.txt.gz', gzipSync(gloveText(rows)));
});
afterAll(() => space.remove());

test('every format, packed or not, makes the same model', async () => {
  const files = ['glove.txt', 'words.vec', 'words.bin', 'glove.txt.gz'];
  const made: Buffer[] = [];
  for (const file of files) {
    const args = [...TRAIN, '--encoders', 'vectors', '--vectors', file, '--out', 'm.safetensors', '--quiet'];
    expect(await run(...args)).toEqual({ status: 0, stdout: '', stderr: '' });
    made.push(readFileSync(space.at('m.safetensors')));
  }
  for (const bytes of made) expect(bytes.equals(made[0])).toBe(true);
});

test('the options reach the model; what is kept and covered is said; eval and tag read it', async () => {
  const options = ['--vectors-keep', '10', '--vectors-mode', 'tuned', '--vectors-size', '3', '--vectors-digits', '0'];
  const args = [...TRAIN, '--embedding', '6', '--test', 'test.tsv', '--encoders', 'words,vectors', '--vectors', 'glove.txt', ...options]; // prettier-ignore
  const { status, stdout, stderr } = await run(...args, '--out', 'a.safetensors', '--json');
  expect(status).toBe(0);
  const { vectors } = JSON.parse(stdout) as { vectors: { kept: number; coverage: Record<string, object> } };
  expect(vectors).toMatchObject({ path: 'glove.txt', format: 'glove', rows: rows.length, duplicates: 0, compressed: false, size: 4, mode: 'tuned' }); // prettier-ignore
  expect(Object.keys(vectors.coverage)).toEqual(['train', 'dev', 'test']);
  expect(vectorsOf('a.safetensors')).toMatchObject({ mode: 'tuned', width: 3, dimensions: 4, size: vectors.kept + 1 });
  expect(JSON.parse(JSON.stringify(model('a.safetensors').readers[1].toJSON()))).toMatchObject({ digits: '0' });
  expect(stderr).toMatch(
    /^vectors glove\.txt: GloVe text, \d+ rows of 4; \d+ kept, tuned \(those of words of the data, and the first 10\): \d+ bytes of the model$/m,
  );
  expect(stderr).toMatch(
    /^vectors of dev: \d+\.\d\d % \(\d+\.\d\d % as they are, \d+\.\d\d % in lower case\) of the words, \d+\.\d\d % \(.*\) of the tokens$/m,
  );
  const scores = await run('eval', 'a.safetensors', 'test.tsv', '--json');
  expect(JSON.parse(scores.stdout)).toMatchObject({ accuracy: expect.any(Number) as number });
  const tagged = bptt(['tag', 'a.safetensors'], { cwd: space.folder, input: 'They walked unseenly .\n' });
  expect(tagged.stdout).toMatch(/^They\/\S+ walked\/\S+ unseenly\/\S+ \.\/\S+\n$/);
});

test('the number of kept rows: none but those of the data, so many, all', async () => {
  const kept = async (...more: string[]) => {
    await run(
      ...TRAIN,
      '--encoders',
      'vectors',
      '--vectors',
      'glove.txt',
      ...more,
      '--out',
      'k.safetensors',
      '--quiet',
    );
    const { words } = model('k.safetensors').readers[0].toJSON() as { words: string[] };
    return words;
  };
  const none = await kept('--vectors-keep', '0');
  expect(none.some((word) => word.startsWith('other'))).toBe(false);
  expect(none.length).toBeGreaterThan(20);
  expect(await kept('--vectors-keep', 'all')).toEqual(rows.map(([word]) => word));
  expect(await kept()).toHaveLength(rows.length);
  const first = rows.findIndex(([word]) => word === 'other3') + 1;
  expect((await kept('--vectors-keep', String(first))).filter((word) => word.startsWith('other'))).toHaveLength(4);
  const tagger = createTagger(readFileSync(space.at('k.safetensors')));
  expect(tagger.tag([['other3', 'zzz']])[0].labels).toHaveLength(2);
});

test('two threads: the same bytes twice, frozen and tuned', () => {
  for (const mode of ['frozen', 'tuned']) {
    const args = [...TRAIN, '--embedding', '6', '--encoders', 'vectors,words', '--vectors', 'words.bin', '--vectors-mode', mode, '--threads', '2', '--json']; // prettier-ignore
    for (const out of ['d.safetensors', 'e.safetensors']) {
      const { stdout, stderr, status } = bptt([...args, '--out', out], { cwd: space.folder });
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(JSON.parse(stdout)).toMatchObject({ threads: 2 });
    }
    expect(readFileSync(space.at('e.safetensors')).equals(readFileSync(space.at('d.safetensors')))).toBe(true);
  }
});

test('readings of such a model: its words, and what it lacks', async () => {
  await run(...TRAIN, '--encoders', 'vectors', '--vectors', 'glove.txt', '--out', 'r.safetensors', '--quiet');
  const [[known]] = rows;
  for (const command of ['inspect', 'salience']) {
    const { status, stderr } = await run(command, `${known} zzzz`, 'r.safetensors');
    expect(stderr).toBe(
      'warning: the model has no vector for "zzzz": it uses that of the unknown word, or of a signature\n',
    );
    expect(status).toBe(0);
  }
});

test('repeated words and vectors of another language are warned of', async () => {
  space.write('twice.txt', gloveText([...rows, rows[0], rows[1], ['other1', 0, 0, 0, 0]]));
  const twice = await run(...TRAIN, '--encoders', 'vectors', '--vectors', 'twice.txt', '--out', 'w.safetensors', '--quiet'); // prettier-ignore
  expect(twice.stderr).toBe(
    'warning: twice.txt: 3 rows left out: an earlier row has the same word, and the first counts\n',
  );
  space.write('foreign.txt', gloveText([['pies', 1, 2], ['kot', 3, 4]])); // prettier-ignore
  const foreign = await run(...TRAIN, '--encoders', 'vectors', '--vectors', 'foreign.txt', '--out', 'w.safetensors', '--quiet'); // prettier-ignore
  expect(foreign.stderr).toMatch(
    /^warning: foreign\.txt: the vectors cover only 0\.00 % of the tokens of train: check/,
  );
});

test('progress with rate and time left after two seconds, none before', async () => {
  const lines: string[] = [];
  const stream = new Writable({ write: (chunk: Buffer, _, done) => (lines.push(chunk.toString()), done()) });
  space.write('long.txt', gloveText(Array.from({ length: 160_000 }, (_, i): VectorRow => [`w${i}`, i, 1, 2])));
  let time = 0;
  const now = () => (time += 300);
  const corpora = { train: [{ tokens: ['w1', 'w2'], labels: ['A', 'B'] }] };
  const options = { vectors: space.at('long.txt'), vectorsKeep: 3, vectorsMode: 'frozen', vectorsDigits: 'keep' } as const; // prettier-ignore
  const progress = createProgress(stream, () => time);
  const found = await readTrainVectors(options, corpora, collectNotes(), progress, now);
  expect(found?.vectors.words).toEqual(['w0', 'w1', 'w2']);
  expect(lines.join('')).toMatch(/^vectors \S+long\.txt {2} *\d+ % {2}\S+ MB\/s, \d+ s left\n$/);
});

const BAD: Readonly<Record<string, readonly [string | Uint8Array, RegExp]>> = {
  empty: ['', /expected word vectors; got an empty file/],
  prose: ['Once upon a time\n', /expected word vectors; got the first line "Once upon a time"/],
  width: ['a 1 2 3\nb 1 2\n', /line 2: expected 3 numbers for the word "b"; got 2/],
  cut: [word2vecBinary([['a', 1, 2], ['b', 3, 4]]).subarray(0, 20), /expected 2 rows, as the header declares; got 1/], // prettier-ignore
  gzip: [gzipSync('a 1 2\nb 3 4\n').subarray(0, 20), /cannot unpack the gzip data/],
  token: [`a 1 2\n${'x'.repeat(10_000_000)} 3 4\n`, /:2: the line is longer than 1048576 bytes/],
  infinite: [
    'They 1 2\nthe Infinity 2\n',
    /line 2: expected finite numbers for the word "the"; got Infinity in column 1/,
  ],
};
test.each(Object.keys(BAD))('a file of vectors that is bad (%s) ends the training before it begins', async (name) => {
  const [contents, message] = BAD[name];
  space.write(name, contents);
  const { status, stdout, stderr } = await run(...TRAIN, '--encoders', 'vectors', '--vectors', name, '--out', 'never.safetensors', '--quiet'); // prettier-ignore
  expect({ status, stdout }).toEqual({ status: 65, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(new RegExp(`^bptt: ${name}:.*\n$`));
  expect(stderr.length).toBeLessThan(300);
});

test.each<[readonly string[], RegExp, number]>([
  [['--vectors', 'glove.txt'], /--vectors has no effect without the encoder vectors: leave it out, or add vectors/, 2],
  [['--vectors-keep', '3'], /--vectors-keep has no effect without the encoder vectors/, 2],
  [['--vectors-mode', 'tuned'], /--vectors-mode has no effect without the encoder vectors/, 2],
  [['--vectors-size', '3'], /--vectors-size has no effect without the encoder vectors/, 2],
  [['--vectors-digits', '0'], /--vectors-digits has no effect without the encoder vectors/, 2],
  [['--encoders', 'words,vectors'], /--encoders vectors needs a file of vectors: add --vectors FILE/, 2],
  [['--encoders', 'vectors', '--vectors', 'glove.txt', '--out', 'glove.txt'], /--out glove.txt would overwrite/, 2],
  [
    ['--encoders', 'vectors', '--vectors', 'x', '--vectors-keep', '-1'],
    /It must be an integer of at least 0, or all/,
    2,
  ],
  [
    ['--encoders', 'vectors', '--vectors', 'x', '--vectors-keep', 'some'],
    /It must be an integer of at least 0, or all/,
    2,
  ],
  [['--encoders', 'vectors', '--vectors', 'x', '--vectors-mode', 'fixed'], /It must be one of frozen, tuned/, 2],
  [['--encoders', 'vectors', '--vectors', 'x', '--vectors-size', '0'], /It must be an integer of at least 1/, 2],
  [['--encoders', 'vectors', '--vectors', 'x', '--vectors-digits', '9'], /It must be one of keep, 0, #/, 2],
  [['--encoders', 'vectors', '--vectors', 'none.txt', '--quiet'], /none.txt: no such file: check the path/, 65],
  [['--encoders', 'vectors', '--vectors', '.', '--quiet'], /expected a file, got a folder/, 65],
])('%j is refused', async (args, message, status) => {
  const { stderr, ...rest } = await run('train', '--train', 'train.tsv', ...args);
  expect(rest).toEqual({ status, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
