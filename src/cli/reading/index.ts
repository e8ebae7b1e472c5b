/** The commands that read gradients. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.js';
import { addCheck } from './check.js';
import { addCompare } from './compare.js';
import { addFigure } from './figure.js';
import { addGates } from './gates.js';
import { addInspect } from './inspect.js';
import { addLedger } from './ledger.js';
import { addReach } from './reach.js';
import { addSalience } from './salience.js';
import { addVerify } from './verify.js';

const COMMANDS = [
  ...[addInspect, addReach, addCompare, addLedger, addCheck, addGates, addSalience],
  ...[addFigure, addVerify],
];

/** Adds them to the program. */
export function addReading(program: Command, terminal: Terminal): void {
  for (const add of COMMANDS) add(program, terminal);
}
