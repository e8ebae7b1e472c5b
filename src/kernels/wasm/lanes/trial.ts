/**
 * Checks whether the module compiled with an engine option computes the same bits. Every call of `trialCalls` runs on the module
 * compiled without the option and, with both kinds of tiles, on the one compiled with it. The resulting memory is compared by
 * hash.
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

/** The result of a trial. */
export interface Trial {
  /** The module compiled with the option: exactly the code that was compared. */
  readonly compiled: CompiledModule;
  readonly started: Started;
  /** How many calls were compared. */
  readonly calls: number;
  /** The first call with different bits. */
  readonly difference?: string;
}

/** Enables the option, and makes the engine optimize functions immediately that it would otherwise optimize after long use. */
export interface Engine {
  readonly enable: () => void;
  /** Returns a function that undoes it. */
  readonly compileEarly: () => () => void;
}

/**
 * Compiles the bytes with the option and compares. The option stays on, whatever the result.
 *
 * The compared module differs in a section that no engine reads, because V8 would reuse cached code for equal bytes. If there is
 * a difference, the caller compiles the original bytes without the option, and gets none of the faulty code.
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
    digests(calls, wide); // now its functions have run once and are optimized
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

/** FNV-1a over words, with a shift to mix in the high bits, which multiplication never moves down. */
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
