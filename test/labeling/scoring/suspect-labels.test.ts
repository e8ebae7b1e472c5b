import { createCpuKernels } from '../../../src/kernels/cpu/index.js';
import { buildLabels } from '../../../src/labeling/data/labels.js';
import type { Note } from '../../../src/labeling/data/notes.js';
import type { Sentence } from '../../../src/labeling/data/sentence.js';
import { leakNotes } from '../../../src/labeling/scoring/leaks.js';
import { notesOfTraining } from '../../../src/labeling/scoring/suspect.js';
import { train } from '../../../src/labeling/training/train.js';

const corpus = (...rows: (readonly [words: string, labels: string])[]): Sentence[] =>
  rows.map(([words, labels], i) => ({ tokens: words.split(' '), labels: labels.split(' '), line: 10 * i + 1 }));
const notes = (sentences: Sentence[], unit: 'token' | 'sentence' = 'token') =>
  notesOfTraining(sentences, buildLabels(sentences), 'f', unit);
const only = (sentences: Sentence[], kind: string) => notes(sentences).filter((note) => note.kind === kind);
const letters = (n: number, from = 'a') =>
  Array.from({ length: n }, (_, i) => String.fromCharCode(from.charCodeAt(0) + i));

describe('labels that are none', () => {
  test('a column of lemmas: many labels occur once', () => {
    const words = letters(12).join(' ');
    const [note] = only(corpus([words, letters(12, 'A').join(' ')], ['a b c', 'A B C']), 'many-labels');
    expect(note).toEqual({
      kind: 'many-labels',
      source: 'f',
      count: 12,
      message:
        'f: 12 different labels, 9 of them only once ("D", "E", "F", "G", "H", …): if these are not the labels, choose their column (--column)',
    });
  });

  test('the share of labels that occur once decides, at 40 % of ten or more', () => {
    const rows = (once: number, of: number): Sentence[] => {
      const all = letters(of, 'A');
      return corpus([all.map((l) => `w${l}`).join(' '), all.join(' ')], [all.slice(once).map((l) => `w${l}`).join(' '), all.slice(once).join(' ')]); // prettier-ignore
    };
    expect(only(rows(4, 10), 'many-labels')).toHaveLength(1);
    expect(only(rows(3, 10), 'many-labels')).toEqual([]);
    expect(only(rows(9, 9), 'many-labels')).toEqual([]); // a handful of labels is a small corpus
  });

  test('columns that are swapped have more labels than words', () => {
    const words = Array<string>(11).fill('NOUN').with(3, 'VERB').join(' ');
    const rows = corpus([words, letters(11).join(' ')], [words, letters(11).join(' ')]);
    expect(only(rows, 'many-labels')[0].message).toMatch(
      /^f: 11 different labels \("a", .*\); there are only 2 different words, so the columns may be swapped: if these/,
    );
  });

  test('labels that only the model has from which training starts are not counted', () => {
    const rows = corpus(['a b', 'noun VERB'], ['a b', 'noun VERB']);
    const base = buildLabels(corpus([letters(12).join(' '), ['NOUN', 'VERB', 'verb', ...letters(9)].join(' ')]));
    const grown = { ...base, labels: [...base.labels, 'noun'], size: base.size + 1 };
    const found = notesOfTraining(rows, grown, 'f', 'token');
    expect(found.map(({ kind, count }) => [kind, count])).toEqual([['case-twins', 2]]);
    expect(found[0].message).toMatch(/^f: labels .* characters: "noun" 2 times \(.*\) next to "NOUN"\. Each/);
    expect(notesOfTraining(corpus(['a', 'VERB']), grown, 'f', 'token')).toEqual([]);
  });

  test('measurements in the place of classes of sentences', () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ tokens: [`text ${i}`], labels: [`0.${i}`] }));
    expect(notes(rows, 'sentence').map(({ kind }) => kind)).toEqual(['many-labels']);
  });
});

describe('labels in two spellings', () => {
  test('are named beside the commoner one, with their lines', () => {
    const rows = corpus(['a b c', 'NOUN VERB NOUN'], ['d e', 'Noun VERB'], ['f', 'noun']);
    expect(only(rows, 'case-twins')).toEqual([
      {
        kind: 'case-twins',
        source: 'f',
        line: 11,
        count: 2,
        message:
          'f: labels that differ from others only in case, Unicode normal form or invisible characters: "Noun" once (sentence at line 11) next to "NOUN", ' +
          '"noun" once (sentence at line 21) next to "NOUN". Each is learned and scored as a separate label: spell them alike',
      },
    ]);
  });

  test('types of spans, too; what is outside of the scheme has its own note', () => {
    const rows = corpus(['a b c', 'B-PER I-PER O'], ['a b c', 'B-per O O'], ['a b', 'o O']);
    expect(notes(rows).map(({ kind }) => kind)).toEqual(['case-twins', 'outlier-labels']);
    expect(only(rows, 'case-twins')[0].message).toContain('"B-per" once (sentence at line 11) next to "B-PER"');
  });

  test('invisible characters and forms of Unicode make twins; other words do not', () => {
    expect(only(corpus(['a b', 'X X\u200b']), 'case-twins')).toHaveLength(1);
    const [{ message }] = only(corpus(['a b', '\u00e9 e\u0301']), 'case-twins');
    expect(message).toContain('"\u00e9" (U+00E9) once (sentence at line 1) next to "e\u0301" (U+0301)'); // they look the same
    expect(only(corpus(['a b', 'NOUN NOUNS']), 'case-twins')).toEqual([]);
  });
});

describe('dev in the training data', () => {
  const train = corpus(['a b c d', 'X X X X'], ['e f', 'X X']);
  const others = (n: number) => Array.from({ length: n }, (_, i): readonly [string, string] => [`new${i} f`, 'X X']);

  test('is told by the share of its tokens', () => {
    const dev = corpus(...others(5), ['a b c d', 'X X X X'], ...others(4));
    expect(leakNotes(train, [{ sentences: dev, part: 'dev', source: 'd' }])).toEqual([
      {
        kind: 'leaked-sentences',
        source: 'd',
        line: 51,
        count: 1,
        message:
          'd: 1 of 10 sentences (18.2 % of the tokens) of dev occur word for word in the training data, so its score says little about new text: ' +
          'remove them from one of the two, or split again with bptt split, which keeps equal sentences together',
      },
    ]);
  });

  test('short sentences that recur, and a handful of sentences, are ordinary', () => {
    const short = corpus(['e f', 'X X'], ...others(13));
    expect(leakNotes(train, [{ sentences: short, part: 'dev' }])).toEqual([]);
    expect(leakNotes(train, [{ sentences: [...train, ...train, ...train, ...train], part: 'dev' }])).toEqual([]);
    expect(leakNotes(train, [{ sentences: [], part: 'dev' }])).toEqual([]);
  });
});

describe('a training says', () => {
  const heard = async (corpora: Parameters<typeof train>[1], epochs = 1, head?: 'crf') => {
    const found: Note[] = [];
    const options = { embedding: 4, hidden: 4, epochs, batch: 2, lr: 0.1, ...(head && { head }) };
    await train(createCpuKernels(), corpora, options, { onNote: (note) => void found.push(note) });
    return found;
  };

  test('that dev is the training data, and that all is labeled alike', async () => {
    const rows = Array.from({ length: 3 }, () =>
      corpus(['a b a', 'X X Y'], ['b a a', 'X X X'], ['b b', 'X X'], ['a b', 'X X']),
    ).flat();
    const found = await heard({ train: rows, dev: rows, sources: { dev: 'd' } }, 8);
    expect(found.map(({ kind }) => kind)).toEqual(['leaked-sentences', 'one-prediction']);
    expect(found[1].message).toBe(
      'd: the model gives every token the label "X", and the data has 2 labels: train longer (--epochs), try another learning rate (--find-lr), or look at the labels (bptt stats)',
    );
  });

  test('that labels break their scheme: repaired for a CRF, as they stand for a softmax', async () => {
    const rows = corpus(['a b c', 'B-X I-X O'], ['a b c', 'B-X O B-X'], ['a b', 'O I-X']);
    const [broken] = await heard({ train: rows, sources: { train: 't' } });
    expect(broken).toEqual({
      kind: 'scheme-breaks',
      source: 't',
      line: 21,
      count: 1,
      message:
        't: 1 label breaks the scheme IOB2 (3 of 4 spans begin with B), the first in the sentence at line 21: they are learned as they are; ' +
        'rewrite them with bptt convert --scheme iob2, or choose what is learned (--scheme)',
    });
    expect((await heard({ train: rows }, 1, 'crf')).map(({ kind }) => kind)).toEqual(['scheme-repairs']);
    expect(await heard({ train: rows.slice(0, 2) })).toEqual([]);
  });
});
