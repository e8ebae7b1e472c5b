/**
 * `bptt train --tensorboard DIR`: event files for TensorBoard, with scalars only.
 *
 * A file is a sequence of TFRecords. All integers are little-endian:
 *
 *     uint64 length   uint32 masked CRC of these 8 bytes   data   uint32 masked CRC of the data
 *     masked CRC = ((crc >> 15 | crc << 17) + 0xa282ead8) mod 2³², crc the CRC-32C of RFC 3720, appendix B.4
 *
 * The data of each is an `Event` in the wire format of protobuf:
 *
 *     Event    1 double wall_time (seconds)   2 int64 step   3 string file_version, first event only   5 Summary   7 SessionLog
 *     Summary  1 Value, repeated              Value  1 string tag   2 float simple_value
 *     SessionLog  1 status, START = 1: TensorBoard then discards this step and later ones of earlier files
 *
 * Sources: tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ArgumentError, BpttError } from '../../tensor/index.js';
import { messageOf } from '../../tensor/errors.js';
import type { TrainLog } from './log.js';

/** Values by their tags, in the order in which they are written. */
export type Scalars = Readonly<Record<string, number>>;

/** Destination of the scalars of a training run. */
export interface ScalarLog {
  /** Adds the scalars of one epoch. @param run name of a separate folder, for one of several training runs */
  write(step: number, scalars: Scalars, run?: string): void;
  /** Marks that training resumes: values in other files for this step and later ones no longer count. */
  restart(step: number): void;
  /** Whether the folder already contained event files. */
  readonly isContinued: boolean;
  /** Why the files end early; null if they do not. */
  failure(): BpttError | null;
  close(): void;
}

/** @throws ArgumentError on an empty name, or if the path is not a folder */
export function checkScalarFolder(folder: string): void {
  if (folder === '') throw new ArgumentError('--tensorboard must name a folder; got an empty name: pass one');
  if (!existsSync(folder) || statSync(folder).isDirectory()) return;
  throw new ArgumentError(`--tensorboard ${folder} is a file; expected a folder, which is created if missing: choose another`); // prettier-ignore
}

/**
 * Opens a folder for scalars, and creates it if necessary. Earlier files in it are kept: TensorBoard merges the files of a
 * folder.
 *
 * @param onFailure called when it can no longer be written; training continues without it
 * @throws BpttError if the folder cannot be made or written
 */
export function openScalarLog(folder: string, onFailure: (error: BpttError) => void, now = Date.now): ScalarLog {
  const files = new Map<string, number>();
  let failure: BpttError | null = null;
  const unwritable = (error: unknown): BpttError =>
    new BpttError(`cannot write scalars to ${folder}: ${messageOf(error)}`, { cause: error });
  const open = (run: string): number => {
    const file = files.get(run) ?? createFile(join(folder, run), now());
    files.set(run, file);
    return file;
  };
  let isContinued: boolean;
  try {
    mkdirSync(folder, { recursive: true });
    isContinued = readdirSync(folder).some((name) => name.startsWith(EVENTS));
  } catch (error) {
    throw unwritable(error);
  }
  const add = (data: () => readonly number[], run: string): void => {
    if (failure) return;
    try {
      writeAll(open(run), record(data()));
    } catch (error) {
      failure = unwritable(error);
      onFailure(failure);
    }
  };
  return {
    write: (step, scalars, run = '') => add(() => eventOf(now() / 1000, step, scalars), run),
    restart: (step) => add(() => restartOf(now() / 1000, step), ''),
    isContinued,
    failure: () => failure,
    close: () => files.forEach((file) => closeSync(file)),
  };
}

/** Prefix of the names of all event files. */
const EVENTS = 'events.out.tfevents.';

/** A new file with the start of every event file. Its name contains the time and the machine, as TensorBoard expects. */
function createFile(folder: string, milliseconds: number): number {
  mkdirSync(folder, { recursive: true });
  const base = join(folder, `${EVENTS}${Math.floor(milliseconds / 1000)}.${hostname()}`);
  const file = openNew(base);
  writeAll(file, record([...double(1, milliseconds / 1000), ...bytes(3, utf8('brain.Event:2'))]));
  return file;
}

/** Never an existing file: two training runs may start in the same second. */
function openNew(base: string): number {
  for (let n = 0; ; n++) {
    try {
      return openSync(n === 0 ? base : `${base}.${n}`, 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function writeAll(file: number, data: Uint8Array): void {
  for (let at = 0; at < data.length;) at += writeSync(file, data, at);
}

/** The fields of an epoch in a line of `--log`. */
interface EpochEntry {
  readonly epoch: number;
  readonly seed?: number;
  readonly loss: number;
  readonly losses?: Readonly<Record<string, number>>;
  readonly lr: number;
  readonly gradientNorm: number;
  readonly dev:
    | (Summary & {
        readonly heads?: Readonly<Record<string, Summary>>;
        readonly together?: { readonly accuracy: number };
      })
    | null;
}
type Summary = Readonly<Partial<Record<'accuracy' | 'oovAccuracy' | 'spanF1' | 'macroF1', number | null>>>;

/** The epoch entries of a log as scalars; with several seeds, each seed is a separate run. */
export function openScalars(folder: string, onFailure: (error: BpttError) => void): TrainLog {
  const { write, restart, isContinued, ...log } = openScalarLog(folder, onFailure);
  const add = (entry: object): void => {
    if ((entry as { event?: unknown }).event !== 'epoch') return;
    const { epoch, seed, ...rest } = entry as EpochEntry;
    write(epoch, scalarsOf(rest), seed === undefined ? undefined : `seed-${seed}`);
  };
  return {
    ...log,
    write: add,
    resume(entries, epochs) {
      if (isContinued) restart(epochs + 1);
      else entries.forEach(add);
    },
  };
}

const NAMES = { accuracy: 'accuracy', oovAccuracy: 'oov_accuracy', spanF1: 'span_f1', macroF1: 'macro_f1' } as const;

/** With several heads, each has its own tags. Null values are left out. */
function scalarsOf({ loss, losses = {}, lr, gradientNorm, dev }: Omit<EpochEntry, 'epoch' | 'seed'>): Scalars {
  const heads = dev === null ? [] : Object.entries(dev.heads ?? { '': dev });
  const scores = heads.flatMap(([head, own]) =>
    Object.entries(NAMES).map(([name, tag]) => [
      head === '' ? `dev/${tag}` : `dev/${head}/${tag}`,
      own[name as keyof Summary],
    ]),
  );
  const all = [
    ['loss', loss],
    ...Object.entries(losses).map(([head, own]) => [`loss/${head}`, own]),
    ['learning_rate', lr],
    ['gradient_norm', gradientNorm],
    ...scores,
    ['dev/all_right', dev?.together?.accuracy],
  ];
  return Object.fromEntries(all.filter(([, value]) => typeof value === 'number')) as Scalars;
}

function eventOf(wallTime: number, step: number, scalars: Scalars): number[] {
  const values = Object.entries(scalars).flatMap(([tag, value]) =>
    bytes(1, [...bytes(1, utf8(tag)), ...float(2, value)]),
  );
  return [...double(1, wallTime), ...varint(2 << 3), ...varint(step), ...bytes(5, values)];
}

const restartOf = (wallTime: number, step: number): number[] => [
  ...double(1, wallTime),
  ...varint(2 << 3),
  ...varint(step),
  ...bytes(7, [1 << 3, 1]),
];

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A field of protobuf: its number and wire type, then its value. */
const field = (number: number, type: 1 | 2 | 5, value: Iterable<number>): number[] => [...varint((number << 3) | type), ...value]; // prettier-ignore
const double = (number: number, value: number): number[] => field(number, 1, wordsOf(8, (view) => view.setFloat64(0, value, true))); // prettier-ignore
const float = (number: number, value: number): number[] => field(number, 5, wordsOf(4, (view) => view.setFloat32(0, value, true))); // prettier-ignore
const bytes = (number: number, value: ArrayLike<number> & Iterable<number>): number[] => field(number, 2, [...varint(value.length), ...value]); // prettier-ignore

/**
 * A varint: seven bits per byte, least significant first; the high bit indicates that more bytes follow.
 *
 * @param n an integer of at least 0
 */
function varint(n: number): number[] {
  const groups: number[] = [];
  for (; n >= 128; n = Math.floor(n / 128)) groups.push((n % 128) + 128);
  return [...groups, n];
}

function wordsOf(length: number, write: (view: DataView) => void): Uint8Array {
  const words = new Uint8Array(length);
  write(new DataView(words.buffer));
  return words;
}

/** One TFRecord. */
function record(data: ArrayLike<number>): Uint8Array {
  const head = wordsOf(8, (view) => view.setBigUint64(0, BigInt(data.length), true));
  return Uint8Array.from([...head, ...maskedCrc(head), ...Array.from(data), ...maskedCrc(data)]);
}

function maskedCrc(data: ArrayLike<number>): Uint8Array {
  const crc = crc32c(data);
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  return wordsOf(4, (view) => view.setUint32(0, masked, true));
}

/** CRC-32C by a table: the remainders of all bytes modulo Castagnoli's polynomial, bits reversed. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

function crc32c(data: ArrayLike<number>): number {
  let crc = 0xffffffff;
  for (let i = 0; i < data.length; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ data[i]) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}
