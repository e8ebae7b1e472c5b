import { visible } from './visible.js';

/**
 * Base of every error this package throws on purpose: `catch (e) { if (e instanceof BpttError) … }`. Each class spells its
 * own name out: a minifier renames the classes, and `error.name` must stay what a program can compare with. Its message is one
 * line without control characters, whatever names it quotes from a file: a log may hold it as it is.
 */
export class BpttError extends Error {
  override name = 'BpttError';

  constructor(message?: string, options?: ErrorOptions) {
    super(message === undefined ? message : visible(oneLine(message)), options);
  }
}

/** A tensor of another shape, or of another element type, than the operation needs. */
export class ShapeError extends BpttError {
  override name = 'ShapeError';
}

/** An option or argument outside its domain: a dropout of 1.5, a hidden size of 0. */
export class ArgumentError extends BpttError {
  override name = 'ArgumentError';
}

/** A kernel or backend cannot do what was asked of it; another one may. */
export class UnsupportedError extends BpttError {
  override name = 'UnsupportedError';
}

/** Memory that a backend needs is unavailable, or must not move now. */
export class MemoryError extends BpttError {
  override name = 'MemoryError';
}

/**
 * A device was lost, could not compile a kernel, or ran out of memory. What it was to write is as it was before: another
 * backend can go on from there.
 */
export class DeviceError extends BpttError {
  override name = 'DeviceError';
}

/** Data that cannot be what it claims to be: a malformed line, a truncated model file, an unknown label. */
export class DataError extends BpttError {
  override name = 'DataError';
}

/** A loss, activation or gradient became NaN or infinite. */
export class NonFiniteError extends BpttError {
  override name = 'NonFiniteError';
}

/** A worker thread ended, or could not be started. */
export class WorkerError extends BpttError {
  override name = 'WorkerError';
}

/**
 * The line `bptt` prints for an error, without its prefix; never a stack trace, nor a control character, which a file name
 * may hold and a terminal would obey. Errors this package throws on purpose and
 * errors of the operating system say enough; of any other the class is named too, because it is a fault of this program.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return visible(`unexpected: ${String(error)}`);
  const known = error instanceof BpttError || 'code' in error;
  return visible(oneLine(known ? error.message : `unexpected ${error.name}: ${error.message}`));
}

/** Text with its line breaks, and the blanks around them, made one space. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}
