/**
 * The recursions of a linear-chain CRF on the module. Scores and lattices are outside its memory, in float64: they are copied in,
 * and results back. That moves N·K numbers for N·K² operations.
 */
import { MemoryError } from '../../tensor/errors.js';
import type { CrfChainArrays, CrfKernel } from '../types.js';
import type { Arena } from './arena.js';
import { NoRoom } from './growth.js';
import type { Exports } from './module.js';

type Numbers = Float64Array | Int32Array;

/** The scratch of one call. */
interface Scratch {
  /** Address of a copy. */
  copy(values: Numbers): number;
  /** Address of uninitialized room for as many numbers. */
  room(like: Numbers): number;
  /** Copies the numbers at an address back. */
  fetch(to: Numbers, at: number): void;
}

function scratchIn(arena: Arena): Scratch {
  const part = (like: Numbers, at: number): Numbers => {
    const heap = like.BYTES_PER_ELEMENT === Int32Array.BYTES_PER_ELEMENT ? arena.i32() : arena.f64();
    return heap.subarray(at / like.BYTES_PER_ELEMENT, at / like.BYTES_PER_ELEMENT + like.length);
  };
  const room = (like: Numbers): number => arena.take(like.byteLength);
  return {
    room,
    copy(values) {
      const at = room(values);
      part(values, at).set(values);
      return at;
    },
    fetch: (to, at) => to.set(part(to, at)),
  };
}

/** Runs `act` if there is anything to do and room for it; otherwise returns false, with nothing written. */
type Within = (chain: CrfChainArrays, act: (scratch: Scratch) => void) => boolean;

/** The recursions; `openArena` throws once the backend is disposed of. */
export function crfKernel(wasm: Exports, openArena: () => Arena): CrfKernel {
  return recursions(wasm, (chain, act) => {
    const arena = openArena();
    if (chain.scores.K === 1 || chain.packing.total === 0) return false; // a single label is not worth a call
    arena.begin(false);
    try {
      act(scratchIn(arena));
      return true;
    } catch (error) {
      if (error instanceof NoRoom || error instanceof MemoryError) return false; // thrown before anything is written
      throw error;
    }
  });
}

function recursions(wasm: Exports, within: Within): CrfKernel {
  const sizes = ({ packing, scores }: CrfChainArrays, { copy }: Scratch) =>
    [packing.batch, scores.K, copy(packing.lengths), copy(packing.offsets)] as const;
  return {
    forward: (lattice) =>
      within(lattice, (scratch) => {
        const { scores, emissions, alpha, weights, sums, logSums, logZ } = lattice;
        const { start, end, transitions, factors, largest } = scores;
        const inputs = [emissions, start, end, transitions, factors, largest].map(scratch.copy);
        const outputs = [alpha, weights, sums, logSums, logZ];
        const places = outputs.map(scratch.copy);
        wasm.crfForward(...sizes(lattice, scratch), ...inputs, ...places);
        outputs.forEach((each, i) => scratch.fetch(each, places[i]));
      }),
    backward: (lattice, dLogZ, to) =>
      within(lattice, (scratch) => {
        const { scores, alpha, weights, sums } = lattice;
        const { start, end, transitions, factors } = scores;
        const inputs = [end, transitions, factors, alpha, weights, sums].map(scratch.copy);
        const p = scratch.room(alpha);
        const outputs = [to.start, to.end, to.transitions];
        const places = outputs.map(scratch.copy);
        wasm.crfBackward(...sizes(lattice, scratch), ...inputs, dLogZ, p, scratch.room(start), ...places);
        outputs.forEach((each, i) => scratch.fetch(each, places[i]));
        const own = new Float64Array(alpha.length);
        scratch.fetch(own, p);
        for (let i = 0; i < own.length; i++) to.emissions[i] += own[i];
      }),
    viterbi: (chain, labels, found) =>
      within(chain, (scratch) => {
        const { scores, emissions } = chain;
        const inputs = [emissions, scores.start, scores.end, scores.transitions].map(scratch.copy);
        const room = [scratch.room(emissions), scratch.room(emissions)]; // δ; preceding labels, in half of it
        const outputs = [labels, found];
        const places = outputs.map(scratch.copy);
        wasm.crfViterbi(...sizes(chain, scratch), ...inputs, ...room, ...places);
        outputs.forEach((each, i) => scratch.fetch(each, places[i]));
      }),
  };
}
