/**
 * What a hook that nobody uses costs a training step: this build against a copy of it from which the hook of the backward sweep
 * (`onStep`, src/autograd/unroll.ts) is cut out. Both run in one process and take turns (`bptt bench --against`), so that another
 * load on the machine hits both alike. Ends with status 1 where all of an interval at 99 % lies below 0.99 of the speed without it.
 *
 *   npm run build && node bench/taps.js [--quick | --cut] [--case b32-lstm] [--backend cpu,wasm] [--time 1350]
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { fail, MODULES, parse } from './command.js';

const {
  quick,
  cut,
  case: name,
  backend,
  time,
} = parse(
  new Command('node bench/taps.js')
    .description('time a training step with the unused hook of the backward sweep, and without it')
    .option('--quick', 'few samples: shows that it runs')
    .option('--cut', 'only cut the hook out, and say so: nothing is timed')
    .option('--case <name>', 'a case of the suite tagger', 'b32-lstm')
    .option('--backend <list>', 'backends, separated by commas', 'cpu,wasm')
    .option('--time <ms>', 'milliseconds for each system in each case: more narrow the interval', '1350'),
).opts();

/** The lines of the sweep with the hook, as built, and what they are without it. */
const CUTS = [
  [/if \(!onStep && (\w+\()/, 'if ($1'],
  [/^\s*onStep\?\.\(\{[^}]*\}\);\n/m, ''],
];

/** The source of the sweep without its hook. */
function cutOut(source) {
  return CUTS.reduce((text, [what, by]) => {
    if (what.test(text)) return text.replace(what, by);
    return fail('taps', `autograd/unroll.js has no ${what}: the sweep was written anew; correct CUTS in bench/taps.js`);
  }, source);
}

function said(line) {
  console.log(line);
  return 0;
}

/** Both builds in turns; the exit status. */
function timed() {
  const args = ['bench', '--suite', 'tagger', '--case', name, '--backend', backend, '--no-peers'];
  const rule = quick ? ['--quick'] : ['--time', time, '--fail-below', '0.99']; // one sample has no interval
  const command = [join(built, 'cli/main.js'), ...args, '--against', folder, ...rule];
  return spawnSync(process.execPath, command, { stdio: 'inherit' }).status;
}

const built = fileURLToPath(new URL('.', MODULES));
if (!existsSync(join(built, 'autograd/unroll.js'))) fail('taps', 'there is no build: run npm run build first');
const folder = mkdtempSync(join(tmpdir(), 'bptt-taps-'));
let status = 1;
try {
  cpSync(built, join(folder, 'dist/esm'), { recursive: true });
  cpSync(fileURLToPath(new URL('../package.json', import.meta.url)), join(folder, 'package.json'));
  symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(folder, 'node_modules'));
  const sweep = join(folder, 'dist/esm/autograd/unroll.js');
  writeFileSync(sweep, cutOut(readFileSync(sweep, 'utf8')));
  status = cut ? said('the hook can be cut out of this build') : timed();
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = status ?? 1;
