/**
 * `npm run proof`: every gradient of every cell, of its variants, of zoneout and recurrent dropout, and of the layers that label and spell,
 * against every oracle, as a table of the worst relative errors. The cases and
 * the oracles are those of the tests; finite differences visit every element here, and the error of each element is relative
 * to its own size; the other oracles' is that of a whole tensor, max|a − b| / max|b|.
 *
 *     npm run proof [-- --json] [-- --cell ./my-cell.mjs]
 *
 * With `--cell` it proves the cell that the module exports, and no other. Exits 1 where an error exceeds the limit of its
 * oracle, 2 on a wrong option. An oracle that cannot judge a cell says 'not available', and why.
 */
import { parseArgs } from 'node:util';
import { describeElement } from '../src/autograd/check/gradcheck.js';
import { openCell } from '../src/cli/own-cell.js';
import type { Case, Problem, Solution } from '../test/support/cases.js';
import { caseName, casesOf, CELLS, problemOf, worstDifference } from '../test/support/cases.js';
import { differences, engine, proveCell } from '../test/support/engine.js';
import { attempt, forwardModeSolution } from '../test/support/forward-mode.js';
import { goldenCases } from '../test/support/golden.js';
import { aloneSolution, chainedSolution } from '../test/support/laws.js';
import type { LayerProof } from '../test/support/proof-layers.js';
import { layerProofs, noForwardMode } from '../test/support/proof-layers.js';
import { tapeSolution } from '../test/support/tape-cells.js';
import { VARIANTS } from '../test/support/tape-variants.js';

/** One line of the table: one cell and one oracle, over all options. */
interface Row {
  readonly cell: string;
  readonly oracle: string;
  /** Number of networks compared: initial states × directions × layers. */
  networks: number;
  /** Number of derivatives compared. */
  derivatives: number;
  worst: number;
  /** Where the worst one is. */
  at: string;
  readonly limit: number;
  /** Why the oracle cannot judge this cell, where it cannot. */
  unavailable?: string;
}

/** Of finite differences; an element may also be off by the noise of its difference, see `gradcheck`. */
const TOLERANCE = 1e-9;

const ORACLES: Readonly<Record<string, { limit: number; solve?: (problem: Problem) => Solution }>> = {
  'finite differences': { limit: TOLERANCE },
  'forward mode': { limit: 1e-10, solve: forwardModeSolution },
  tape: { limit: 1e-10, solve: tapeSolution },
  PyTorch: { limit: 1e-10 },
  'one-step calls chained': { limit: 1e-10, solve: chainedSolution },
  'each sequence alone': { limit: 1e-10, solve: aloneSolution },
};

/**
 * Of finite differences of a cell. Variants have derivatives that are small beside the loss, and roots that bend where a vector hardly
 * varies: rounding alone can then exceed 1e-9.
 */
const toleranceOf = (cell: string): number => (/^[\w-]+:/.test(cell) ? 1e-7 : TOLERANCE);

interface Options {
  readonly json: boolean;
  /** The cells to prove. */
  readonly names: readonly string[];
}

/** What the command line asks for. A cell of somebody's own is opened, checked and given its problems. */
async function optionsOf(args: string[]): Promise<Options> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean' }, cell: { type: 'string' } } });
  const { json = false, cell: path } = values;
  if (path === undefined) {
    for (const name of VARIANTS) proveCell(await openCell(name));
    return { json, names: [...CELLS, ...VARIANTS] };
  }
  const cell = await openCell(path, {}, {}); // a built-in name is not a file: without --cell they are all proved
  proveCell(cell);
  return { json, names: [cell.name] };
}

const { json, names } = await optionsOf(process.argv.slice(2)).catch((error: Error) => {
  console.error(`proof: ${error.message}`);
  process.exit(2);
});

const table: Row[] = names.flatMap((cell) =>
  Object.entries(ORACLES).map(([oracle, { limit }]) => ({
    cell,
    oracle,
    networks: 0,
    derivatives: 0,
    worst: 0,
    at: '',
    limit: oracle === 'finite differences' ? toleranceOf(cell) : limit,
  })),
);

function note(c: Case, oracle: string, derivatives: number, error: number, at: string): void {
  const row = table.find((r) => r.cell === c.cell && r.oracle === oracle)!;
  row.networks++;
  row.derivatives += derivatives;
  if (error <= row.worst) return;
  row.worst = error;
  row.at = `${at} (${caseName(c)})`;
}

const count = (tensors: Solution['grads']): number => Object.values(tensors).reduce((sum, x) => sum + x.data.length, 0);

function prove(c: Case): void {
  const problem = problemOf(c);
  const solution = engine(problem);
  const { checked, worst, passed } = differences(problem, solution.grads, { tolerance: toleranceOf(c.cell) });
  note(c, 'finite differences', checked, passed ? worst.relativeError : Infinity, describeElement(worst));
  for (const [oracle, { solve }] of Object.entries(ORACLES)) {
    if (!solve) continue;
    const expected = attempt(() => solve(problem));
    if (typeof expected === 'string') {
      table.find((r) => r.cell === c.cell && r.oracle === oracle)!.unavailable = expected;
      continue;
    }
    const { name, error } = worstDifference(solution, expected);
    note(c, oracle, count(solution.grads), error, name);
  }
}

function print(rows: readonly Row[]): void {
  console.log('| cell | oracle | networks | derivatives | worst relative error |');
  console.log('|---|---|---:|---:|---:|');
  for (const { cell, oracle, networks, derivatives, worst, unavailable } of rows) {
    const error = unavailable ? 'not available' : worst === 0 ? '0' : worst.toExponential(1);
    console.log(`| ${cell} | ${oracle} | ${networks} | ${derivatives} | ${error} |`);
  }
}

const cases = names.flatMap(casesOf);
cases.forEach((c, k) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${k + 1}/${cases.length} ${caseName(c)}\x1b[K`);
  prove(c);
});
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
for (const { problem, solution } of [...goldenCases(), ...goldenCases(process.cwd(), 'variants')]) {
  if (!names.includes(problem.case.cell)) continue;
  const { name, error } = worstDifference(engine(problem), solution);
  note(problem.case, 'PyTorch', count(solution.grads), error, name);
}
/** Rows of layers, which are proved with the built-in cells. */
function layerRows(proofs: readonly LayerProof[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { layer, oracle, derivatives, error, at } of proofs) {
    const key = `${layer}, ${oracle}`;
    const { limit } = ORACLES[oracle] ?? ORACLES.tape;
    const row = rows.get(key) ?? { cell: layer, oracle, networks: 0, derivatives: 0, worst: 0, at: '', limit };
    const worse = error > row.worst ? { worst: error, at } : {};
    rows.set(key, { ...row, ...worse, networks: row.networks + 1, derivatives: row.derivatives + derivatives });
  }
  const layers = [...new Set([...rows.values()].map(({ cell }) => cell))];
  const none = { networks: 0, derivatives: 0, worst: 0, at: '', limit: 0 };
  return layers.flatMap((cell) => {
    const own = [...rows.values()].filter((row) => row.cell === cell);
    if (own.some(({ oracle }) => oracle === 'forward mode')) return own;
    return [...own, { cell, oracle: 'forward mode', ...none, unavailable: noForwardMode(cell) }];
  });
}
if (names.length > 1) table.push(...layerRows(layerProofs(TOLERANCE)));
const rows = table.filter(({ networks, unavailable }) => networks > 0 || unavailable); // PyTorch has no GRU with the reset gate before the product
const failed = rows.filter(({ worst, limit }) => !(worst <= limit));
if (json) console.log(JSON.stringify({ passed: failed.length === 0, rows }, null, 2));
else print(rows);
for (const { cell, oracle, unavailable } of rows) {
  if (unavailable) console.error(`${cell} is not judged by ${oracle}: ${unavailable}`);
}
for (const { cell, oracle, worst, limit, at } of failed) {
  console.error(`${cell} disagrees with ${oracle}: ${worst} > ${limit} at ${at}`);
}
process.exitCode = failed.length === 0 ? 0 : 1;
