/** `--backend`: the choice of a backend, and what a choice needs of the engine first. */
import { setFlagsFromString } from 'node:v8';
import { candidates, select } from '../kernels/index.js';
import type { Selection } from '../kernels/index.js';

/** The name of the backend that needs relaxed SIMD, and the flag behind which V8 11.3 (Node 20) has it. */
const RELAXED = 'wasm-relaxed';
const FLAG = '--experimental-wasm-relaxed-simd';

/**
 * The backend of that name, for float32. Where `wasm-relaxed` is asked for and the engine lacks relaxed SIMD, V8 is given
 * its flag first, for the whole process; the reason then says so.
 *
 * @throws ArgumentError, UnsupportedError as `select` does
 */
export async function selectBackend(name: string): Promise<Selection> {
  const flagged = name === RELAXED && !(await opens(RELAXED));
  if (flagged) setFlagsFromString(FLAG);
  const selection = await select({ backend: name, dtype: 'float32' });
  return flagged ? { ...selection, reason: `${selection.reason}, with V8's flag ${FLAG}` } : selection;
}

async function opens(name: string): Promise<boolean> {
  const opened = await candidates.find((candidate) => candidate.name === name)?.open('float32');
  if (opened === undefined || 'declined' in opened) return false;
  opened.kernels.dispose();
  return true;
}
