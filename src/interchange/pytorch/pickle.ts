/**
 * Reads the pickle of a state dict without executing anything. A pickle is a program for a stack machine that can call any Python
 * function. This reader supports only the opcodes with which `torch.save` writes named tensors, and its caller resolves each
 * global. Every other opcode is rejected by name.
 *
 * Source: Lib/pickletools.py of CPython, protocol 2, which `torch.save` writes.
 */
import { decodeUtf8 } from '../../serialize/utf8.js';
import { DataError } from '../../tensor/errors.js';
import { quoted } from '../../tensor/visible.js';

/** An ordered dictionary: the result of `dict` and `OrderedDict`. */
export type PickledDict = Map<unknown, unknown>;

/** The meaning of a global: a value, or a function of the arguments it is called with. */
export type PickledGlobal = { readonly name: string; readonly call?: (args: readonly unknown[]) => unknown };

/** Decisions left to the caller. */
export interface PickleReader {
  /** Resolves a global, such as `collections.OrderedDict`. @throws DataError on a global that is not allowed */
  readonly global: (name: string) => PickledGlobal;
  /** The object of a persistent identifier. */
  readonly persistent: (id: unknown) => unknown;
}

const MARK = Symbol('mark');

interface Machine {
  readonly stack: unknown[];
  readonly memo: Map<number, unknown>;
  readonly reader: PickleReader;
  /** Reads `n` bytes. */
  take(n: number): DataView;
  /** Reads a line, without its terminator. */
  line(): string;
  text(n: number): string;
}

type Step = (machine: Machine) => void;

const push =
  (make: (machine: Machine) => unknown): Step =>
  (machine) =>
    void machine.stack.push(make(machine));

/** The supported opcodes, by their byte. */
const STEPS: Readonly<Record<number, Step>> = {
  0x80: (m) => expectProtocol(m.take(1).getUint8(0)), // PROTO
  0x63: push((m) => m.reader.global(`${m.line()}.${m.line()}`)), // GLOBAL
  0x28: push(() => MARK),
  0x29: push(() => []), // EMPTY_TUPLE
  0x74: push((m) => popMark(m)), // TUPLE
  0x85: push((m) => popLast(m, 1)), // TUPLE1
  0x86: push((m) => popLast(m, 2)),
  0x87: push((m) => popLast(m, 3)),
  0x5d: push(() => []), // EMPTY_LIST
  0x61: (m) => append(m, popLast(m, 1)), // APPEND
  0x65: (m) => append(m, popMark(m)), // APPENDS
  0x7d: push(() => new Map()), // EMPTY_DICT
  0x73: (m) => setItems(m, popLast(m, 2)), // SETITEM
  0x75: (m) => setItems(m, popMark(m)), // SETITEMS
  0x58: push((m) => m.text(m.take(4).getUint32(0, true))), // BINUNICODE
  0x4a: push((m) => m.take(4).getInt32(0, true)), // BININT
  0x4b: push((m) => m.take(1).getUint8(0)), // BININT1
  0x4d: push((m) => m.take(2).getUint16(0, true)), // BININT2
  0x8a: push((m) => longOf(m.take(m.take(1).getUint8(0)))), // LONG1
  0x47: push((m) => m.take(8).getFloat64(0)), // BINFLOAT
  0x88: push(() => true), // NEWTRUE
  0x89: push(() => false), // NEWFALSE
  0x4e: push(() => null), // NONE
  0x71: (m) => void m.memo.set(m.take(1).getUint8(0), top(m)), // BINPUT
  0x72: (m) => void m.memo.set(m.take(4).getUint32(0, true), top(m)), // LONG_BINPUT
  0x68: push((m) => remembered(m, m.take(1).getUint8(0))), // BINGET
  0x6a: push((m) => remembered(m, m.take(4).getUint32(0, true))), // LONG_BINGET
  0x51: push((m) => m.reader.persistent(popLast(m, 1)[0])), // BINPERSID
  0x52: push((m) => reduced(popLast(m, 2))), // REDUCE
  0x62: (m) => void popLast(m, 1), // BUILD: the attributes of a dictionary, such as the versions of its modules
};

/** Names of rejected opcodes, for error messages. */
const REFUSED: Readonly<Record<number, string>> = {
  ...{ 0x69: 'INST', 0x6f: 'OBJ', 0x81: 'NEWOBJ', 0x92: 'NEWOBJ_EX', 0x93: 'STACK_GLOBAL', 0x50: 'PERSID' },
  ...{ 0x82: 'EXT1', 0x83: 'EXT2', 0x84: 'EXT4', 0x95: 'FRAME', 0x94: 'MEMOIZE', 0x8c: 'SHORT_BINUNICODE' },
  ...{ 0x30: 'POP', 0x31: 'POP_MARK', 0x32: 'DUP', 0x49: 'INT', 0x46: 'FLOAT', 0x53: 'STRING', 0x54: 'BINSTRING' },
  ...{
    0x55: 'SHORT_BINSTRING',
    0x56: 'UNICODE',
    0x42: 'BINBYTES',
    0x43: 'SHORT_BINBYTES',
    0x4c: 'LONG',
    0x8b: 'LONG4',
  },
  ...{ 0x6c: 'LIST', 0x64: 'DICT', 0x70: 'PUT', 0x67: 'GET', 0x8f: 'EMPTY_SET', 0x90: 'ADDITEMS', 0x91: 'FROZENSET' },
};

const STOP = 0x2e;

/** Returns the value of a pickle. @throws DataError naming what does not belong in a state dict, or if the bytes end early */
export function readPickle(bytes: Uint8Array, reader: PickleReader): unknown {
  let at = 0;
  const take = (n: number): DataView => {
    if (at + n > bytes.length) throw broken(`it ends in the middle of a value, at byte ${bytes.length}`);
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, n);
    at += n;
    return view;
  };
  const text = (n: number): string => {
    const view = take(n);
    const found = decodeUtf8(new Uint8Array(view.buffer, view.byteOffset, n));
    if (found === undefined) throw broken('a text in it is not valid UTF-8');
    return found;
  };
  const line = (): string => {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) throw broken(`it ends in the middle of a name, at byte ${bytes.length}`);
    const found = text(end - at);
    at++;
    return found;
  };
  const machine: Machine = { stack: [], memo: new Map(), reader, take, text, line };
  for (;;) {
    const place = at;
    const code = take(1).getUint8(0);
    if (code === STOP) break;
    if (!Object.hasOwn(STEPS, code)) throw refusedOpcode(code, place);
    STEPS[code](machine);
  }
  const [value, ...more] = machine.stack;
  if (more.length > 0 || machine.stack.length === 0 || value === MARK) throw broken('its stack does not end with one value'); // prettier-ignore
  return value;
}

function refusedOpcode(code: number, place: number): DataError {
  const name = Object.hasOwn(REFUSED, code) ? REFUSED[code] : 'unknown';
  return broken(
    `it has the opcode ${name} (0x${code.toString(16).padStart(2, '0')}) at byte ${place}, which a state dict does not need: save model.state_dict() by torch.save, with its own protocol`,
  );
}

function expectProtocol(version: number): void {
  if (version !== 2) throw broken(`it has protocol ${version}; expected 2, which torch.save writes`);
}

function top({ stack }: Machine): unknown {
  if (stack.length === 0) throw broken('it reads from an empty stack');
  return stack[stack.length - 1];
}

/** Pops the last n values. */
function popLast({ stack }: Machine, n: number): unknown[] {
  const values = stack.slice(-n);
  if (values.length < n || values.includes(MARK)) throw broken('it takes more values than there are');
  stack.length -= n;
  return values;
}

/** Pops the values after the last mark, and the mark. */
function popMark({ stack }: Machine): unknown[] {
  const mark = stack.lastIndexOf(MARK);
  if (mark < 0) throw broken('it takes values to a mark that is not there');
  const values = stack.slice(mark + 1);
  stack.length = mark;
  return values;
}

function append(machine: Machine, values: readonly unknown[]): void {
  const list = top(machine);
  if (!Array.isArray(list)) throw broken('it appends to something other than a list');
  for (const value of values) list.push(value);
}

function setItems(machine: Machine, values: readonly unknown[]): void {
  const dict = top(machine);
  if (!(dict instanceof Map) || values.length % 2 === 1)
    throw broken('it sets items of something other than a dictionary');
  for (let i = 0; i < values.length; i += 2) {
    if (dict.has(values[i])) throw broken(`it has the key ${quoted(String(values[i]))} twice`);
    dict.set(values[i], values[i + 1]);
  }
}

function remembered({ memo }: Machine, place: number): unknown {
  if (!memo.has(place)) throw broken(`it reads place ${place} of its memory, which is empty`);
  return memo.get(place);
}

function reduced([callable, args]: readonly unknown[]): unknown {
  const { name, call } = (callable ?? {}) as Partial<PickledGlobal>;
  if (call === undefined || !Array.isArray(args)) throw broken(`it calls ${quoted(String(name ?? 'a value'))}, which is not a function`); // prettier-ignore
  return call(args);
}

/** Reads a little-endian two's-complement integer. @throws DataError if a number cannot represent it */
function longOf(view: DataView): number {
  const n = view.byteLength;
  if (n > 8) throw broken(`it has an integer of ${n} bytes; expected at most 8`);
  let value = 0n;
  for (let i = n - 1; i >= 0; i--) value = (value << 8n) | BigInt(view.getUint8(i));
  const signed = n > 0 && view.getUint8(n - 1) >= 0x80 ? value - (1n << BigInt(8 * n)) : value;
  if (!Number.isSafeInteger(Number(signed))) throw broken(`it has the integer ${signed}, which is too large`);
  return Number(signed);
}

/** Returns the error for an invalid pickle. */
export function broken(what: string): DataError {
  return new DataError(`PyTorch .pt: the file cannot be read: ${what}`);
}
