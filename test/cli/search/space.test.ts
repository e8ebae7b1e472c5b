/** Spaces and what is drawn from them: every value inside its domain, every trial from its seed and number. */
import { Command } from 'commander';
import * as fc from 'fast-check';
import { kindOf, fits, settingsOf } from '../../../src/cli/config-values';
import { defaultSpace } from '../../../src/cli/search/default-space';
import { drawOne, drawTrials, gridTrials } from '../../../src/cli/search/draw';
import { isList, parseSpace, searchable } from '../../../src/cli/search/space';
import type { Space } from '../../../src/cli/search/space';
import { addTrain } from '../../../src/cli/train';
import { createRng } from '../../../src/tensor/random';

const program = new Command();
addTrain(program, { stdout: process.stdout, stderr: process.stderr, env: {} });
const train = program.commands[0];
const parse = (space: object, lists = false) => parseSpace(JSON.stringify(space), train, lists);
const identity = (drawn: object): string => JSON.stringify(drawn);

describe('a space', () => {
  it('is read in the order of its file', () => {
    expect(parse({ $schema: 'x', lr: { min: 0.001, max: 0.1, log: true }, hidden: { min: 4, max: 9 }, encoders: [['words'], null] })).toEqual([
      { name: 'lr', min: 0.001, max: 0.1, log: true, integer: false },
      { name: 'hidden', min: 4, max: 9, log: false, integer: true },
      { name: 'encoders', values: [['words'], null] },
    ]); // prettier-ignore
  });

  it.each([
    [[1], 'expected an object of settings'],
    [{}, 'expected at least one setting'],
    [{ learningRate: [0.1] }, 'unknown setting "learningRate": expected one of bptt train; did you mean "lr"?'],
    [{ 'word-dropout': [0.1] }, 'did you mean "wordDropout"?'],
    [{ zzzzzz: [0.1] }, 'bptt train --help lists them'],
    [{ test: ['x'] }, '"test" cannot be searched: a search never uses test data'],
    [{ dev: ['x'] }, '"dev" cannot be searched: trials are compared on the same data'],
    [{ seed: [1, 2] }, '"seed" cannot be searched: a lucky seed'],
    [{ epochs: [1, 2] }, '"epochs" cannot be searched: the rungs decide'],
    [{ out: ['x'] }, '"out" cannot be searched: it is an output'],
    [{ log: ['x'] }, '"log" cannot be searched'],
    [{ preset: ['pos'] }, '"preset" cannot be searched: it is a set of settings'],
    [{ vectors: ['v.txt'] }, '"vectors": the file "v.txt" cannot be searched: give --vectors to the search'],
    [{ classWeights: ['w.json'] }, '"classWeights": the file "w.json" cannot be searched: give --class-weights'],
    [
      { checkpoint: ['a'] },
      '"checkpoint" cannot be searched: it applies to a single run; a search keeps finished runs in --state',
    ],
    [{ every: ['5m'] }, '"every" cannot be searched: it applies to a single run'],
    [{ resume: ['a'] }, '"resume" cannot be searched: it applies to a single run'],
    [{ lr: 0.1 }, '"lr" must be a list of values, or {"min": …, "max": …}; got 0.1'],
    [{ lr: [] }, '"lr" has an empty list'],
    [{ lr: [0.1, 0.1] }, '"lr" has 0.1 twice'],
    [{ lr: [-1] }, '"lr" must be a number above 0; got -1'],
    [{ dropout: { min: 0, max: 1 } }, '"dropout" must be a number of at least 0 and below 1; got 1'],
    [{ dropout: { min: 0, max: 0.5, log: true } }, '"dropout": a logarithmic range begins above 0; got 0'],
    [{ lr: { min: 0.1, max: 0.01 } }, '"lr": min must be below max; got 0.1 and 0.01'],
    [{ lr: { min: 0.1 } }, '"lr" must have numbers min and max'],
    [{ lr: { min: 0.1, max: '1' } }, '"lr" must have numbers min and max'],
    [{ lr: { min: 0.1, max: 1, Log: true } }, '"lr" has the unknown key "Log"; did you mean "log"?'],
    [{ lr: { min: 0.1, max: 1, log: 1 } }, '"lr": log must be true or false; got 1'],
    [{ hidden: { min: 1.5, max: 3 } }, '"hidden" must be an integer of at least 1; got 1.5'],
    [{ optimizer: { min: 1, max: 2 } }, '"optimizer" has no numbers between two'],
    [{ optimizer: ['adan'] }, '"optimizer" must be one of adam, adamw, sgd'],
    [{ schedule: [3] }, '"schedule" must be a string; got 3'],
  ])('%j is refused', (space, message) => {
    expect(() => parse(space)).toThrow(message);
  });

  it('is lists alone for a grid', () => {
    expect(() => parse({ lr: { min: 0.1, max: 1 } }, true)).toThrow('"lr" must be a list in a grid');
    expect(() => parse({ lr: 1 }, true)).toThrow('"lr" must be a list of values; got 1');
  });

  it('has every setting of a training that is not held fixed', () => {
    const names = searchable(train).map((option) => option.attributeName());
    expect(names).toEqual(expect.arrayContaining(['lr', 'cell', 'hidden', 'head', 'ema', 'classWeights', 'clip']));
    expect(names).not.toContain('test');
    expect(names.length).toBeGreaterThan(30);
  });
});

const numbers = fc.double({ min: 1e-4, max: 0.9, noNaN: true });
const pairs = (values: fc.Arbitrary<number>) => fc.tuple(values, values).filter(([a, b]) => a !== b).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) })); // prettier-ignore
const range = (values: fc.Arbitrary<number>) => fc.tuple(pairs(values), fc.boolean()).map(([ends, log]) => ({ ...ends, log })); // prettier-ignore
const spaces = fc.record(
  {
    lr: range(numbers),
    dropout: range(numbers),
    clip: range(numbers),
    hidden: range(fc.integer({ min: 1, max: 300 })),
    batch: fc.uniqueArray(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 4 }),
    encoders: fc.constant([['words'], ['words', 'affixes'], null]),
  },
  { requiredKeys: ['lr'] },
);

describe('what is drawn', () => {
  it('is inside its domain, and a value of its setting', () => {
    const options = settingsOf(train);
    fc.assert(
      fc.property(spaces, fc.integer(), (file, seed) => {
        const space = parse(file);
        const drawn = drawOne(space, createRng(seed));
        expect(Object.keys(drawn)).toEqual(space.map(({ name }) => name));
        for (const dimension of space) {
          const value = drawn[dimension.name];
          const option = options.find((each) => each.attributeName() === dimension.name)!;
          if (value !== null) expect(fits(kindOf(option).schema, value)).toBe(true);
          if (isList(dimension)) expect(dimension.values).toContain(value);
          else {
            expect(value).toBeGreaterThanOrEqual(dimension.min);
            expect(value).toBeLessThanOrEqual(dimension.max);
            expect(!dimension.integer || Number.isInteger(value)).toBe(true);
          }
        }
      }),
      { seed: 13, numRuns: 300 },
    );
  });

  it('follows from seed and number: a longer search begins with a shorter one, another dimension changes no other', () => {
    fc.assert(
      fc.property(spaces, fc.integer(), fc.integer({ min: 1, max: 8 }), (file, seed, count) => {
        const space = parse(file);
        const long = drawTrials(space, 9, seed, identity);
        expect(long.slice(0, count)).toEqual(drawTrials(space, count, seed, identity));
        expect(long[0]).toEqual({});
        expect(new Set(long.map(identity)).size).toBe(long.length);
        const more = drawTrials([...space, { name: 'layers', values: [1, 2, 3] }], 9, seed, ({ lr }) => String(lr));
        const less = drawTrials(space, 9, seed, ({ lr }) => String(lr));
        expect(more.map(({ lr }) => lr)).toEqual(less.map(({ lr }) => lr));
      }),
      { seed: 13 },
    );
  });

  it('covers lists evenly, integers to both ends, and factors evenly where it is logarithmic', () => {
    const space: Space = parse({ batch: [8, 16], hidden: { min: 1, max: 3 }, lr: { min: 1e-4, max: 1e-2, log: true }, dropout: { min: 0, max: 0.8 } }); // prettier-ignore
    const all = Array.from({ length: 3000 }, (_, i) => drawOne(space, createRng(i)));
    const share = (test: (drawn: Record<string, unknown>) => boolean) => all.filter(test).length / all.length;
    // Binomial shares of 3,000: five standard deviations are 5·√(p(1 − p)/3000), below 0.046.
    expect(Math.abs(share(({ batch }) => batch === 8) - 1 / 2)).toBeLessThan(0.046);
    for (const n of [1, 2, 3]) expect(Math.abs(share(({ hidden }) => hidden === n) - 1 / 3)).toBeLessThan(0.046);
    expect(Math.abs(share(({ lr }) => (lr as number) < 1e-3) - 1 / 2)).toBeLessThan(0.046);
    expect(Math.abs(share(({ dropout }) => (dropout as number) < 0.2) - 1 / 4)).toBeLessThan(0.046);
  });

  it('is less where the space has no more that differ', () => {
    const space = parse({ batch: [8, 16], hidden: [4, 5] });
    expect(drawTrials(space, 12, 1, identity)).toHaveLength(5);
  });
});

describe('a grid', () => {
  it('crosses its lists, the last one fastest, the same training once', () => {
    const space = parse({ batch: [8, 16], hidden: [4, 5] }, true).filter(isList);
    expect(gridTrials(space, identity)).toEqual([
      { batch: 8, hidden: 4 },
      { batch: 8, hidden: 5 },
      { batch: 16, hidden: 4 },
      { batch: 16, hidden: 5 },
    ]);
    expect(gridTrials(space, ({ batch }) => String(batch))).toHaveLength(2);
  });
});

describe('the default space', () => {
  const asked = { task: 'tag', optimizer: 'adam', encoders: ['words'], chosen: { encoders: false, head: false }, spans: true, fixed: [] } as const; // prettier-ignore

  it.each(['tag', 'classify'] as const)('is a space: %s', (task) => {
    for (const optimizer of ['adam', 'sgd']) {
      const space = parse(defaultSpace({ ...asked, task, optimizer }));
      expect(space.length).toBeGreaterThan(5);
      expect(space.some(({ name }) => name === 'head')).toBe(task === 'tag');
    }
  });

  it('leaves out what is chosen, or means nothing', () => {
    const names = (more: object) => Object.keys(defaultSpace({ ...asked, ...more }));
    expect(names({})).toEqual(['lr', 'dropout', 'hidden', 'batch', 'wordDropout', 'head', 'encoders']);
    expect(names({ fixed: ['lr', 'head'] })).toEqual(['dropout', 'hidden', 'batch', 'wordDropout', 'encoders']);
    expect(names({ spans: false })).not.toContain('head');
    const chosen = { encoders: true, head: true };
    expect(names({ chosen })).toEqual(['lr', 'dropout', 'hidden', 'batch', 'wordDropout']);
    expect(names({ chosen, encoders: ['affixes'] })).toEqual(['lr', 'dropout', 'hidden', 'batch']);
  });
});
