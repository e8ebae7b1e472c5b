/** Runs the ladder: opens every rung, checks it against rung 1, and times the correct ones in turns. */
import { loadavg } from 'node:os';
import { BpttError, UnsupportedError } from '../../tensor/index.js';
import { messageOf } from '../../tensor/errors.js';
import { thrownBy } from '../user-kernel-check.js';
import type { Machine } from '../machine.js';
import { listRungs } from './files.js';
import {
  CHECKED_LAYERS,
  faultOfStates,
  layerOperandsOf,
  layerWorkOf,
  openTwin,
  statesOf,
  TIMED_LAYER,
} from './layer.js';
import { openRung } from './open.js';
import { answerOf, CHECKED, faultOfFirst, judge, operandsOf, TIMED, workOf } from './product.js';
import type { Problem } from './product.js';
import { raceRungs } from './race.js';
import type { Runner, Surroundings, Timetable } from './race.js';
import { rowsOf } from './rows.js';
import type { Measured } from './rows.js';
import type {
  LadderResult,
  LadderRow,
  LayerRung,
  LayerSizes,
  Left,
  ProductRung,
  Rung,
  RungFile,
  Size,
} from './types.js';

const USUAL: Timetable = { turns: 15, leastTurns: 3, turnMs: 40, mostMs: 6000 };
const QUICK: Timetable = { turns: 2, leastTurns: 1, turnMs: 2, mostMs: 100 };
const QUICK_SIZE: Size = [48, 300, 40];
const QUICK_LAYER: LayerSizes = { T: 4, B: 8, H: 16 };

/** Options of a ladder run. */
export interface LadderOptions {
  /** Folder of the rungs; default: that of the clone. */
  readonly folder?: string;
  /** Substrings of rung names to run; all if empty. The first rung always takes part. */
  readonly cases: readonly string[];
  /** Size of the timed product. */
  readonly size?: Size;
  readonly quick: boolean;
  /** Milliseconds for all turns of a rung. */
  readonly time?: number;
}

/** Callbacks of a run, its clock and its machine. */
export interface LadderSurroundings extends Surroundings {
  /** Describes the machine; called before and after the race, and the higher peak is used. */
  machine(): Machine;
}

/** State of a ladder run. */
interface Climb {
  readonly around: LadderSurroundings;
  readonly size: Size;
  readonly layer: LayerSizes;
  readonly problems: Problem[];
  readonly right: { readonly rung: Rung; readonly checked: LadderRow['checked'] }[];
  readonly refused: Left[];
  readonly skipped: Left[];
}

/**
 * Runs a ladder.
 *
 * @throws ArgumentError if there is no ladder; BpttError if its first rung cannot be opened or is wrong
 */
export async function runLadder(options: LadderOptions, around: LadderSurroundings): Promise<LadderResult> {
  const [first, ...others] = listRungs(options.folder);
  const size = options.size ?? (options.quick ? QUICK_SIZE : TIMED);
  const layer = options.quick ? QUICK_LAYER : TIMED_LAYER;
  const climb: Climb = { around, size, layer, problems: [], right: [], refused: [], skipped: [] };
  await openFirst(climb, first);
  const wants = ({ name }: RungFile): boolean =>
    options.cases.length === 0 || options.cases.some((part) => name.includes(part));
  for (const file of others.filter(wants)) {
    if (around.stopped()) break;
    around.progress(`ladder ${file.name}: checking`, 0, 1);
    await openNext(climb, file);
  }
  const before = loadavg()[0];
  const machine = around.machine();
  const turns = await race(climb, timetableOf(options), around);
  const later = around.machine();
  const peak = machine.peak === null ? null : Math.max(machine.peak, later.peak ?? 0);
  const bandwidth = Math.max(machine.bandwidth ?? 0, later.bandwidth ?? 0);
  const work = { product: workOf(size), lstm: layerWorkOf(layer) };
  // A gain is relative to the previous rung; if rungs were left out, this is not the rung that the header refers to.
  const whole = options.cases.length === 0;
  const measured = climb.right.map(({ rung, checked }) => {
    const row = describe(rung, checked, turns.get(rung.file.name) ?? []);
    return whole ? row : { ...row, predicted: undefined };
  });
  return {
    machine: { ...machine, peak, bandwidth },
    date: new Date().toISOString().slice(0, 10),
    load: [before, loadavg()[0]],
    work,
    rows: rowsOf(measured, work, { peak, bandwidth }),
    refused: climb.refused,
    skipped: climb.skipped,
  };
}

function timetableOf({ quick, time }: LadderOptions): Timetable {
  const { turns, leastTurns, turnMs, mostMs } = quick ? QUICK : USUAL;
  return { turns, leastTurns, turnMs: time === undefined ? turnMs : time / turns, mostMs: time ?? mostMs };
}

/** The first rung: since the others are compared with it, it is checked against a sum in float64. */
async function openFirst({ right, problems, size }: Climb, file: RungFile): Promise<void> {
  const fail = (reason: string): never => {
    throw new BpttError(`${file.name}, the first rung, ${reason}; the others are compared with it, so none was timed`);
  };
  const rung = await openRung(file).catch((error: unknown) => fail(`cannot be loaded: ${reasonOf(error)}`));
  if (rung.work !== 'product') return fail('has no product; export addMatmul');
  for (const each of [...CHECKED, size]) {
    const operands = operandsOf(each);
    const expected = await answerOf(rung, each, operands).catch((error: unknown) => fail(`throws ${reasonOf(error)}`));
    const fault = each === size ? undefined : faultOfFirst(each, operands, expected);
    if (fault !== undefined) fail(fault);
    problems.push({ size: each, ...operands, expected });
  }
  right.push({ rung, checked: 'reference' });
}

/** Any other rung: correct ones are kept, the others are reported by name. */
async function openNext(climb: Climb, file: RungFile): Promise<void> {
  const { right, refused, skipped } = climb;
  try {
    const rung = await openRung(file);
    const verdict = rung.work === 'product' ? await checkProduct(climb, rung) : await checkLayer(climb, rung);
    if ('fault' in verdict) refused.push({ rung: file.name, reason: verdict.fault });
    else right.push({ rung, checked: verdict.checked });
  } catch (error) {
    (error instanceof UnsupportedError ? skipped : refused).push({ rung: file.name, reason: reasonOf(error) });
  }
}

/** The message of an error of this package, or the class and message of an error that a rung threw. */
function reasonOf(error: unknown): string {
  return error instanceof BpttError ? messageOf(error) : thrownBy(error);
}

type Verdict = { readonly fault: string } | { readonly checked: LadderRow['checked'] };

async function checkProduct({ problems }: Climb, rung: ProductRung): Promise<Verdict> {
  let verdict: Verdict = { checked: 'same bits' };
  for (const problem of problems) {
    const next = judge(rung, problem, await answerOf(rung, problem.size, problem));
    if ('fault' in next) return next;
    if (next.checked !== 'same bits') verdict = next;
  }
  return verdict;
}

async function checkLayer(climb: Climb, rung: LayerRung): Promise<Verdict> {
  const twin = await twinOf(climb, rung);
  for (const sizes of [...CHECKED_LAYERS, climb.layer]) {
    const operands = layerOperandsOf(sizes);
    const want = await statesOf(twin, sizes, operands);
    const fault = faultOfStates(sizes, await statesOf(rung, sizes, operands), want);
    if (fault !== undefined) return { fault };
  }
  return { checked: 'same bits' };
}

/** The twin of the layer, opened for the first rung that computes the layer. */
async function twinOf({ right }: Climb, beside: LayerRung): Promise<LayerRung> {
  const known = right.map(({ rung }) => rung).find((rung) => rung.work === 'lstm');
  if (known !== undefined) return known as LayerRung;
  const products = right.flatMap(({ rung, checked }) =>
    rung.work === 'product' && rung.inMemory !== undefined && checked === 'same bits' ? [rung] : [],
  );
  const twin = await openTwin(beside, products.at(-1));
  right.push({ rung: twin, checked: 'reference' });
  return twin;
}

/** Times all correct rungs, each with separate operands. */
async function race(
  { right, size, layer }: Climb,
  timetable: Timetable,
  around: Surroundings,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const runners: (Runner & { close(): void | Promise<void> })[] = [];
  try {
    for (const { rung } of right) {
      const { name } = rung.file;
      if (rung.work === 'product') {
        const prepared = await rung.prepare(size);
        prepared.set(operandsOf(size));
        runners.push({ name, run: () => prepared.run(), close: () => prepared.close() });
      } else {
        const prepared = await rung.prepare(layer);
        prepared.set(layerOperandsOf(layer));
        runners.push({ name, run: () => prepared.run(), close: () => prepared.close() });
      }
    }
    return await raceRungs(runners, timetable, around);
  } finally {
    for (const each of runners) await each.close();
  }
}

function describe(rung: Rung, checked: LadderRow['checked'], turns: readonly number[]): Measured {
  const { work, file } = rung;
  const { name, title, predicted } = file;
  const device = rung.work === 'product' ? rung.device : undefined;
  return {
    rung: name,
    title,
    work,
    predicted,
    checked,
    turns,
    device,
    threads: rung.work === 'lstm' ? rung.threads : 1,
  };
}
