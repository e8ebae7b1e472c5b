import { signaturesOf } from '../../../src/labeling/data/signature.js';
import { UNKNOWN_ID, buildVocabulary, vocabularyFromJson } from '../../../src/labeling/data/vocabulary.js';

test.each([
  ['Kongehuset', ['C~set', 'C~et', 'C~t', 'C']],
  ["1980'erne", ['0~rne', '0~ne', '0~e', '0']],
  ['EU', ['A~u', 'A']],
  ['self-made', ['a-~ade', 'a-~de', 'a-~e', 'a-']],
  ['B-52', ['0-~-52', '0-~52', '0-~2', '0-']],
  ['x', ['a']],
  ['eBay', ['a~bay', 'a~ay', 'a~y', 'a']],
  ['I', ['C']],
  ['-', ['.']],
  ['...', ['.~..', '.~.', '.']],
  ['Ørsted', ['C~ted', 'C~ed', 'C~d', 'C']],
  ['学而時', ['a~而時', 'a~時', 'a']],
  ['😀😀', ['.~😀', '.']],
  ['', ['.']],
])('the signatures of %j', (word, signatures) => {
  expect(signaturesOf(word)).toEqual(signatures);
});

describe('a vocabulary with signatures', () => {
  const sentences = [{ tokens: ['the', 'the', 'kongehuset', 'parkhuset', 'Parkhuset', 'gik', 'gik'] }];
  const vocabulary = buildVocabulary(sentences, { minCount: 2, signatures: true });

  test('gives an id to the signatures that at least minCount rare words share', () => {
    expect(vocabulary.words).toEqual(['<unk>', 'gik', 'the']);
    expect(vocabulary.signatures).toEqual(['a', 'a~et', 'a~set', 'a~t']);
    expect(vocabulary.size).toBe(7);
  });

  test('looks a word up as it stands, then in lower case, then by its most specific signature', () => {
    expect(vocabulary.lookup('gik')).toBe(1);
    expect(vocabulary.lookup('GIK')).toBe(1);
    expect(vocabulary.lookup('kongehuset')).toBe(5);
    expect(vocabulary.lookup('hvidt')).toBe(6);
    expect(vocabulary.lookup('ord')).toBe(3);
    expect(vocabulary.lookup('Ord')).toBe(UNKNOWN_ID);
    expect(vocabulary.lookup('<unk>')).toBe(UNKNOWN_ID);
  });

  test('hides a known word behind its signature', () => {
    expect([...vocabulary.encodeUnknown(['the', 'kongehuset', '<unk>'])]).toEqual([3, 5, 0]);
  });

  test('counts as known what occurred in training, not what has a signature', () => {
    expect(['the', 'kongehuset', 'hvidt', 'GIK'].map(vocabulary.known)).toEqual([true, true, false, false]);
  });

  test('survives JSON; without signatures every unknown word is the same', () => {
    const copy = vocabularyFromJson(JSON.parse(JSON.stringify(vocabulary)));
    expect(copy.toJSON()).toEqual(vocabulary.toJSON());
    expect(copy.lookup('kongehuset')).toBe(5);
    const plain = buildVocabulary(sentences, { minCount: 2 });
    expect(plain.signatures).toBeNull();
    expect(['kongehuset', 'GIK', 'the'].map(plain.lookup)).toEqual([0, 0, 2]);
    expect([...plain.encodeUnknown(['the'])]).toEqual([0]);
  });

  test('words seen once are the rare ones where every word has an id, so that hidden words have a class', () => {
    const whole = buildVocabulary(sentences, { signatures: true });
    expect(whole.lookup('kongehuset')).toBe(whole.words.indexOf('kongehuset'));
    expect(whole.signatures).toContain('C~set');
  });
});
