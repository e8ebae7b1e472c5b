/**
 * Progress on standard error. On a terminal, a bar with rate and remaining time is redrawn in place. Elsewhere (a log file, a CI
 * build), a plain line appears after two seconds, then at most one every half minute, so that long work shows activity without
 * filling the log.
 */
import cliProgress from 'cli-progress';
import type { OutputStream } from './terminal.js';

/** Progress of a piece of work. */
export interface ProgressState {
  /** Current activity: `epoch 3/8`. */
  readonly label: string;
  readonly done: number;
  readonly total: number;
  /** Units of work per second; 0 if unknown. */
  readonly rate: number;
  /** The unit: `tokens`. */
  readonly unit: string;
  /** Text at the end, which a narrow terminal may cut off. */
  readonly more?: string;
}

/** The progress reporter of a command. */
export interface Progress {
  /** Shows the current progress. */
  update(state: ProgressState): void;
  /** Writes a permanent line, above the bar. */
  line(text: string): void;
  /** Removes the bar and shows the cursor again. Safe to call twice. */
  stop(): void;
}

/** No progress is shown for work that finishes within this time. */
export const PATIENCE_MS = 2000;

const BETWEEN_LINES_MS = 30_000;

/** Reports nothing: `--quiet`. */
export const silent: Progress = { update: () => undefined, line: () => undefined, stop: () => undefined };

/**
 * Creates a reporter on a stream: a bar if the stream is a terminal, plain lines otherwise.
 *
 * @param now clock in milliseconds; passed by tests
 */
export function createProgress(stream: OutputStream, now: () => number = () => performance.now()): Progress {
  return stream.isTTY ? barProgress(stream) : lineProgress(stream, now);
}

function lineProgress(stream: OutputStream, now: () => number): Progress {
  let next = now() + PATIENCE_MS;
  const line = (text: string): void => {
    stream.write(`${text}\n`);
    next = now() + BETWEEN_LINES_MS;
  };
  return {
    line,
    update(state) {
      if (now() < next) return;
      line(`${state.label}  ${percent(state)}  ${describeRate(state)}  ${state.more ?? ''}`.trimEnd());
    },
    stop: () => undefined,
  };
}

function barProgress(stream: OutputStream): Progress {
  const bar = new cliProgress.SingleBar({
    stream,
    format: '{label} {bar} {percent}  {rate}  {more}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 16,
    hideCursor: true,
    clearOnComplete: true,
    fps: 5,
  });
  let running = false;
  const stop = (): void => {
    if (running) bar.stop();
    running = false;
  };
  return {
    stop,
    line(text) {
      stop();
      stream.write(`${text}\n`);
    },
    update(state) {
      const payload = {
        label: state.label,
        percent: percent(state),
        rate: describeRate(state),
        more: state.more ?? '',
      };
      if (!running) bar.start(state.total, state.done, payload);
      else {
        bar.setTotal(state.total);
        bar.update(state.done, payload);
      }
      running = true;
    },
  };
}

function percent({ done, total }: ProgressState): string {
  return `${total === 0 ? 100 : Math.floor((100 * done) / total)} %`.padStart(5);
}

function describeRate({ done, total, rate, unit }: ProgressState): string {
  if (!(rate > 0)) return '';
  return `${formatRate(rate)} ${unit}/s, ${formatDuration((total - done) / rate)} left`;
}

/** A rate with about three digits: `0.8`, `950`, `12.3k`, `1.2M`. */
export function formatRate(rate: number): string {
  if (rate >= 1e6) return `${(rate / 1e6).toFixed(1)}M`;
  if (rate >= 1e4) return `${(rate / 1e3).toFixed(1)}k`;
  return rate < 10 ? rate.toPrecision(2) : rate.toFixed(0);
}

/** A duration: `4 s`, `2:07 min`, `1:02:07 h`. */
export function formatDuration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes}:${two(s % 60)} min`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)} h`;
}
