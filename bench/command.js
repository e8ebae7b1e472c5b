/** What the scripts of this folder share as commands: where the package is, and how they end early. */
import { CommanderError } from 'commander';

/** The modules of the package; tests give those they have built. */
export const MODULES = process.env.BPTT_MODULES
  ? new URL(`file://${process.env.BPTT_MODULES}/`)
  : new URL('../dist/esm/', import.meta.url);

/** Exit statuses, as those of `bptt`. */
export const EXIT = { failure: 1, usage: 2, data: 65 };

/** A module of the package. */
export function load(path) {
  return import(new URL(path, MODULES).href);
}

/** Parses the command line; one that is wrong ends the process with the status for it, after what commander says. */
export function parse(command) {
  try {
    return command.exitOverride().parse();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exit(error.exitCode === 0 ? 0 : EXIT.usage);
  }
}

/** Ends the process with one line on standard error. */
export function fail(script, message, status = EXIT.failure) {
  console.error(`${script}: ${message}`);
  process.exit(status);
}
