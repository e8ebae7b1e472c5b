/** `bptt doctor`: what runs here, and why what does not run was declined. */
import { availableParallelism, cpus } from 'node:os';
import type { Command } from 'commander';
import { select } from '../kernels/index.js';
import { readPackageInfo } from './package-info.js';
import type { Terminal } from './terminal.js';
import { colorsFor, print } from './terminal.js';

const HELP = `
Example:
  bptt doctor`;

/** Adds the command. */
export function addDoctor(program: Command, terminal: Terminal): void {
  program
    .command('doctor')
    .description('show versions, the backends found, and why the others were declined')
    .addHelpText('after', HELP)
    .action(async () => {
      const colors = colorsFor(terminal.stdout, terminal.env);
      const { backend, reason, rejected } = await chosen();
      const lines: [string, string][] = [
        ['bptt', readPackageInfo().version],
        ['node', `${process.versions.node}, V8 ${process.versions.v8}`],
        ['machine', `${process.platform} ${process.arch}, ${describeCpu()}`],
        ['segmenter', segmenter()],
        ['backend', `${backend}: ${reason}`],
        ...rejected.map((r): [string, string] => ['declined', `${r.backend}: ${r.reason}`]),
      ];
      for (const [name, text] of lines) await print(terminal, `${colors.bold(name.padEnd(10))} ${text}`);
    });
}

async function chosen(): Promise<{
  backend: string;
  reason: string;
  rejected: readonly { backend: string; reason: string }[];
}> {
  const { kernels, reason, rejected } = await select({ backend: 'auto', dtype: 'float32' });
  const { backend } = kernels;
  kernels.dispose();
  return { backend, reason, rejected };
}

function describeCpu(): string {
  const model = cpus().at(0)?.model.trim();
  const threads = availableParallelism();
  return `${model || 'unknown processor'}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

/** Raw text is split by Intl.Segmenter; a Node built without ICU data lacks it. */
function segmenter(): string {
  if (typeof Intl.Segmenter !== 'function') return 'missing: this Node has no ICU; `bptt tag` needs --format';
  return `Intl.Segmenter, ICU ${process.versions.icu ?? 'unknown'}`;
}
