/**
 * Writes the figures of one run of the ladder where they stand: the table and the picture of docs/kernels.md, and the line `Measured`
 * in the header of every rung. From the repository root:
 *
 *     npm run build && node bench/ladder-docs.js                     runs bptt bench --ladder, and writes
 *     node bench/ladder-docs.js --from run.json                      writes what that command printed with --json
 *     node bench/ladder-docs.js --check                              ends with 1 where they are not those of bench/ladder/measured.json
 *
 * The run is kept as bench/ladder/measured.json.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { format, resolveConfig } from 'prettier';
import { EXIT, fail, load, MODULES, parse } from './command.js';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const MEASURED = at('bench/ladder/measured.json');
const PAGE = at('docs/kernels.md');
const PICTURE = at('docs/assets/ladder.svg');
const MARKS = ['<!-- ladder: written by node bench/ladder-docs.js -->', '<!-- end of ladder -->'];

const command = new Command('node bench/ladder-docs.js')
  .description('Writes the figures of the ladder into docs/kernels.md, its picture and the headers of the rungs')
  .option('--from <file>', 'what bptt bench --ladder --json printed, in the place of a run')
  .addOption(new Option('--check', 'write nothing; end with 1 where a file has other figures').conflicts('from'));
parse(command);
const { from, check } = command.opts();

const { markdownLadder, measuredLine } = await load('bench/ladder/text.js');
const { drawLadder } = await load('bench/ladder/staircase.js');
const { listRungs } = await load('bench/ladder/files.js');
const result = resultOf();
const written = await filesOf(result);
if (check) {
  const other = Object.entries(written).filter(([path, text]) => textOf(path) !== text);
  if (other.length > 0) {
    const names = other.map(([path]) => path.slice(at('').length)).join(', ');
    fail('ladder-docs', `${names}: not what bench/ladder/measured.json gives; run node bench/ladder-docs.js`);
  }
} else {
  for (const [path, text] of Object.entries(written)) writeFileSync(path, text);
}

/** The run: read, or made. */
function resultOf() {
  const path = check ? MEASURED : from;
  if (path === undefined) return ran();
  try {
    const value = JSON.parse(readFileSync(path, 'utf8'));
    if (Array.isArray(value.rows) && value.work !== undefined) return value;
  } catch (error) {
    fail('ladder-docs', `${path}: ${error.message}`, EXIT.data);
  }
  return fail('ladder-docs', `${path} has no rows; it must hold what bptt bench --ladder --json printed`, EXIT.data);
}

function ran() {
  const main = fileURLToPath(new URL('cli/main.js', MODULES));
  const { status, stdout } = spawnSync(process.execPath, [main, 'bench', '--ladder', '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) fail('ladder-docs', `bptt bench --ladder ended with ${status}: nothing was written`);
  return JSON.parse(stdout);
}

/** Every file that has figures, as it must be. */
async function filesOf(run) {
  const page = readFileSync(PAGE, 'utf8');
  const [start, end] = MARKS.map((mark) => page.indexOf(mark));
  if (start < 0 || end < start) fail('ladder-docs', 'docs/kernels.md has lost the marks around its table');
  const table = `${page.slice(0, start + MARKS[0].length)}\n\n${markdownLadder(run)}\n\n${page.slice(end)}`;
  const headers = listRungs().map(({ name, path }) => {
    const row = run.rows.find(({ rung }) => rung === name);
    const skipped = run.skipped.find(({ rung }) => rung === name);
    return [
      path,
      withMeasured(readFileSync(path, 'utf8'), row ? measuredLine(run, row) : `not here: ${skipped?.reason}.`),
    ];
  });
  return {
    [MEASURED]: await pretty(MEASURED, JSON.stringify(run)),
    [PAGE]: await pretty(PAGE, table),
    [PICTURE]: drawLadder(run),
    ...Object.fromEntries(headers),
  };
}

/** A rung with another last paragraph in its header, wrapped at 130 columns as the others. */
function withMeasured(text, line) {
  const indent = ' *            ';
  const lines = [''];
  for (const word of line.split(' ')) {
    const open = lines.at(-1);
    if (open !== '' && indent.length + open.length + word.length >= 130) lines.push(word);
    else lines[lines.length - 1] = open === '' ? word : `${open} ${word}`;
  }
  const paragraph = ` * Measured   ${lines.join(`\n${indent}`)}\n */`;
  return text.replace(/^ \* Measured [^]*?\n \*\//m, () => paragraph);
}

async function pretty(path, text) {
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
