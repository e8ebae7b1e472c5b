/** What three methods say together of one derivative, case by case. */
import type { Opinions } from '../../src/autograd/check/verdict.js';
import { agree, verdictOf } from '../../src/autograd/check/verdict.js';

const passed = { passed: true, conclusive: true };
const failed = { passed: false, conclusive: true };
const silent = { passed: false, conclusive: false };
const kink = { left: 1, right: 3 };

const cases: readonly (readonly [string, Partial<Opinions>, ReturnType<typeof verdictOf>])[] = [
  ['all three agree', { forwardMode: 2, numeric: passed }, 'agrees'],
  ['forward mode agrees where finite differences see nothing', { forwardMode: 2, numeric: silent }, 'agrees'],
  ['forward mode agrees where the loss is not finite nearby', { forwardMode: 2 }, 'agrees'],
  ['forward mode has another value', { forwardMode: 2.0001, numeric: passed }, 'disagrees'],
  ['forward mode has another value, differences none', { forwardMode: 2.0001, numeric: silent }, 'disagrees'],
  ['forward mode has no number', { forwardMode: NaN, numeric: passed }, 'disagrees'],
  ['finite differences call it wrong, forward mode does not', { forwardMode: 2, numeric: failed }, 'disagrees'],
  ['finite differences alone agree', { forwardMode: null, numeric: passed }, 'agrees'],
  ['finite differences alone call it wrong', { forwardMode: null, numeric: failed }, 'disagrees'],
  ['finite differences alone see nothing', { forwardMode: null, numeric: silent }, 'inconclusive'],
  ['nobody says anything', { forwardMode: null }, 'inconclusive'],
  ['between the slopes of a kink', { forwardMode: 1, numeric: { ...passed, kink } }, 'agrees'],
  [
    'outside of the slopes, where forward mode is too',
    { forwardMode: 2, numeric: { ...silent, kink } },
    'inconclusive',
  ],
  ['outside of the slopes, forward mode inside', { forwardMode: 1, numeric: { ...silent, kink } }, 'inconclusive'],
  ['no number', { analytic: NaN, forwardMode: null, numeric: passed }, 'disagrees'],
  ['no finite number, like forward mode', { analytic: Infinity, forwardMode: Infinity, numeric: passed }, 'disagrees'],
];

test.each(cases)('%s', (_, opinions, verdict) => {
  expect(verdictOf({ analytic: 2, forwardMode: null, magnitude: 1, ...opinions })).toBe(verdict);
});

test('two derivatives may differ by a billionth of the larger one, and by the rounding of their addends', () => {
  expect(agree(2, 2 + 1.9e-9, 0)).toBe(true);
  expect(agree(2 + 1.9e-9, 2, 0)).toBe(true);
  expect(agree(2, 2 + 2.1e-9, 0)).toBe(false);
  expect(agree(-2, 2, 0)).toBe(false);
  expect(agree(0, 0.9e-10, 1e3)).toBe(true);
  expect(agree(0, 1.1e-10, 1e3)).toBe(false);
});
