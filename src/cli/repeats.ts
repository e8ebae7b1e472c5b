/**
 * Handles repeated options. In every command, an option with a value may be given only once, unless its help states that it can
 * be repeated: otherwise one of the two values would be ignored. A repeated switch has no further effect.
 */
import type { Command, Option } from 'commander';
import { CommanderError } from 'commander';
import { EXIT } from './failure.js';

type Parser = (text: string, before: never) => unknown;

const collecting = new WeakSet<Parser>();

/** Marks a parser whose option can be repeated: it adds a value to the previous ones. */
export function collects<P extends Parser>(parse: P): P {
  collecting.add(parse);
  return parse;
}

/** Whether an option may be given more than once. */
export function isRepeatable({ required, optional, variadic, parseArg }: Option): boolean {
  if (!required && !optional) return true; // a switch
  return variadic || (parseArg !== undefined && collecting.has(parseArg));
}

/** Makes a command and its subcommands reject a second value for an option. */
export function refuseRepeats(command: Command): void {
  for (const option of command.options) {
    if (isRepeatable(option)) continue;
    let given = 0;
    command.on(`option:${option.name()}`, () => {
      if (++given === 1) return;
      throw new CommanderError(
        EXIT.usage,
        'bptt.repeated',
        `error: option '${option.flags}' is given twice; expected one value: leave one out`,
      );
    });
  }
  command.commands.forEach(refuseRepeats);
}
