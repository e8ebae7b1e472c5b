/** `tagger.entities`: places of entities in text, against what `slice`, `Array.from` and the labels of the tagger say. */
import fc from 'fast-check';
import type { AsyncKernels } from '../../../src/kernels/index';
import { createCpuKernels } from '../../../src/kernels/index';
import { createAsyncTagger, createTagger, segmentText, spansOf, train } from '../../../src/labeling/index';
import type { Sentence, Tagger, TrainOptions } from '../../../src/labeling/index';
import { ArgumentError } from '../../../src/tensor/errors';

const kernels = createCpuKernels();
const SIZES = { embedding: 4, hidden: 5, epochs: 6, batch: 4, lr: 0.05, minCount: 1 } as const;
const make = async (sentences: Sentence[], options: TrainOptions = {}): Promise<Tagger> =>
  createTagger((await train(kernels, { train: sentences }, { ...SIZES, ...options })).model);

const PERSON: Sentence = { tokens: ['met', 'Ann', 'Lee', 'in', 'Oslo'], labels: ['O', 'B-PER', 'I-PER', 'O', 'B-LOC'] };
const OTHER: Sentence = { tokens: ['Kay', 'met', 'Bo'], labels: ['B-PER', 'O', 'B-PER'] };
/** Every unknown word is part of a span or two: words of the data are rare, so that what is unknown is learned as they are. */
const NER = [PERSON, OTHER, PERSON, OTHER];
const POS = NER.map(({ tokens }) => ({
  tokens,
  labels: tokens.map((token) => (/^[A-Z]/.test(token) ? 'PROPN' : 'VERB')),
}));

let softmax: Tagger;
let crf: Tagger;
let pos: Tagger;
let bare: Tagger;
let both: Tagger;
beforeAll(async () => {
  softmax = await make(NER);
  crf = await make(NER, { head: 'crf', scheme: 'IOBES' });
  pos = await make(POS);
  bare = await make([{ tokens: ['a', 'b', 'c'], labels: ['B', 'I', 'B'] }]);
  const columns = NER.map((sentence, i) => ({ ...sentence, columns: { ner: sentence.labels!, upos: POS[i].labels } }));
  both = createTagger((await train(kernels, { train: columns }, { ...SIZES, columns: ['ner', 'upos'] })).model);
});

/** Text of all sorts: letters with marks, emoji with joiners and skin tones, right to left, halves of surrogate pairs, line ends. */
const piece = fc.oneof(
  fc.constantFrom('Ann Lee', 'Oslo', 'met', ' ', '\n', '\r\n', '\t', '. ', 'e\u0301\u0323', 'ก็', '👩‍👩‍👧‍👦', '👍🏽', '🇳🇴', '\u200d', '\ufeff', 'שָׁלוֹם', 'مرحبا', '\u202e', '\ud83d', '\ude00', '漢字', '𝒜', 'x@y.org', 'https://a.b/(c)'),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
); // prettier-ignore
const text = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));
const tokenizer = fc.constantFrom('unicode', 'whitespace', 'characters');

test('slices of the text are the texts of its entities, in code units and in code points', () => {
  let seen = 0;
  fc.assert(
    fc.property(text, tokenizer, fc.constantFrom('softmax', 'crf', 'pos', 'bare', 'both'), (line, how, name) => {
      const tagger = { softmax, crf, pos, bare, both }[name]!;
      const found = tagger.entities(line, { tokenizer: how });
      const points = tagger.entities(line, { tokenizer: how, offsets: 'codepoints' });
      const characters = Array.from(line);
      expect(points).toHaveLength(found.length);
      found.forEach((entity, i) => {
        seen++;
        expect(line.slice(entity.start, entity.end)).toBe(entity.text);
        expect(characters.slice(points[i].start, points[i].end).join('')).toBe(entity.text);
        expect(entity.text).not.toBe('');
        expect(entity.score).toBeGreaterThan(0);
        expect(entity.score).toBeLessThanOrEqual(1);
        expect({ ...points[i], start: 0, end: 0 }).toEqual({ ...entity, start: 0, end: 0 });
      });
      const order = found.map(({ start }) => start);
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }),
    { numRuns: 400, seed: 1 },
  );
  expect(seen).toBeGreaterThan(1000);
});

test('entities are the spans of the labels of each sentence, with their probabilities', () => {
  const line = 'Ann Lee met Kay. Bo met Oslo!\nmet Ann';
  for (const tagger of [softmax, crf]) {
    const cut = segmentText(line);
    const said = tagger.tag(cut.map(({ tokens }) => tokens), { spans: true }); // prettier-ignore
    const expected = cut.flatMap(({ offsets }, s) =>
      spansOf(said[s].labels).map(({ type, start, end }, i) => {
        const [from, to] = [offsets[start][0], offsets[end - 1][1]];
        return { start: from, end: to, type, text: line.slice(from, to), score: said[s].spans![i].probability, sentence: s + 1 };
      }),
    ); // prettier-ignore
    expect(expected.length).toBeGreaterThan(2);
    expect(tagger.entities(line)).toEqual(expected);
    expect(tagger.entities([line, '', 'met Ann'])).toEqual([expected, [], tagger.entities('met Ann')]);
  }
  expect(Object.keys(crf.entities(line)[0])).toEqual(['start', 'end', 'type', 'text', 'score', 'sentence']);
});

test('where no head annotates spans every token is one, with the probability of its label', () => {
  const [{ labels, probabilities }] = pos.tag([['Ann', 'met']], { probabilities: true });
  expect(pos.entities('Ann  met')).toEqual([
    { start: 0, end: 3, type: labels[0], text: 'Ann', score: probabilities![0], sentence: 1 },
    { start: 5, end: 8, type: labels[1], text: 'met', score: probabilities![1], sentence: 1 },
  ]);
});

test('of several heads those that annotate spans; bare positions have no type', async () => {
  const [{ heads }] = both.tag([['Ann', 'Lee', 'met']], { spans: true });
  expect(both.entities('Ann Lee met').map(({ type, start, end }) => ({ type, start, end }))).toEqual(
    spansOf(heads!.ner.labels).map(({ type, start, end }) => ({ type, start: [0, 4, 8][start], end: [3, 7, 11][end - 1] })),
  ); // prettier-ignore
  expect(bare.entities('a b c').map(({ type }) => type)).toEqual(bare.entities('a b c').map(() => ''));
  const columns = NER.map((sentence) => ({ ...sentence, columns: { one: sentence.labels!, two: sentence.labels! } }));
  const two = createTagger((await train(kernels, { train: columns }, { ...SIZES, columns: ['one', 'two'] })).model);
  const found = two.entities('Ann Lee met Kay');
  expect(new Set(found.map(({ head }) => head))).toEqual(new Set(['one', 'two']));
  expect(found.map(({ start }) => start)).toEqual(found.map(({ start }) => start).sort((a, b) => a - b));
});

test('a sentence without an end is cut after 2,048 tokens, and its places stay right', () => {
  const line = Array.from({ length: 5000 }, (_, i) => (i % 2 ? 'Ann' : 'met')).join(' ');
  const found = pos.entities(line);
  expect(found).toHaveLength(5000);
  expect(found.at(-1)).toMatchObject({ start: line.length - 3, end: line.length, sentence: 3 });
  const faces = `x${'😀'.repeat(9000)}`;
  for (const { text: own } of pos.entities(faces)) expect(own).toMatch(/^(x|\p{Emoji}+)$/u);
});

test('a model remembers how text is cut; options that are none are refused', async () => {
  const input = { format: 'conll', tokenizer: 'whitespace' } as const;
  const { model } = await train(kernels, { train: POS, input }, { ...SIZES });
  expect(createTagger(model).entities('Ann.').map((each) => each.text)).toEqual(['Ann.']); // prettier-ignore
  expect(createTagger(model).entities('Ann.', { tokenizer: 'unicode' }).map((each) => each.text)).toEqual(['Ann', '.']); // prettier-ignore
  const wrong: [unknown, unknown, string][] = [
    [1, {}, 'texts must be a string'],
    [['a', 1], {}, 'texts[1] must be a string'],
    ['a', { offsets: 'bytes' }, 'offsets must be'],
    ['a', { offset: 'utf16' }, 'offset'],
    ['a', { locale: 'not a locale' }, 'locale must be'],
  ];
  for (const [line, options, message] of wrong) {
    expect(() => (pos.entities as (...args: unknown[]) => unknown)(line, options)).toThrow(message);
  }
  const classes = [{ tokens: ['good'], category: 'pos' }, { tokens: ['bad'], category: 'neg' }]; // prettier-ignore
  const classifier = createTagger((await train(kernels, { train: classes }, { ...SIZES, task: 'classify' })).model);
  expect(() => classifier.entities('good')).toThrow(ArgumentError);
});

test('on an asynchronous device the entities are the same, and a wrong call is a rejection', async () => {
  const device = kernels as unknown as AsyncKernels; // what an asynchronous caller may await too
  for (const each of [softmax, crf, pos, bare, both]) {
    const later = createAsyncTagger(each.model, device);
    const texts = ['Ann Lee met 👍🏽 Kay in Oslo.', '', 'met a b. Ann'];
    expect(await later.entities(texts)).toEqual(each.entities(texts));
    expect(await later.entities(texts[0], { offsets: 'codepoints' })).toEqual(
      each.entities(texts[0], { offsets: 'codepoints' }),
    );
  }
  const { entities } = createAsyncTagger(pos.model, device);
  await expect(entities('a', { offsets: 'bytes' as never })).rejects.toThrow(ArgumentError);
  await expect(entities(3 as never)).rejects.toThrow(ArgumentError);
});
