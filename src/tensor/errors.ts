import { visible } from './visible.js';

/**
 * Base of every error this package throws on purpose: `catch (e) { if (e instanceof BpttError) … }`. Each class sets its name
 * explicitly: a minifier renames the classes, but programs must be able to compare `error.name`. Its message is one line without
 * control characters, whatever names it quotes from a file, so it is safe to log as is.
 */
export class BpttError extends Error {
  override name = 'BpttError';

  constructor(message?: string, options?: ErrorOptions) {
    super(message === undefined ? message : visible(oneLine(message)), options);
  }
}

/** A tensor whose shape or element type is not what the operation needs. */
export class ShapeError extends BpttError {
  override name = 'ShapeError';
}

/** An option or argument outside its domain: a dropout of 1.5, a hidden size of 0. */
export class ArgumentError extends BpttError {
  override name = 'ArgumentError';
}

/** A kernel or backend does not support the operation; another one may. */
export class UnsupportedError extends BpttError {
  override name = 'UnsupportedError';
}

/** Memory that a backend needs is unavailable, or must not move now. */
export class MemoryError extends BpttError {
  override name = 'MemoryError';
}

/**
 * A device was lost, could not compile a kernel, or ran out of memory. Its outputs are unchanged, so another backend can continue
 * from there.
 */
export class DeviceError extends BpttError {
  override name = 'DeviceError';
}

/** Data that is not what it claims to be: a malformed line, a truncated model file, an unknown label. */
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
 * The line `bptt` prints for an error, without its prefix. It never contains a stack trace, nor a control character, which a file
 * name may contain and a terminal would obey. Errors this package throws on purpose and errors of the operating system are
 * self-explanatory; any other error is a bug in this program, so its class is named too.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return visible(`unexpected: ${String(error)}`);
  const known = error instanceof BpttError || 'code' in error;
  return visible(oneLine(known ? error.message : `unexpected ${error.name}: ${error.message}`));
}

/** Text with each line break, and the blanks around it, replaced by one space. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}
