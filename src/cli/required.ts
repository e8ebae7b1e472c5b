/** Options that a command cannot do without. */
import type { Command } from 'commander';
import { Option } from 'commander';

/**
 * An option that must be given. Commander has such options, and looks for them before it looks at what it does not know: a
 * misspelt `--trian` would be told as a missing `--train`. This one is looked for last.
 */
export function addRequired(
  command: Command,
  flags: string,
  description: string,
  parse?: (text: string) => string,
): Command {
  const name = /--([a-z-]+)/.exec(flags)?.[1] ?? flags;
  const option = new Option(flags, description);
  if (parse) option.argParser(parse);
  return command.addOption(option).hook('preAction', () => {
    if (command.getOptionValue(name) !== undefined) return;
    command.error(`error: required option '${flags}' not specified`, {
      code: 'commander.missingMandatoryOptionValue',
    });
  });
}
