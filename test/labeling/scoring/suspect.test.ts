import { buildLabels } from '../../../src/labeling/data/labels.js';
import type { Sentence } from '../../../src/labeling/data/sentence.js';
import { createScorer } from '../../../src/labeling/scoring/scorer.js';
import { spanSchemeOf } from '../../../src/labeling/scoring/spans.js';
import { notesOfScoring, notesOfTraining } from '../../../src/labeling/scoring/suspect.js';

const sentence = (labels: string, line?: number): Sentence => {
  const list = labels.split(' ');
  return { tokens: list.map((_, i) => `w${i}`), labels: list, line };
};
const train = [sentence('B-PER I-PER O', 1), sentence('O B-LOC O', 5), sentence('B-LOC O 0', 9)];

describe('one stray label', () => {
  const strays = ['0', 'o', 'OTHER', 'b-per', 'B_PER', 'PER-B', 'B', 'B-', 'é'];

  test.each(strays)('%s beside O, B-PER and I-PER is an outlier, and spans are scored all the same', (stray) => {
    expect(spanSchemeOf(['O', 'B-PER', 'I-PER', stray])).toEqual({ kind: 'typed', outliers: [stray] });
    const scorer = createScorer();
    scorer.add(['a', 'b', 'c', 'd'], ['B-PER', 'I-PER', stray, 'B-PER'], ['B-PER', 'I-PER', 'O', stray]);
    // By hand: gold (0, 2) and (3, 4); predicted (0, 2). The stray label is outside of every span, gold or predicted.
    expect(scorer.scores().spans).toMatchObject({ correct: 1, predicted: 1, gold: 2, outside: [stray] });
    expect(scorer.scores().spanF1).toBe(2 / 3);
  });

  test('does not make spans of parts of speech', () => {
    expect(spanSchemeOf(['NOUN', 'VERB', 'B-X', 'O']).kind).toBeNull();
    expect(spanSchemeOf(['NOUN', 'B-X']).kind).toBeNull();
  });

  test('of the task decides, not of the sample that is scored', () => {
    const scorer = createScorer({ labels: ['O', 'B-x', '0'] });
    scorer.add(['a'], ['0'], ['O']);
    expect(scorer.scores().spans).toMatchObject({ gold: 0, predicted: 0, outside: ['0'] });
  });

  test('is named with its lines', () => {
    const twice = [...train, sentence('0 0 0', 13), sentence('o O', 17)];
    const [note, ...more] = notesOfTraining(twice, buildLabels(twice), 'f.conll');
    expect(more).toEqual([]);
    expect(note).toEqual({
      kind: 'outlier-labels',
      source: 'f.conll',
      line: 9,
      count: 5,
      message:
        'f.conll: labels that are neither O nor a position and a type (B-PER): ' +
        '"0" 4 times (sentences at lines 9, 13), "o" once (sentence at line 17). ' +
        'Spans are scored with these tokens outside every span: correct the labels',
    });
  });
});

describe('labels that training lacks', () => {
  test('are listed once with counts, the commonest first, cut where there are many', () => {
    const labels = buildLabels([sentence('A B')]);
    expect(notesOfScoring([sentence('A B')], labels)).toEqual([]);
    const [one] = notesOfScoring([sentence('A \u200bC')], labels);
    expect(one.message).toMatch(/^1 token has a label that never occurs in training .*: "<U\+200B>C" 1: correct/);
    const many = Array.from({ length: 12 }, (_, i) => sentence(`A X${i} X0`, 2 * i + 1));
    const [note] = notesOfScoring(many, labels, 'f');
    expect(note).toMatchObject({ kind: 'unknown-labels', source: 'f', line: 1, count: 24 });
    expect(note.message).toMatch(/: "X0" 13, "X1" 1, .*, "X9" 1, … \(12 in all\): correct them,/);
  });

  test('are spans like others where they have a position and a type', () => {
    const scorer = createScorer({ labels: ['O', 'B-x'] });
    scorer.add(['a', 'b'], ['B-new', 'B-x'], ['O', 'B-x']);
    expect(scorer.scores()).toMatchObject({ correct: 1, accuracy: 0.5 });
    expect(scorer.scores().spans).toMatchObject({ gold: 2, predicted: 1, correct: 1 });
    expect(scorer.scores().labels['B-new']).toMatchObject({ gold: 1, predicted: 0, recall: 0, f1: 0 });
  });
});

describe('data that teach nothing', () => {
  const kinds = (sentences: Sentence[]) => notesOfTraining(sentences, buildLabels(sentences)).map(({ kind }) => kind);

  test('ordinary sentences have no notes', () => {
    expect(kinds([sentence('A B'), sentence('B')])).toEqual([]);
    expect(
      kinds([
        { tokens: ['x'], labels: ['A'] },
        { tokens: ['y'], labels: ['B'] },
      ]),
    ).toEqual([]);
  });

  test('one label, one word, a sentence without end', () => {
    const same = { tokens: ['x', 'x'], labels: ['A', 'A'] };
    expect(kinds([same, same])).toEqual(['one-label', 'one-word']);
    const [label, word] = notesOfTraining([same], buildLabels([same]), 'f');
    expect(label.message).toMatch(/^f: every token has the label "A", so there is nothing to learn/);
    expect(word.message).toMatch(/^f: all 2 tokens are "x"/);
    const long = { tokens: Array<string>(15733).fill('x').with(3, 'y'), labels: Array<string>(15733).fill('A').with(0, 'B'), line: 1 }; // prettier-ignore
    const [note, ...more] = notesOfTraining([long], buildLabels([long]), 'f');
    expect(more).toEqual([]);
    expect(note).toMatchObject({ kind: 'long-sentence', line: 1, count: 1 });
    expect(note.message).toBe(
      'f: a sentence has 15,733 tokens at line 1: if the blank lines between sentences are missing, add them',
    );
    expect(notesOfScoring([long, long], buildLabels([long]), 'f')[0].message).toMatch(
      /, and 1 more of 1,000 or longer:/,
    );
    const shorter = { tokens: long.tokens.slice(0, 999), labels: long.labels.slice(0, 999) };
    expect(kinds([shorter])).toEqual([]);
  });
});

describe('spans in another notation', () => {
  test.each([['PER-B O LOC-B PER-I'], ['B_PER O I_PER B_LOC'], ['b-per o i-per b-loc'], ['PER-B PER-E']])(
    '%s trains with a note',
    (labels) => {
      const corpus = [sentence(labels, 3)];
      const notes = notesOfTraining(corpus, buildLabels(corpus), 'f.tsv').filter(
        ({ kind }) => kind === 'foreign-spans',
      );
      expect(notes).toEqual([expect.objectContaining({ message: expect.stringContaining('not written as B-PER') })]);
    },
  );

  test.each([['NOUN VERB DET O'], ['B-PER O I-PER'], ['V.PL N.SG DET'], ['B I I B'], ['O O O']])(
    '%s has none',
    (labels) => {
      const corpus = [sentence(labels)];
      expect(notesOfTraining(corpus, buildLabels(corpus)).map(({ kind }) => kind)).not.toContain('foreign-spans');
    },
  );
});
