import fc from 'fast-check';
import { createSchedule, parseSchedule, type ScheduleSpec } from '../../src/optim/index.js';
import { ArgumentError } from '../../src/tensor/errors.js';

fc.configureGlobal({ seed: 14, numRuns: 100 });

const make = (text: string, totalSteps?: number) => createSchedule(parseSchedule(text), totalSteps);

test.each<[string, ScheduleSpec]>([
  ['constant', { kind: 'constant' }],
  ['warmup:500', { kind: 'warmup', steps: 500 }],
  ['cosine', { kind: 'cosine', warmup: 0, floor: 0 }],
  ['cosine:all', { kind: 'cosine', warmup: 0, floor: 0 }],
  ['cosine:all,200', { kind: 'cosine', warmup: 200, floor: 0 }],
  ['cosine:20000,500,0.01', { kind: 'cosine', steps: 20000, warmup: 500, floor: 0.01 }],
  ['cosine:2e4', { kind: 'cosine', steps: 20000, warmup: 0, floor: 0 }],
  ['hold:0.6', { kind: 'hold', share: 0.6, floor: 0 }],
  ['hold:0,0.005', { kind: 'hold', share: 0, floor: 0.005 }],
  ['plateau:0.5,2', { kind: 'plateau', factor: 0.5, patience: 2, floor: 0 }],
  ['plateau:0.1,0,0.001', { kind: 'plateau', factor: 0.1, patience: 0, floor: 0.001 }],
])('%s is read', (text, spec) => {
  expect(parseSchedule(text)).toEqual(spec);
  expect(createSchedule(spec, 1000).spec).toEqual(spec);
});

test.each([
  '',
  'linear',
  'Constant',
  'toString',
  'constant:1',
  'constant:',
  'warmup',
  'warmup:',
  'warmup:0',
  'warmup:-5',
  'warmup:1.5',
  'warmup:1,2',
  'warmup:all',
  'warmup:many',
  'warmup:Infinity',
  'cosine:',
  'cosine:0',
  'cosine:100,100',
  'cosine:100,-1',
  'cosine:100,10,2',
  'cosine:100,10,0.1,5',
  'cosine:all,all',
  'hold',
  'hold:',
  'hold:1',
  'hold:-0.1',
  'hold:0.6,2',
  'hold:0.6,-1',
  'hold:0.6,0.1,1',
  'hold:all',
  'plateau',
  'plateau:0.5',
  'plateau:0,2',
  'plateau:1,2',
  'plateau:nan,2',
  'plateau:0.5,-1',
  'plateau:0.5,1.5',
  'plateau:0.5, ,1',
  'plateau:0.5,2,-1',
])("'%s' is refused", (text) => {
  expect(() => parseSchedule(text)).toThrow(ArgumentError);
  expect(() => parseSchedule(text)).toThrow(/^schedule/);
});

test('an error says what is possible and what came', () => {
  expect(() => parseSchedule('exponential:3')).toThrow(/must be constant, warmup:STEPS, .*got 'exponential:3'/);
  expect(() => parseSchedule('warmup:many')).toThrow(/got 'warmup:many'; 'many' is not a number/);
  expect(() => parseSchedule('plateau:2,1')).toThrow('FACTOR must be greater than 0 and less than 1; got 2');
});

test('a spec written by hand is checked as a parsed one', () => {
  const half = { kind: 'plateau', factor: '0.5' as unknown as number, patience: 1, floor: 0 } as const;
  expect(() => createSchedule(half)).toThrow(/FACTOR must be greater than 0 and less than 1; got the string "0.5"/);
  // A constant rate has no use for it; a wrong number is refused all the same.
  expect(() => createSchedule({ kind: 'constant' }, 2.5)).toThrow(/totalSteps must be/);
});

test('hold is 1 for its share of the run, then half a cosine down to FLOOR', () => {
  const schedule = make('hold:0.6,0.1', 20);
  expect([0, 1, 11, 12].map(schedule.factor)).toEqual([1, 1, 1, 1]);
  for (let step = 13; step <= 20; step++) {
    expect(schedule.factor(step)).toBeCloseTo(0.1 + 0.9 * (0.5 + 0.5 * Math.cos((Math.PI * (step - 12)) / 8)), 14);
  }
  expect(schedule.factor(20)).toBe(0.1);
  expect(schedule.factor(1000)).toBe(0.1);
});

test('hold without a share is a cosine over the run; it needs to know how long that is', () => {
  const [held, cosine] = [make('hold:0,0.2', 50), make('cosine:50,0,0.2')];
  for (let step = 0; step < 60; step++) expect(held.factor(step)).toBe(cosine.factor(step));
  expect(() => make('hold:0.6')).toThrow('createSchedule needs totalSteps; got none');
});

test('constant is 1', () => {
  const schedule = make('constant');
  expect([0, 1, 1e6].map(schedule.factor)).toEqual([1, 1, 1]);
});

test('warm-up rises linearly from 1/STEPS to 1', () => {
  const schedule = make('warmup:4');
  expect([0, 1, 2, 3, 4, 100].map(schedule.factor)).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
  expect(make('warmup:1').factor(0)).toBe(1);
});

test('cosine is half a cosine, to the last bits', () => {
  const steps = 997;
  const schedule = make(`cosine:${steps}`);
  for (let step = 0; step <= steps; step++) {
    const expected = (1 + Math.cos((Math.PI * step) / steps)) / 2;
    // The series is off by two roundings of a number near 1, its square by five; the expectation by two.
    expect(Math.abs(schedule.factor(step) - expected)).toBeLessThan(8 * 2 ** -53);
  }
  expect([schedule.factor(0), schedule.factor(steps), schedule.factor(10 * steps)]).toEqual([1, 0, 0]);
});

test('cosine with warm-up and floor', () => {
  const schedule = make('cosine:110,10,0.2');
  expect([0, 4, 9, 10].map(schedule.factor)).toEqual([0.1, 0.5, 1, 1]);
  expect(schedule.factor(60)).toBeCloseTo(0.6, 15);
  expect([schedule.factor(110), schedule.factor(1000)]).toEqual([0.2, 0.2]);
});

test('cosine over the whole run takes its length from the trainer', () => {
  const [whole, given] = [make('cosine', 300), make('cosine:300')];
  for (let step = 0; step <= 320; step += 7) expect(whole.factor(step)).toBe(given.factor(step));
  expect(make('cosine:all,20', 300).factor(9)).toBe(0.5);
  expect(() => make('cosine')).toThrow(/needs totalSteps; got none/);
  expect(() => make('cosine:all,300', 300)).toThrow(/STEPS must exceed WARMUP, 300; got 300/);
  expect(() => make('cosine', 0)).toThrow(ArgumentError);
});

test('plateau waits for more than PATIENCE stale evaluations, then starts to count anew', () => {
  const schedule = make('plateau:0.5,2,0.2');
  const factors = [70, 71, 71, 70, 69, 71, 71, 71, 72, 71, 71, 71, 1].map((metric) => {
    schedule.observe(metric);
    return schedule.factor(0);
  });
  expect(factors).toEqual([1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2]);
});

test('plateau with patience 0 cuts at the first stale evaluation, also below zero', () => {
  const schedule = make('plateau:0.1,0');
  const factors = [-3, -2, -2].map((metric) => {
    schedule.observe(metric);
    return schedule.factor(9);
  });
  expect(factors).toEqual([1, 1, 0.1]);
});

test('plateau, saved through JSON and restored at any point, goes on as before', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 20 }), fc.nat(20), (metrics, at) => {
      const whole = make('plateau:0.5,1,0.01');
      let parts = make('plateau:0.5,1,0.01');
      metrics.forEach((metric, i) => {
        if (i === at) {
          const state = JSON.parse(JSON.stringify(parts.state()));
          parts = make('plateau:0.5,1,0.01');
          parts.restore(state);
        }
        whole.observe(metric);
        parts.observe(metric);
        expect(parts.factor(i)).toBe(whole.factor(i));
      });
    }),
  );
});

test('every factor is in (0, 1], but for the end of a cosine', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('constant', 'warmup:7', 'cosine:50,3,0.1', 'plateau:0.5,1'),
      fc.nat(200),
      (text, step) => {
        const factor = make(text).factor(step);
        expect(factor > 0 && factor <= 1).toBe(true);
      },
    ),
  );
});

test('a floor of 0 and of 1 is legal: nothing is left to fall', () => {
  expect(make('cosine:10,0,1').factor(7)).toBe(1);
  const schedule = make('plateau:0.5,0,1');
  for (const metric of [3, 2, 1]) schedule.observe(metric);
  expect(schedule.factor(0)).toBe(1);
});

test('the state of a plateau says what was seen', () => {
  const schedule = make('plateau:0.5,2');
  for (const metric of [5, 7, 6]) schedule.observe(metric);
  expect(schedule.state()).toEqual({ factor: 1, seen: 3, best: 7, stale: 1 });
});

test('metrics and states that make no sense are refused', () => {
  const whole = make('plateau:0.5,2').state();
  expect(() => make('plateau:0.5,2').restore({ ...whole, seen: '3' as unknown as number })).toThrow(/must hold/);
  const { seen, ...rest } = whole;
  expect(() => make('plateau:0.5,2').restore({ ...rest, saw: seen })).toThrow(
    /must hold .*got factor, best, stale, saw/,
  );
  for (const text of ['constant', 'warmup:5', 'plateau:0.5,2']) {
    expect(() => make(text).observe(NaN)).toThrow(ArgumentError);
    expect(() => make(text).observe(Infinity)).toThrow(/must be finite/);
  }
  expect(() => make('plateau:0.5,2').restore({})).toThrow(/must hold factor, seen, best, stale; got nothing/);
  expect(() => make('constant').restore({ factor: 1 })).toThrow(/must hold nothing; got factor/);
  expect(make('warmup:5').state()).toEqual({});
  expect(() => make('warmup:5').restore({})).not.toThrow();
  expect(() => createSchedule({ kind: 'warmup', steps: 0 })).toThrow(ArgumentError);
});
