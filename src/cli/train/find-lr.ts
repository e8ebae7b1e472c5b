/** `bptt train --find-lr`: a learning-rate range test, as a table, a picture and a suggestion. It writes no model. */
import type { Command } from 'commander';
import { availableParallelism } from 'node:os';
import type { Selection } from '../../kernels/index.js';
import type { NoteCollector } from '../../labeling/data/notes.js';
import { nodeThreads } from '../../labeling/training/parallel/threads.node.js';
import { withDefaults } from '../../labeling/training/options.js';
import type { RatePoint, RateRange } from '../../labeling/training/rate-range.js';
import { findRateRange } from '../../labeling/training/rate-range.js';
import type { Corpora } from '../../labeling/training/run.js';
import { saveFile } from '../../serialize/save.node.js';
import { ArgumentError } from '../../tensor/index.js';
import { counted, table } from '../../tensor/print.js';
import { visible } from '../../tensor/visible.js';
import { drawPicture } from '../curves/chart-svg.js';
import { InterruptedError } from '../failure.js';
import type { watchInterrupt } from '../interrupt.js';
import type { Progress } from '../progress.js';
import type { ThreadedOptions } from './rescue.js';
import { trainOptionsOf } from './rescue.js';
import type { Terminal } from '../terminal.js';
import { print, printJson } from '../terminal.js';
import { describeThreads } from './report.js';

/** Command-line options of the test. */
export interface FindLrOptions {
  /** Number of updates, or true for one epoch. */
  readonly findLr?: number | true;
  readonly lrRange?: { readonly from: number; readonly to: number };
  readonly svg?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Default rates. */
const RANGE = { from: 1e-5, to: 10 } as const;

/** Options about a resulting model, or its rate: they would be ignored, so they are rejected. */
const IDLE = [
  'lr',
  'schedule',
  'seeds',
  'ensemble',
  'out',
  'log',
  'tensorboard',
  'card',
  'saveConfig',
  'profile',
  'checkpoint',
  'every',
  'resume',
] as const;

/** @throws ArgumentError if an option would be ignored */
export function checkFindLr(options: FindLrOptions, command: Command): void {
  const isIdle = (name: string): boolean =>
    command.getOptionValueSource(name) === 'cli' && command.getOptionValue(name) !== false; // --no-save-config has nothing to ignore
  const flagOf = (name: string) => command.options.find((each) => each.attributeName() === name)?.long;
  if (options.findLr === undefined) {
    const alone = ['lrRange', 'svg'].find(isIdle);
    if (alone === undefined) return;
    throw new ArgumentError(`${flagOf(alone)} has no effect without --find-lr: leave it out, or add --find-lr`);
  }
  const idle = IDLE.find(isIdle);
  if (idle === undefined) return;
  throw new ArgumentError(
    `${flagOf(idle)} cannot be combined with --find-lr, which tries many rates and writes no model: leave it out`,
  );
}

/** The prepared training run. */
export interface Prepared {
  readonly selection: Selection;
  readonly corpora: Corpora;
  readonly progress: Progress;
  readonly warnings: NoteCollector;
  readonly terminal: Terminal;
  readonly interrupt: ReturnType<typeof watchInterrupt>;
}

/** Runs the test and reports the result. */
export async function runFindLr(options: ThreadedOptions & FindLrOptions, prepared: Prepared): Promise<void> {
  const { selection, corpora, progress, warnings, terminal, interrupt } = prepared;
  const { findLr, lrRange = RANGE, svg } = options;
  const threads = nodeThreads(options.threads);
  const found = await findRateRange(
    selection.kernels,
    corpora,
    { ...trainOptionsOf(options), threads },
    { ...lrRange, ...(typeof findLr === 'number' && { updates: findLr }) },
    {
      onNote: warnings.add,
      signal: interrupt.signal,
      onThreads: (choice) => describeThreads(choice, options.threads, availableParallelism()).forEach(progress.line),
      onUpdate: (done, total, { lr, loss }) =>
        progress.update({ label: `rate ${rateText(lr)}  loss ${loss.toFixed(3)}`, done, total, rate: 0, unit: 'updates' }), // prettier-ignore
    },
  );
  progress.stop();
  if (found.ended === 'interrupted') {
    const message = `interrupted after ${counted(found.points.length, 'update')} of ${found.updates}; nothing was written`;
    throw new InterruptedError(message, interrupt.exitCode());
  }
  if (svg !== undefined) await saveFile(svg, new TextEncoder().encode(pictureOf(found)));
  const usual = withDefaults({ optimizer: options.optimizer, ...(options.lr !== undefined && { lr: options.lr }) }).lr;
  if (options.json) {
    const { seed, batch } = options;
    return printJson(terminal, { ...found, usual, range: lrRange, seed, batch, backend: selection.kernels.backend, svg: svg ?? null, warnings: warnings.notes }); // prettier-ignore
  }
  if (!options.quiet) await print(terminal, textOf(found, usual, svg));
}

/** A rate in two digits. */
const rateText = (rate: number): string => String(Number(rate.toPrecision(2)));

/** Approximate number of table rows. */
const ROWS = 20;

function textOf(found: RateRange, usual: number, svg: string | undefined): string {
  const { points, suggested } = found;
  const every = Math.ceil(points.length / ROWS);
  const shown = points.filter((_, k) => k % every === 0 || k === points.length - 1);
  const rows = shown.map(({ lr, loss, smoothed, gradientNorm }) => [rateText(lr), loss.toFixed(4), smoothed.toFixed(4), gradientNorm.toPrecision(3)]); // prettier-ignore
  const advice =
    suggested === null
      ? 'none: the loss never falls; try other rates (--lr-range), or more updates'
      : `--lr ${rateText(suggested)}, where the loss falls fastest; without --lr it is ${rateText(usual)}`;
  return [
    ...(points.length > 0 ? [table([['rate', 'loss', 'smoothed', 'gradient norm'], ...rows])] : []),
    `ended      ${endOf(found)}`,
    `suggested  ${advice}`,
    ...(svg === undefined ? [] : [`picture    ${visible(svg)}`]),
  ].join('\n');
}

function endOf({ ended, points, updates }: RateRange): string {
  const after = `after ${points.length} of ${counted(updates, 'update')}`;
  if (ended === 'diverged') return `${after}: the smoothed loss was twice its minimum`;
  if (ended === 'not-finite') return `${after}: the loss, or its gradient, was no longer finite`;
  return `${after}, at the last rate`;
}

function pictureOf({ points, suggested, ended, updates }: RateRange): string {
  const line = (place: number, value: (point: RatePoint) => number) => ({
    place,
    points: points.map((point) => ({ x: point.lr, y: value(point), ring: place === 0 && point.lr === suggested })),
  });
  const advice = suggested === null ? 'no rate is suggested' : `suggested ${rateText(suggested)}, in a ring`;
  const title = `learning-rate range test: ${advice}`;
  const losses = points.map(({ loss }) => loss).filter((loss) => loss > 0);
  const isWide = losses.length === points.length && Math.max(...losses) / Math.min(...losses) > 20;
  return drawPicture({
    title,
    description: `${title}. ${endOf({ ended, points, updates, suggested, threads: 1 })}.`,
    names: ['loss of a batch', 'smoothed'],
    charts: [
      {
        title: `training loss (nats)${isWide ? ', logarithmic' : ''}`,
        ...{ xLabel: 'learning rate', xScale: 'logarithmic', yScale: isWide ? 'logarithmic' : 'linear' },
        lines: [line(0, ({ loss }) => loss), line(1, ({ smoothed }) => smoothed)],
      },
    ],
  });
}
