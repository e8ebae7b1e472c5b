/**
 * One trial: `bptt`, as a child process of a search. It ends together with its parent, however the parent ends: when the channel
 * to the parent closes, as after SIGKILL, nothing is left running.
 */
import { EXIT } from '../failure.js';
import { run } from '../program.js';

process.on('disconnect', () => process.exit(EXIT.hungUp));
process.channel?.unref(); // the channel itself does not keep the process alive
const { stdout, stderr, env } = process;
process.exitCode = await run(process.argv.slice(2), { stdout, stderr, env });
