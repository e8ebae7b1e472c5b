/** Errors that cross from one thread to another: their class, which determines the exit status, is sent by name. */
import * as errors from '../../tensor/errors.js';

/** An error in message form. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  /** The code of an operating system error. */
  readonly code?: string;
}

const CLASSES: Readonly<Record<string, new (message: string) => Error>> = {
  ArgumentError: errors.ArgumentError,
  BpttError: errors.BpttError,
  DataError: errors.DataError,
  DeviceError: errors.DeviceError,
  MemoryError: errors.MemoryError,
  NonFiniteError: errors.NonFiniteError,
  ShapeError: errors.ShapeError,
  UnsupportedError: errors.UnsupportedError,
  WorkerError: errors.WorkerError,
};

/** The message form of any thrown value. */
export function sentError(thrown: unknown): SentError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown) };
  const { code } = thrown as NodeJS.ErrnoException;
  return { name: thrown.name, message: thrown.message, ...(typeof code === 'string' && { code }) };
}

/** Restores the error: with its original class if it is one of this package, else as an Error with its name. */
export function receivedError({ name, message, code }: SentError): Error {
  const error = Object.hasOwn(CLASSES, name) ? new CLASSES[name](message) : new Error(message);
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name });
  return code === undefined ? error : Object.assign(error, { code });
}
