/** `--backend`: the choice of a backend, and what a choice needs of the engine and the machine first. */
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { loadedRenderer } from '../kernels/gpu/machine.node.js';
import type { LossListener, Selection, SelectOptions } from '../kernels/index.js';
import { candidates, lossMessage, select } from '../kernels/index.js';
import type { Terminal } from './terminal.js';

/** The name of the backend that needs relaxed SIMD, and the flag behind which V8 11.3 (Node 20) has it. */
const RELAXED = 'wasm-relaxed';
const FLAG = '--experimental-wasm-relaxed-simd';

/** What Node adds to the choice of a backend: the renderer that headless-gl does not name. */
export const nodeOptions: SelectOptions = { gpu: { renderer: loadedRenderer } };

/** Adds `--backend`. */
export function addBackendOption(command: Command): Command {
  return command.option('--backend <name>', 'auto, or a backend by name; see bptt doctor', 'auto');
}

/** `selectBackend` for a command: a device that is lost on the way is one line on standard error. */
export function openBackend(name: string, { stderr }: Pick<Terminal, 'stderr'>): Promise<Selection> {
  return selectBackend(name, (error) => void stderr.write(`bptt: ${lossMessage(error)}\n`));
}

/**
 * The backend of that name, for float32. Where `wasm-relaxed` is asked for and the engine lacks relaxed SIMD, V8 is given
 * its flag first, for the whole process; the reason then says so.
 *
 * @throws ArgumentError, UnsupportedError as `select` does
 */
export async function selectBackend(name: string, onLost?: LossListener): Promise<Selection> {
  const flagged = name === RELAXED && !(await opens(RELAXED));
  if (flagged) setFlagsFromString(FLAG);
  const selection = await select({ ...nodeOptions, backend: name, dtype: 'float32', onLost });
  return flagged ? { ...selection, reason: `${selection.reason}, with V8's flag ${FLAG}` } : selection;
}

async function opens(name: string): Promise<boolean> {
  const opened = await candidates.find((candidate) => candidate.name === name)?.open('float32');
  if (opened === undefined || 'declined' in opened) return false;
  opened.kernels.dispose();
  return true;
}
