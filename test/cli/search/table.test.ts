/** The table of a search, and the line of a run. */
import { ranking } from '../../../src/cli/search/run';
import type { TrialRun } from '../../../src/cli/search/state';
import { drawnText, runLine, tableOf, valueText } from '../../../src/cli/search/table';

const result = { measure: 'span F1', bestEpoch: 2, trained: 6, backend: 'cpu', threads: 1 } as const;
const run = (trial: number, rung: number, epochs: number, score: number | null): TrialRun =>
  score === null
    ? { trial, rung, epochs, seconds: 3, score, failed: 'the loss is \u0007 not finite', result: null }
    : { trial, rung, epochs, seconds: 75, score, failed: null, result };
const trials = [{}, { lr: 0.01, encoders: ['words'], affixSize: 5 }, { lr: 0.1, encoders: ['words', 'affixes'], affixSize: null }]; // prettier-ignore

it('has the last run of each trial, by rung and score, failures last with their reason', () => {
  const runs = [run(1, 0, 6, 0.4), run(2, 0, 6, null), run(3, 0, 6, 0.5), run(1, 1, 18, 0.45)];
  const lines = tableOf(ranking(runs), trials, (trial, name) => trial === 2 && name === 'affixSize');
  expect(lines).toEqual([
    'rank  trial   epochs  best  dev span F1      time  lr        encoders       affixSize',
    '   1      1  6 of 18     2      45.00 %  1:15 min  defaults',
    '   2      3        6     2      50.00 %  1:15 min  0.1       words,affixes  -',
    '   3      2        6             failed       3 s  0.01      words          -',
    'trial 2 failed: the loss is <U+0007> not finite',
  ]);
});

it('says of a run what it was and what it came to', () => {
  expect(runLine(run(3, 1, 18, 0.5), 3, trials[2])).toBe('rung 2 of 3  trial  3  6 of 18 epochs  dev span F1 50.00 %  1:15 min  lr 0.1  encoders words,affixes  affixSize -'); // prettier-ignore
  expect(runLine(run(2, 0, 6, null), 3, {})).toBe('rung 1 of 3  trial  2  6 epochs  failed: the loss is <U+0007> not finite  3 s  defaults'); // prettier-ignore
});

it('writes values as a person would', () => {
  expect([0.1, true, null, ['a', 'b'], { h: 0.1 }, 'lstm'].map(valueText)).toEqual(['0.1', 'true', '-', 'a,b', '{"h":0.1}', 'lstm']); // prettier-ignore
  expect(drawnText({})).toBe('defaults');
});
