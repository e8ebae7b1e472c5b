/** Labels that look the same and are not: their message names the characters. */
import { buildLabels } from '../../../src/labeling/data/labels';

const labels = buildLabels([{ tokens: ['x', 'y'], labels: ['caf\u00e9', 'B-PER'] }]);

test('a decomposed twin of a known label is told apart by its characters', () => {
  expect(() => labels.lookup('cafe\u0301')).toThrow(/look the same \(U\+0301, U\+00E9; normalize to Unicode NFC\)/);
});

test('an invisible character inside a label is shown and named', () => {
  expect(() => labels.lookup('B-\u200bPER')).toThrow(
    '"B-<U+200B>PER" differs from the known "B-PER" in characters that look the same (U+200B, ASCII; remove the invisible',
  );
});

test('a label like no other has no such advice', () => {
  expect(() => labels.lookup('NOUN')).toThrow(/^label "NOUN" was never seen in training; [^(]*$/);
});
