/**
 * Times `bptt tag` end to end, from the start of the process to its end: on one thread, on several, and by another build, in turns. All
 * must write the same bytes.
 *
 *     node bench/tag.js MODEL FILE.conllu [--threads 2] [--rounds 5] [--against FOLDER_OF_A_BUILD]
 *
 * The file is read as CoNLL-U and written as CoNLL-U. A rate counts its words. Of all turns the median counts.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';

const options = { threads: { type: 'string', default: '2' }, rounds: { type: 'string', default: '5' }, against: { type: 'string' } }; // prettier-ignore
const { positionals, values } = parseArgs({ options, allowPositionals: true });
const [model, file] = positionals;
if (positionals.length !== 2) {
  process.stderr.write(
    'node bench/tag.js MODEL FILE.conllu [--threads 2] [--rounds 5] [--against FOLDER_OF_A_BUILD]\n',
  );
  process.exit(2);
}
const own = new URL('../dist/esm/cli/main.js', import.meta.url).pathname;
const other = values.against && `${values.against}/esm/cli/main.js`;
const cases = [
  { name: 'one thread', main: own, more: [] },
  { name: `--threads ${values.threads}`, main: own, more: ['--threads', values.threads] },
  ...(other ? [{ name: 'one thread, the other build', main: other, more: [] }] : []),
].map((each) => ({ ...each, seconds: [] }));
const words = readFileSync(file, 'latin1').match(/^\d+\t/gm).length;
const digests = new Set();
for (let round = 0; round < Number(values.rounds); round++) {
  for (const { main, more, seconds } of cases) {
    const start = performance.now();
    const args = [main, 'tag', model, file, '--format', 'conllu', '--output', 'conllu', ...more];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { maxBuffer: 2 ** 31 });
    seconds.push((performance.now() - start) / 1000);
    if (status !== 0) throw new Error(stderr.toString());
    digests.add(createHash('sha256').update(stdout).digest('hex'));
  }
}
const median = (all) => all.toSorted((a, b) => a - b)[all.length >> 1];
const [first] = cases;
for (const { name, seconds } of cases) {
  const [rate, ratio] = [words / median(seconds), median(seconds.map((s, i) => first.seconds[i] / s))];
  console.log(`${name}: ${Math.round(rate / 1000)}k words/s, ${ratio.toFixed(2)}x`);
}
console.log(
  `${words} words, load ${loadavg()[0].toFixed(1)}, ${digests.size === 1 ? 'the same bytes' : 'OTHER BYTES'}`,
);
process.exitCode = digests.size === 1 ? 0 : 1;
