#!/usr/bin/env node
/**
 * Mutation tests: StrykerJS changes the sources one token at a time and runs the tests of the room. A mutant that no test
 * notices is either a hole in the tests or changes nothing; each of the latter is judged in test/mutation/survivors.json.
 * Ends with 1 where a survivor is not judged there. Installs the packages of test/mutation where they are lacking (65 MB).
 *
 *     npm run test:mutation                                  every room: hours
 *     npm run test:mutation -- optim scorer                  two rooms
 *     npm run test:mutation -- autograd --file truncate.ts   one file of a room
 *     npm run test:mutation -- --report .stryker/optim.json  judges a report of an earlier run, without a run
 *     npm run test:mutation -- optim --concurrency 4         more processes; default 1
 *
 * The same sources give the same mutants and the same verdicts, but for a mutant that runs into the limit of time. Texts are not
 * mutated (StringLiteral): they are messages. Reports are written to .stryker/<room>.json.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { enclosingFunction, judge, readJudged } from '../test/mutation/judge.js';
import { rooms } from '../test/mutation/rooms.js';

const FOLDER = 'test/mutation';
const REPORTS = '.stryker';

function fail(message) {
  process.stderr.write(`test:mutation: ${message}\n`);
  process.exit(2);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) fail(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function readArguments() {
  const options = {
    file: { type: 'string' },
    concurrency: { type: 'string', default: '1' },
    report: { type: 'string' },
  };
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const unknown = positionals.find((name) => !(name in rooms));
    if (unknown !== undefined) fail(`unknown room '${unknown}'. The rooms are ${Object.keys(rooms).join(', ')}`);
    if (!/^[1-9]\d*$/.test(values.concurrency))
      fail(`--concurrency must be an integer of at least 1; got ${values.concurrency}`);
    return { ...values, chosen: positionals.length > 0 ? positionals : Object.keys(rooms) };
  } catch (error) {
    return fail(error.message);
  }
}

function install() {
  const { devDependencies } = JSON.parse(readFileSync(`${FOLDER}/package.json`, 'utf8'));
  if (Object.keys(devDependencies).every((name) => existsSync(`${FOLDER}/node_modules/${name}`))) return;
  run('npm', ['ci', '--prefix', FOLDER, '--no-audit', '--no-fund']);
}

/** The name of a report: that of the room, and of the file where only one was mutated. */
const reportOf = (room, file) => `${REPORTS}/${room}${file === undefined ? '' : `-${basename(file, '.ts')}`}.json`;

/** Runs Stryker over a room, or one file of it. */
function mutate(room, file, concurrency) {
  const { sources, tests } = rooms[room];
  const config = {
    testRunner: 'jest',
    mutate: file === undefined ? sources : [`src/**/${file}`],
    mutator: { excludedMutations: ['StringLiteral'] },
    jest: { config: { testMatch: tests.map((path) => `<rootDir>/${path}`) }, enableFindRelatedTests: false },
    coverageAnalysis: 'perTest',
    disableTypeChecks: false,
    concurrency: Number(concurrency),
    timeoutMS: 20_000,
    ignorePatterns: ['/dist', `/${REPORTS}`],
    tempDirName: `${REPORTS}/sandbox-${room}`,
    reporters: ['json', 'progress-append-only'],
    jsonReporter: { fileName: reportOf(room, file) },
    allowEmpty: false,
  };
  mkdirSync(REPORTS, { recursive: true });
  const path = `${REPORTS}/config-${room}.json`;
  writeFileSync(path, JSON.stringify(config, undefined, 2));
  run(process.execPath, [`${FOLDER}/node_modules/@stryker-mutator/core/bin/stryker.js`, 'run', path]);
}

/** The mutants of a report, each with the function it stands in and its change in words. */
function mutantsOf(report) {
  return Object.entries(report.files).flatMap(([file, { source, mutants }]) =>
    mutants.map((mutant) => ({
      file,
      status: mutant.status,
      line: mutant.location.start.line,
      ...enclosingFunction(source, mutant.location, mutant.replacement),
    })),
  );
}

/** Prints the score of one report. @returns how many survivors nobody has judged */
function tell(room, path, judged) {
  const mutants = mutantsOf(JSON.parse(readFileSync(path, 'utf8')));
  const is = (...statuses) => mutants.filter(({ status }) => statuses.includes(status));
  const killed = is('Killed', 'Timeout').length;
  const { equivalent, open } = judge(is('Survived', 'NoCoverage'), judged);
  const total = killed + equivalent.length + open.length;
  const percent = ((100 * killed) / Math.max(1, total - equivalent.length)).toFixed(1);
  const errors = is('RuntimeError', 'CompileError').length;
  process.stdout.write(
    `${room}: ${total} mutants, ${killed} killed, ${equivalent.length} judged, ${open.length} open` +
      `${errors > 0 ? `, ${errors} that do not run` : ''}; ${percent} % of those that change something\n`,
  );
  for (const { file, line, function: name, mutant, status } of open) {
    process.stdout.write(
      `  ${file}:${line} ${name}: ${mutant}${status === 'NoCoverage' ? ' (no test runs it)' : ''}\n`,
    );
  }
  return open.length;
}

const { chosen, file, concurrency, report } = readArguments();
const judged = readJudged();
let open = 0;
if (report !== undefined) {
  if (!existsSync(report)) fail(`there is no report ${report}. Run a room first; its report is ${REPORTS}/<room>.json`);
  open = tell(basename(report, '.json'), report, judged);
} else {
  install();
  for (const room of chosen) {
    mutate(room, file, concurrency);
    open += tell(room, reportOf(room, file), judged);
  }
}
process.exitCode = open > 0 ? 1 : 0;
