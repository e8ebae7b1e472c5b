/** `--backend`: the choice of a backend for a command, and its report. */
import type { Command } from 'commander';
import type { Selection } from '../kernels/index.js';
import { lossMessage } from '../kernels/index.js';
import { selectOnMachine } from '../kernels/select.node.js';
import type { Terminal } from './terminal.js';

/** Adds `--backend`. */
export function addBackendOption(command: Command): Command {
  return command.option('--backend <name>', 'auto, or a backend by name; see bptt doctor', 'auto');
}

/**
 * `selectOnMachine` for a command: a device lost during the run is reported in one line on standard error.
 *
 * @param threads number of threads that share the work; a device supports only one
 */
export function openBackend(
  name: string,
  { stderr }: Pick<Terminal, 'stderr'>,
  threads: number | 'auto' = 1,
): Promise<Selection> {
  return selectOnMachine(name, (error) => void stderr.write(`bptt: ${lossMessage(error)}\n`), { threads });
}

/** A backend, and briefly why it was chosen. */
export function describeBackend({ kernels, reason, rejected }: Selection): string {
  const device = rejected.find(({ backend }) => backend === 'gpu')?.reason;
  const silent = device === undefined || reason.includes(device); // it is already in the reason
  return `${kernels.backend} (${silent ? reason : `${reason}; no gpu: ${device}`})`;
}
