/** Reports the progress of training to people and to the log. */
import { availableParallelism } from 'node:os';
import type { EpochRecord } from '../../labeling/training/record.js';
import type { SeedHooks } from '../../labeling/training/seeds.js';
import type { SpanPlan } from '../../labeling/training/spans.js';
import type { Progress } from '../progress.js';
import { headSummary } from '../head-report.js';
import type { Terminal } from '../terminal.js';
import { colorsFor } from '../terminal.js';
import { resumedLine } from './checkpoint.js';
import { seedRow } from './seeds-report.js';
import type { TrainLog } from './log.js';
import { courseAfter, describeThreads, epochLine, NO_COURSE, progressOf } from './report.js';
import type { TrainCommandOptions as Options } from './options.js';

/** Reports the progress of training to people and to the log. */
export function reporters(
  options: Options,
  terminal: Terminal,
  progress: Progress,
  log: TrainLog | null,
  start: object,
): SeedHooks {
  const colors = colorsFor(terminal.stderr, terminal.env);
  const count = options.seeds ?? options.ensemble;
  let now = { place: 0, seed: options.seed };
  let course = NO_COURSE;
  const entryOf = (record: EpochRecord): object => epochEntry(record, count === undefined ? undefined : now.seed);
  return {
    onResume({ history, ...place }) {
      progress.line(resumedLine(options.resume!, place, options.epochs));
      course = history.reduce(courseAfter, NO_COURSE);
      const event = { event: 'resume', from: options.resume, ...place };
      log?.resume([start, ...history.map(entryOf), event], history.length);
    },
    onThreads: (choice) => describeThreads(choice, options.threads, availableParallelism()).forEach(progress.line),
    onSpans: (plan) => progress.line(spansLine(plan)),
    onSeed(seed, place) {
      now = { place, seed };
      course = NO_COURSE;
    },
    onProgress: (state) =>
      progress.update(progressOf(state, course, { place: now.place, count: count ?? 1 }, terminal.stderr.isTTY)),
    onRun(run) {
      progress.line(seedRow(run));
      log?.write({ event: 'run', ...run, dev: headSummary(run.dev), test: headSummary(run.test) });
    },
    onEpoch({ model: _model, ...record }) {
      course = courseAfter(course, record);
      const line = epochLine(record, options.epochs, colors);
      progress.line(count === undefined ? line : `seed ${now.seed}  ${line}`);
      log?.write(entryOf(record));
    },
  };
}

/** The log entry of an epoch. @param seed the seed, if there are several */
function epochEntry(record: EpochRecord, seed: number | undefined): object {
  return { event: 'epoch', ...(seed !== undefined && { seed }), ...record, dev: headSummary(record.dev) };
}

/** The decisions about span labels, in one line. */
function spansLine({ head, data, evidence, learned, constrained }: SpanPlan): string {
  const other = learned === data ? '' : `, learned as ${learned} and predicted as ${data}`;
  return `${head === undefined ? '' : `${head}: `}labels ${data} (${evidence})${other}; ${constrained ? 'only transitions that it permits' : 'all transitions'}`;
}
