/**
 * The module compiled with another option of the engine, and whether it computes the same bits: every call of `trialCalls` is made on
 * the module compiled without the option and, with both kinds of tiles, on the one compiled with it. What they leave in the memory is
 * compared by hash.
 */
import type { CompiledModule, Exports, Memory } from '../module.js';
import { compile, instantiate } from '../module.js';
import type { TrialCall } from './calls.js';
import { trialCalls } from './calls.js';
import { PAGES, roomIn } from './room.js';

/** A started module and its memory. */
export interface Started {
  readonly wasm: Exports;
  readonly memory: Memory;
}

/** What a trial found. */
export interface Trial {
  /** The module compiled with the option: the very code that was compared. */
  readonly compiled: CompiledModule;
  readonly started: Started;
  /** How many calls were compared. */
  readonly calls: number;
  /** The first call that left other bits. */
  readonly difference?: string;
}

/** What switches the option on, and has the engine compile at once what otherwise it compiles when a function has run for long. */
export interface Engine {
  readonly enable: () => void;
  /** Returns what ends it. */
  readonly compileEarly: () => () => void;
}

/**
 * Compiles the bytes with the option and compares. The option is left on, whatever was found.
 *
 * The compared module differs in a section that no engine reads: of equal bytes, V8 would hand out the code it has. And whoever finds a
 * difference compiles the bytes as they are, without the option, and gets none of the code that was wrong.
 */
export function tryModule(bytes: Uint8Array, { enable, compileEarly }: Engine): Trial {
  const calls = trialCalls();
  const want = digests(calls, started(compile(bytes)));
  enable();
  const end = compileEarly();
  try {
    const compiled = compile(marked(bytes));
    const wide = started(compiled);
    wide.wasm.useWideTiles(1);
    digests(calls, wide); // its functions have run once now, and are compiled for speed
    const found = ([0, 1] as const).map((tiles) => {
      wide.wasm.useWideTiles(tiles);
      return digests(calls, wide);
    });
    const difference = calls.find((_, i) => found.some((got) => got[i] !== want[i]))?.name;
    return { compiled, started: wide, calls: calls.length, difference };
  } finally {
    end();
  }
}

/** Starts a module on a memory for trials. */
export function started(compiled: CompiledModule): Started {
  return instantiate(compiled, PAGES);
}

/** Hashes of what each call leaves in the memory it was given. */
export function digests(calls: readonly TrialCall[], { wasm, memory }: Started): number[] {
  const room = roomIn(memory);
  return calls.map((call) => {
    room.clear();
    call.run(wasm, room);
    return hash(room.bytes());
  });
}

/** FNV-1a over words, with a shift for the high bits, which a product alone never brings down. */
function hash(words: Int32Array): number {
  const { imul } = Math;
  let sum = 0x811c9dc5 | 0;
  for (let i = 0; i < words.length; i++) {
    sum = imul(sum ^ words[i], 0x01000193);
    sum ^= sum >>> 15;
  }
  return sum;
}

/** The bytes, and an empty custom section named `wide`. */
function marked(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes, 0, 5, 4, ...Array.from('wide', (letter) => letter.charCodeAt(0))]);
}
