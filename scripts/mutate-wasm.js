#!/usr/bin/env node
/**
 * Mutation tests of assembly/: changes the AssemblyScript in one place, compiles it, and runs the suites of the WebAssembly
 * backend against that module. Nothing in the working tree is written.
 *
 *     node scripts/mutate-wasm.js --count 40             a sample of 40; hours for all
 *     node scripts/mutate-wasm.js --count 40 --seed 2    another sample; the same seed draws the same mutants
 *     node scripts/mutate-wasm.js --file lstm.ts         of one file only
 *     node scripts/mutate-wasm.js --file lstm.ts --list  prints the mutants without running them
 *     node scripts/mutate-wasm.js --id math.ts#12        that mutant alone; --id math.ts#12,lstm.ts#3 several
 *     node scripts/mutate-wasm.js --suites wasm-edges    with these suites of test/kernels alone
 *
 * sign    + and −, `add` and `sub` change places; a negation is left out
 * drop    one operand of a sum, a difference, a product or a quotient is left out, or a whole call for its effect
 * shift   an integer is raised by 1, a multiple of 4 by 4; a float constant to the next float32
 * bound   < and <=, > and >=, == and != change places
 *
 * A mutant that compiles to the bytes of the original changes nothing and is not counted. Ends with 1 where a mutant survives
 * that test/mutation/survivors.json does not judge.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import ts from 'typescript';
import base from '../jest.config.js';
import { functionAt, judge, readJudged, words } from '../test/mutation/judge.js';
import { compile, embed, embedPieces, sourceOf, textOf } from './compile-wasm.js';

const KERNELS = 'test/kernels';
/** The suites most likely to notice come first; the others run where these do not. */
const FIRST = {
  'math.ts': ['wasm-math'],
  'multiply.ts': ['wasm', 'wasm-edges'],
  'pack.ts': ['wasm', 'wasm-edges'],
  'tile.ts': ['wasm'],
  'dot.ts': ['wasm', 'wasm-edges'],
  'rows.ts': ['wasm-memory'],
  'optim.ts': ['wasm-memory'],
  'wide.ts': ['wasm-memory'],
  'crf.ts': ['wasm-crf'],
  'math64.ts': ['wasm-crf'],
};
const SUITES = ['wasm-scan', 'wasm', 'wasm-edges', 'wasm-math', 'wasm-memory', 'wasm-crf', 'contract'];
/** A suite takes half a minute; a mutant whose loop does not end is stopped after this many milliseconds, and is noticed. */
const LIMIT = 300_000;

const SWAPS = { add: 'sub', sub: 'add' };
const SIGNS = { '+': '-', '-': '+', '+=': '-=', '-=': '+=' };
const BOUNDS = { '<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=', '!=': '==' };
const TERMS = ['add', 'sub', 'mul', 'div', 'pmin', 'pmax', 'min', 'max'];

function fail(message) {
  process.stderr.write(`mutate-wasm: ${message}\n`);
  process.exit(2);
}

/** The smallest float32 above, written so that it is read back as that. */
function nextFloat(text) {
  const floats = Float32Array.of(Number(text));
  new Int32Array(floats.buffer)[0] += 1;
  return String(floats[0]);
}

/** `[operator, from, to, replacement]` for one node of the tree. */
function changesAt(node, file) {
  const text = (part) => part.getText(file);
  const whole = (kind, replacement) => [kind, node.getStart(file), node.getEnd(), replacement];
  if (ts.isBinaryExpression(node)) {
    const { left, operatorToken, right } = node;
    const operator = text(operatorToken);
    const [from, to] = [operatorToken.getStart(file), operatorToken.getEnd()];
    return [
      ...(operator in SIGNS ? [['sign', from, to, SIGNS[operator]]] : []),
      ...(operator in BOUNDS ? [['bound', from, to, BOUNDS[operator]]] : []),
      ...(['+', '-', '*', '/', '&', '|'].includes(operator)
        ? [whole('drop', text(left)), whole('drop', text(right))]
        : []),
    ];
  }
  if (ts.isCallExpression(node)) {
    const name = text(node.expression)
      .replace(/^.*\.|<.*$/g, '')
      .replace(/^.*\./, '');
    const last = node.expression.getEnd();
    return [
      ...(name in SWAPS ? [['sign', last - name.length, last, SWAPS[name]]] : []),
      ...(name === 'neg' ? [whole('sign', text(node.arguments[0]))] : []),
      ...(TERMS.includes(name) ? node.arguments.map((each) => whole('drop', text(each))) : []),
    ];
  }
  if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression)) return [whole('drop', ';')];
  if (ts.isPrefixUnaryExpression(node) && text(node).startsWith('-')) return [whole('sign', text(node.operand))];
  if (ts.isNumericLiteral(node)) {
    const value = Number(text(node));
    if (/^0x/i.test(text(node))) return [whole('shift', String(value + 1))];
    if (!Number.isInteger(value) || /[.e]/i.test(text(node))) return [whole('shift', nextFloat(text(node)))];
    return [whole('shift', String(value >= 4 && value % 4 === 0 ? value + 4 : value + 1))];
  }
  return [];
}

/** All mutants of one file, in the order of their places. */
function mutantsOf(name) {
  const source = sourceOf(`assembly/${name}`);
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.ES2022, true);
  const found = [];
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return;
    for (const [kind, from, to, replacement] of changesAt(node, file)) {
      const context = source.slice(source.lastIndexOf('\n', from) + 1, source.indexOf('\n', to)).trim();
      found.push({
        file: `assembly/${name}`,
        function: functionAt(file, from, to) ?? 'module',
        mutant: `${words(source.slice(from, to), replacement)} in ${context.replace(/\s+/g, ' ')}`,
        ...{ id: `${name}#${found.length}`, kind, text: source.slice(0, from) + replacement + source.slice(to) },
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** A shuffle by a seed: xorshift32, so that a sample can be drawn again. */
function shuffled(list, seed) {
  let state = seed ^ 0x9e3779b9;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

/** Whether the suites pass with the module in `folder`. */
function passes(folder, suites) {
  if (suites.length === 0) return true;
  const config = {
    ...base,
    rootDir: process.cwd(),
    testMatch: suites.map((name) => `<rootDir>/${KERNELS}/${name}.test.ts`),
    moduleNameMapper: {
      '^\\./binary(-relaxed)?(\\.js)?$': join(folder, 'binary$1.ts'),
      ...base.moduleNameMapper,
    },
  };
  const args = [
    'node_modules/jest/bin/jest.js',
    '--runInBand',
    '--bail',
    '--silent',
    '--config',
    JSON.stringify(config),
  ];
  return spawnSync(process.execPath, args, { stdio: 'ignore', timeout: LIMIT, killSignal: 'SIGKILL' }).status === 0;
}

/** `killed`, `survived`, `same bytes` or `does not compile`. */
async function verdictOn(mutant, original, folder, suites) {
  const name = basename(mutant.file);
  let bytes;
  try {
    bytes = await compile(['simd'], [], (path, base) => (basename(path) === name ? mutant.text : sourceOf(path, base)));
  } catch {
    return 'does not compile';
  }
  if (Buffer.compare(Buffer.from(bytes), original) === 0) return 'same bytes';
  writeFileSync(join(folder, 'binary.ts'), embed(bytes, 'a mutant'));
  const likely = FIRST[name] ?? ['wasm-scan'];
  const [first, rest] = [true, false].map((own) => suites.filter((suite) => likely.includes(suite) === own));
  return passes(folder, first) && passes(folder, rest) ? 'survived' : 'killed';
}

function readArguments() {
  const options = {
    count: { type: 'string' },
    seed: { type: 'string', default: '1' },
    file: { type: 'string' },
    id: { type: 'string' },
    suites: { type: 'string', default: SUITES.join(',') },
    list: { type: 'boolean' },
  };
  try {
    const { values } = parseArgs({ options });
    for (const name of ['count', 'seed']) {
      if (!/^\d+$/.test(values[name] ?? '0')) fail(`--${name} must be an integer of at least 0; got ${values[name]}`);
    }
    const suites = values.suites.split(',');
    const unknown = suites.find((name) => !SUITES.includes(name));
    if (unknown !== undefined) fail(`unknown suite '${unknown}'. The suites are ${SUITES.join(', ')}`);
    return { ...values, suites };
  } catch (error) {
    return fail(error.message);
  }
}

/** The mutants that the command line asks for. */
function chosenMutants({ file, id, count, seed }) {
  const names = [...readdirSync('assembly').filter((name) => name.endsWith('.ts')), 'tile.ts'].sort();
  if (file !== undefined && !names.includes(file)) fail(`assembly/ has no ${file}. Its files are ${names.join(', ')}`);
  const all = (file === undefined ? names : [file]).flatMap(mutantsOf);
  if (id === undefined) return shuffled(all, Number(seed)).slice(0, count === undefined ? all.length : Number(count));
  return id
    .split(',')
    .map((wanted) => all.find((mutant) => mutant.id === wanted) ?? fail(`there is no mutant ${wanted}`));
}

const wanted = readArguments();
const mutants = chosenMutants(wanted);
if (wanted.list) {
  const lines = mutants.map(({ id, kind, function: name, mutant }) => `${id} ${kind} ${name}: ${mutant}\n`);
  await new Promise((done) => process.stdout.write(lines.join(''), done)); // a pipe may still be full at the exit
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), 'bptt-mutants-'));
const counts = { killed: 0, survived: 0, 'same bytes': 0, 'does not compile': 0 };
const survivors = [];
try {
  const original = Buffer.from(await compile(['simd'], []));
  writeFileSync(join(folder, 'binary.ts'), embed(original, 'the module'));
  const relaxed = Buffer.from(await compile(['simd', 'relaxed-simd'], [])); // whole: a mutant must not be part of it
  writeFileSync(join(folder, 'binary-relaxed.ts'), embedPieces([textOf(relaxed)], 'the relaxed module'));
  if (!passes(folder, wanted.suites)) fail('the suites fail without any mutant: mend them first');
  for (const mutant of mutants) {
    const verdict = await verdictOn(mutant, original, folder, wanted.suites);
    counts[verdict]++;
    if (verdict === 'survived') survivors.push(mutant);
    process.stdout.write(`${verdict.padEnd(9)} ${mutant.id} ${mutant.kind} ${mutant.function}: ${mutant.mutant}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const { equivalent, open } = judge(survivors, readJudged());
const counted = counts.killed + open.length;
process.stdout.write(
  `${mutants.length} mutants: ${counts.killed} killed, ${equivalent.length} judged, ${open.length} open, ` +
    `${counts['same bytes']} of the same bytes, ${counts['does not compile']} that do not compile; ` +
    `${((100 * counts.killed) / Math.max(1, counted)).toFixed(1)} % of those that change something\n`,
);
process.exitCode = open.length > 0 ? 1 : 0;
