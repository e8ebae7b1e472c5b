/**
 * Learning rate schedules. A schedule yields a factor for the optimizer's base learning rate; the trainer multiplies:
 *
 *     optimizer.step(grads, baseLr * schedule.factor(step))        before every update, step = 0, 1, 2, …
 *     schedule.observe(accuracyOnDev)                              after every evaluation
 *
 * On the command line a schedule is written as
 *
 *     constant                              1 throughout
 *     warmup:STEPS                          rises linearly over STEPS updates, then stays 1
 *     cosine[:STEPS[,WARMUP[,FLOOR]]]       warm-up, then half a cosine down to FLOOR at update STEPS
 *     hold:SHARE[,FLOOR]                    1 for that share of the whole run, then half a cosine down to FLOOR at its end
 *     plateau:FACTOR,PATIENCE[,FLOOR]       × FACTOR when the metric has not improved for more than PATIENCE evaluations
 *
 * where STEPS of `cosine` may be omitted or be the word `all`: the whole run. WARMUP and FLOOR default to 0. Examples:
 * `warmup:500`, `cosine`, `cosine:all,200`, `cosine:20000,500,0.01`, `hold:0.6,0.005`, `plateau:0.5,2`.
 *
 * Sources: linear warm-up, Goyal et al. 2017, section 2.2; cosine annealing, Loshchilov & Hutter, SGDR, ICLR 2017,
 * equation 5, without restarts; plateau, the rule of PyTorch's ReduceLROnPlateau with threshold 0 and no cool-down;
 * a rate that is held and lowered at the end, Hägele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations
 * (NeurIPS 2024), section 3.
 */
import { ArgumentError } from '../tensor/errors.js';
import { expectRecord, expectString } from '../tensor/arguments.js';
import { expectOneOf, expectPositiveInteger } from '../tensor/checks.js';
import { show } from '../tensor/describe.js';

/** A schedule as plain data, as `parseSchedule` reads it. */
export type ScheduleSpec =
  | { readonly kind: 'constant' }
  | { readonly kind: 'warmup'; readonly steps: number }
  | { readonly kind: 'cosine'; readonly steps?: number; readonly warmup: number; readonly floor: number }
  | { readonly kind: 'hold'; readonly share: number; readonly floor: number }
  | { readonly kind: 'plateau'; readonly factor: number; readonly patience: number; readonly floor: number };

/** The state of a schedule; numbers only, for a checkpoint. Empty for a schedule that depends only on the step. */
export type ScheduleState = Readonly<Record<string, number>>;

/** A learning rate that changes: a factor of the base rate for every update. */
export interface Schedule {
  readonly spec: ScheduleSpec;
  /** Factor of the base learning rate for update `step`, counted from 0. */
  factor(step: number): number;
  /**
   * Reports one evaluation; higher is better. Only `plateau` uses it.
   *
   * @throws ArgumentError when the metric is not finite
   */
  observe(metric: number): void;
  /** The state that `restore` needs to continue from here. */
  state(): ScheduleState;
  /** Continues from a saved state. @throws ArgumentError when it is the state of another kind of schedule */
  restore(state: ScheduleState): void;
}

const GRAMMAR =
  'constant, warmup:STEPS, cosine[:STEPS|all[,WARMUP[,FLOOR]]], hold:SHARE[,FLOOR] or plateau:FACTOR,PATIENCE[,FLOOR], ' +
  'for example warmup:500 or plateau:0.5,2';

/**
 * Parses a schedule from its command-line form; the grammar is at the top of this file.
 *
 * @throws ArgumentError when the text does not follow the grammar or a number is outside its domain
 */
export function parseSchedule(text: string): ScheduleSpec {
  expectString('parseSchedule', 'schedule', text);
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  const values = colon < 0 ? [] : text.slice(colon + 1).split(',');
  const counts: Record<string, readonly [number, number]> = {
    constant: [0, 0],
    warmup: [1, 1],
    cosine: [0, 3],
    hold: [1, 2],
    plateau: [2, 3],
  };
  const [least, most] = Object.hasOwn(counts, kind) ? counts[kind] : [1, 0];
  if (values.length < least || values.length > most) {
    throw new ArgumentError(`schedule must be ${GRAMMAR}; got '${text}'`);
  }
  const number = (i: number, otherwise: number): number =>
    i < values.length ? parseNumber(values[i], text) : otherwise;
  if (kind === 'warmup') return checked({ kind, steps: number(0, 0) });
  if (kind === 'hold') return checked({ kind, share: number(0, 0), floor: number(1, 0) });
  if (kind === 'plateau') return checked({ kind, factor: number(0, 0), patience: number(1, 0), floor: number(2, 0) });
  if (kind === 'cosine') {
    const steps = values.length === 0 || values[0] === 'all' ? undefined : number(0, 0);
    return checked({ kind, steps, warmup: number(1, 0), floor: number(2, 0) });
  }
  return { kind: 'constant' };
}

/**
 * Makes a schedule.
 *
 * @param spec what `parseSchedule` returns, or written by hand
 * @param totalSteps updates of the whole run; required by `hold` and by a `cosine` without STEPS, unused otherwise
 * @throws ArgumentError when a number is outside its domain or `totalSteps` is needed and missing
 */
export function createSchedule(spec: ScheduleSpec, totalSteps?: number): Schedule {
  expectRecord('createSchedule', 'spec', spec, 'a schedule, as parseSchedule returns');
  expectOneOf('createSchedule', 'spec.kind', spec.kind, ['constant', 'warmup', 'cosine', 'hold', 'plateau']);
  if (totalSteps !== undefined) expectPositiveInteger('createSchedule', 'totalSteps', totalSteps);
  checked(spec);
  if (spec.kind === 'plateau') return plateau(spec);
  if (spec.kind === 'warmup') return stateless(spec, (step) => ramp(step, spec.steps));
  if (spec.kind === 'cosine') return cosine(spec, totalSteps);
  if (spec.kind === 'hold') return hold(spec, totalSteps);
  return stateless(spec, () => 1);
}

/** Rises from 1/steps at step 0 to 1 at step steps − 1, so that no update has a rate of 0. */
function ramp(step: number, steps: number): number {
  return step + 1 >= steps ? 1 : (step + 1) / steps;
}

function cosine(spec: ScheduleSpec & { kind: 'cosine' }, totalSteps?: number): Schedule {
  const { warmup, floor } = spec;
  const steps = spec.steps ?? totalSteps;
  if (steps === undefined) {
    throw new ArgumentError('schedule cosine: STEPS is left out, so createSchedule needs totalSteps; got none');
  }
  checked({ ...spec, steps });
  return stateless(spec, (step) => {
    if (step < warmup) return ramp(step, warmup);
    const progress = Math.min(1, (step - warmup) / (steps - warmup));
    return floor + (1 - floor) * halfCosine(progress);
  });
}

function hold(spec: ScheduleSpec & { kind: 'hold' }, totalSteps?: number): Schedule {
  if (totalSteps === undefined) {
    throw new ArgumentError(
      'schedule hold: SHARE is a share of the whole run, so createSchedule needs totalSteps; got none',
    );
  }
  const { share, floor } = spec;
  const held = share * totalSteps;
  return stateless(spec, (step) => {
    if (step <= held) return 1;
    return floor + (1 - floor) * halfCosine(Math.min(1, (step - held) / (totalSteps - held)));
  });
}

function stateless(spec: ScheduleSpec, factor: (step: number) => number): Schedule {
  return {
    spec,
    factor,
    observe: expectMetric,
    state: () => ({}),
    restore(state) {
      expectKeys(spec, state, []);
    },
  };
}

function plateau(spec: ScheduleSpec & { kind: 'plateau' }): Schedule {
  let factor = 1;
  let seen = 0;
  let best = 0;
  let stale = 0;
  return {
    spec,
    factor: () => factor,
    observe(metric) {
      expectMetric(metric);
      if (seen++ === 0 || metric > best) {
        best = metric;
        stale = 0;
      } else if (++stale > spec.patience) {
        factor = Math.max(spec.floor, factor * spec.factor);
        stale = 0;
      }
    },
    state: () => ({ factor, seen, best, stale }),
    restore(state) {
      expectKeys(spec, state, ['factor', 'seen', 'best', 'stale']);
      ({ factor, seen, best, stale } = state as { factor: number; seen: number; best: number; stale: number });
    },
  };
}

/**
 * (1 + cos πx) / 2 for x from 0 to 1, as cos²(πx/2) by the Taylor series of the cosine at most π/4 from its centre: plain
 * arithmetic, hence the same bits everywhere.
 */
function halfCosine(x: number): number {
  // Beyond the middle, cos²(πx/2) = 1 − cos²(π(1−x)/2).
  if (x > 0.5) return 1 - halfCosine(1 - x);
  const angle = (Math.PI / 2) * x;
  const square = angle * angle;
  let sum = 0;
  for (let term = 1, k = 0; k < 24; k += 2, term *= -square / ((k - 1) * k)) sum += term;
  return sum * sum;
}

function parseNumber(value: string, text: string): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) {
    throw new ArgumentError(`schedule must be ${GRAMMAR}; got '${text}'; '${value}' is not a number`);
  }
  return number;
}

/** Returns the spec when every number is inside its domain. */
function checked(spec: ScheduleSpec): ScheduleSpec {
  const expect = (holds: boolean, what: string, got: unknown): void => {
    if (holds && typeof got === 'number') return;
    throw new ArgumentError(`schedule ${spec.kind}: ${what}; got ${show(got)}`);
  };
  const count = (value: number, least: number) => Number.isSafeInteger(value) && value >= least;
  if (spec.kind === 'warmup') expect(count(spec.steps, 1), 'STEPS must be an integer of at least 1', spec.steps);
  if (spec.kind === 'cosine') {
    expect(count(spec.warmup, 0), 'WARMUP must be an integer of at least 0', spec.warmup);
    if (spec.steps !== undefined) {
      expect(count(spec.steps, 1), 'STEPS must be an integer of at least 1', spec.steps);
      expect(spec.steps > spec.warmup, `STEPS must exceed WARMUP, ${spec.warmup}`, spec.steps);
    }
  }
  if (spec.kind === 'plateau') {
    expect(spec.factor > 0 && spec.factor < 1, 'FACTOR must be greater than 0 and less than 1', spec.factor);
    expect(count(spec.patience, 0), 'PATIENCE must be an integer of at least 0', spec.patience);
  }
  if (spec.kind === 'hold')
    expect(spec.share >= 0 && spec.share < 1, 'SHARE must be at least 0 and below 1', spec.share);
  if (spec.kind === 'cosine' || spec.kind === 'hold' || spec.kind === 'plateau') {
    expect(spec.floor >= 0 && spec.floor <= 1, 'FLOOR must be from 0 to 1', spec.floor);
  }
  return spec;
}

function expectMetric(metric: number): void {
  if (Number.isFinite(metric)) return;
  throw new ArgumentError(`schedule: the observed metric must be finite; got ${show(metric)}`);
}

function expectKeys(spec: ScheduleSpec, state: ScheduleState, keys: readonly string[]): void {
  expectRecord(`schedule ${spec.kind}`, 'state', state, 'what state() returned');
  const fits = Object.keys(state).length === keys.length && keys.every((key) => typeof state[key] === 'number');
  if (!fits) {
    throw new ArgumentError(
      `schedule ${spec.kind}: a state must hold ${keys.join(', ') || 'nothing'}; got ${Object.keys(state).join(', ') || 'nothing'}`,
    );
  }
}
