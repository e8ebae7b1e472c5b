/** Required options. */
import type { Command } from 'commander';
import { Option } from 'commander';

/**
 * A required option. Commander checks its own required options before unknown ones: a misspelled `--trian` would be reported as a
 * missing `--train`. This option is checked last.
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
