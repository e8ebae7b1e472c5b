/** The commands that read gradients. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.js';
import { addInspect } from './inspect.js';
import { addReach } from './reach.js';

/** Adds them to the program. */
export function addReading(program: Command, terminal: Terminal): void {
  addInspect(program, terminal);
  addReach(program, terminal);
}
