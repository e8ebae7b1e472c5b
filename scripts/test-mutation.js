#!/usr/bin/env node
/**
 * Mutation tests: the sources are changed in one place at a time, as StrykerJS changes them, and the tests of the room must
 * notice. A mutant that no test notices is either a hole in the tests or changes nothing; each of the latter is judged in
 * test/mutation/survivors.json. Ends with 1 where a survivor is not judged there. Installs the packages of test/mutation where
 * they are lacking (65 MB).
 *
 *     npm run test:mutation                                  every room
 *     npm run test:mutation -- optim scorer                  two rooms
 *     npm run test:mutation -- autograd --file truncate.ts   one file of a room; a comma for several
 *     npm run test:mutation -- autograd --open               what was not noticed in the last run, or not reached when it was stopped
 *     npm run test:mutation -- optim --concurrency 4         more processes; default 1
 *     npm run test:mutation -- autograd --quick              without the slow tests: what is not noticed then may be open
 *     npm run test:mutation -- optim --verbose               a line for every mutant: the verdict, the time, the test that noticed
 *     npm run test:mutation -- --report .stryker/optim.json  judges a report of an earlier run, without a run
 *
 * A mutant takes a tenth of a second and not the start of jest: one process holds the compiled sources with all mutants in them
 * behind switches (test/mutation/worker.js), and runs the tests that reach the mutant, each on modules loaded anew: first the one
 * that noticed it in the run before, then the quickest. Texts are not mutated (StringLiteral): they are messages. Reports are
 * written to .stryker/<room>.json, in Stryker's form.
 */
import { fork, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { enclosingFunction, judge, readJudged } from '../test/mutation/judge.js';
import { rooms } from '../test/mutation/rooms.js';

const FOLDER = 'test/mutation';
const REPORTS = '.stryker';
/** A mutant may be reached this many times as often as in a run without it; Stryker's number. */
const HITS = 100;
/** A test that takes no longer, in milliseconds, runs before those that do. */
const QUICK = 25;
/** Milliseconds of tests against a mutant before the next mutant's turn. What no test has noticed by then waits for the others. */
const BUDGET = 3000;
/** Milliseconds that a part of a plan may take, beside twenty times what it takes without a mutant. */
const SILENCE = 30_000;

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
    open: { type: 'boolean' },
    quick: { type: 'boolean' },
    verbose: { type: 'boolean' },
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

/** The files that the patterns match, in the order of the patterns: `*` within a folder, `**` + `/` over folders, `{a,b}`. */
function filesOf(patterns) {
  const all = ['src', 'test'].flatMap((root) =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/node_modules/.test(entry.parentPath ?? entry.path))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name)),
  );
  const matching = (pattern) => {
    const text = pattern
      .replace(/\./g, '\\.')
      .replace(/\*\*\/|\*/g, (star) => (star === '*' ? '[^/]*' : '(?:.*/)?'))
      .replace(/\{(.*?)\}/g, (_, names) => `(?:${names.replace(/,/g, '|')})`);
    return all.filter((path) => new RegExp(`^${text}$`).test(path)).sort();
  };
  return [...new Set(patterns.flatMap(matching))];
}

/** A process of test/mutation/worker.js, started again where it had to be stopped. */
function createWorker(sources) {
  let child;
  const ask = (message) =>
    new Promise((resolve) => {
      let timer;
      const settle = (answer) => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(answer);
      };
      const stop = (answer) => {
        child.kill('SIGKILL');
        settle(answer);
        child = undefined;
      };
      let parts = 0;
      child.on('exit', (code, signal) => stop({ crashed: `the process ended with ${code ?? signal}` }));
      child.on('message', (answer) => {
        if (!answer.at) return settle(answer);
        clearTimeout(timer);
        timer = setTimeout(() => stop({ timedOut: true }), SILENCE + 20 * message.plan[parts++].cost);
      });
      child.send(message);
    });
  const start = () => {
    child = fork(`${FOLDER}/worker.js`, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    return ask({ sources });
  };
  return {
    start,
    async ask(message) {
      const begun = child ? {} : await start();
      if (!child)
        fail(`the process of the tests does not start: ${begun.crashed ?? 'no answer'}; run again with --open`);
      return ask(message);
    },
    end: () => child?.disconnect(),
  };
}

const keyOf = ({ file, function: name, mutant }) => [file, name, mutant].join('\0');

/** A mutant's name across runs: file, function, text, and which of several such it is. */
function namesOf(mutants, sources) {
  const seen = new Map();
  return mutants.map(({ file, location, replacement }) => {
    const { function: name, mutant } = enclosingFunction(sources[file], location, replacement);
    const key = keyOf({ file, function: name, mutant });
    const count = seen.get(key) ?? 0;
    seen.set(key, count + 1);
    return `${key}\0${count}`;
  });
}

/** The mutants of an earlier report, by name. */
function earlier(path) {
  if (!existsSync(path)) return new Map();
  const { files } = JSON.parse(readFileSync(path, 'utf8'));
  const mutants = Object.entries(files).flatMap(([file, { mutants: found }]) =>
    found.map((mutant) => ({ ...mutant, file })),
  );
  const names = namesOf(mutants, Object.fromEntries(Object.entries(files).map(([file, { source }]) => [file, source])));
  return new Map(mutants.map((mutant, index) => [names[index], mutant]));
}

/** Runs each test file once. @returns by file: its tests with times and the mutants they reach */
async function coverage(worker, tests) {
  const covered = new Map();
  for (const file of tests) {
    const answer = await worker.ask({ cover: file });
    if (!answer.tests) fail(`${file}: ${answer.crashed ?? 'it does not end'}`);
    for (const failure of answer.failures) process.stderr.write(`left out: ${failure}\n`);
    const all = new Map(answer.loaded.hits);
    const reached = answer.tests.map(({ hits }) => new Map(hits));
    covered.set(file, { ...answer, all, reached });
  }
  // In the order of the mutants' runs, without a mutant, too: a test that needs one before it would notice every mutant.
  const { killedBy, file, reason } = await worker.ask({ mutant: -1, limit: 0, plan: planOf(undefined, covered).plan });
  if (killedBy) fail(`${file}: ${killedBy} fails without a mutant, in another order: ${reason}`);
  return covered;
}

/**
 * Which tests to run against a mutant: first the one that noticed it before; then the quick ones of every file; then the slow ones.
 * Of two that cost the same, the one that reaches fewer mutants comes first: it is about them. All tests where there is no mutant.
 */
function planOf(id, covered, first) {
  let limit = 0;
  const [noticed, quick, slow] = [[], [], []];
  for (const [file, { loaded, tests, all, reached }] of covered) {
    const reaches = (index) => !tests[index].skipped && (id === undefined || all.has(id) || reached[index].has(id));
    const isFirst = (index) => file === first?.file && tests[index].name === first.killedBy;
    const chosen = tests.map((_, index) => index).filter(reaches);
    const part = (indices, cost = 0) => ({
      ...{ file, count: tests.length, tests: indices },
      cost: indices.reduce((sum, index) => sum + tests[index].ms, cost),
      weight: indices.reduce((sum, index) => sum + tests[index].ms * reached[index].size, cost),
    });
    const ordered = chosen.filter((index) => !isFirst(index)).sort((a, b) => tests[a].ms - tests[b].ms);
    const early = ordered.filter((index) => tests[index].ms <= QUICK);
    noticed.push(...chosen.filter(isFirst).map((index) => part([index], loaded.ms)));
    if (early.length > 0) quick.push(part(early, loaded.ms));
    slow.push(...ordered.slice(early.length).map((index) => part([index])));
    limit = Math.max(
      limit,
      HITS * chosen.reduce((sum, index) => sum + (reached[index].get(id) ?? 0), all.get(id) ?? 0),
    );
  }
  const byWeight = (a, b) => a.weight - b.weight;
  return { plan: [...noticed, ...quick.sort(byWeight), ...slow.sort(byWeight)], limit };
}

function statusOf(answer) {
  if (answer.timedOut || answer.ended === false) return 'Timeout';
  return answer.killedBy || answer.crashed ? 'Killed' : 'Survived';
}

/** Runs the mutants of a room, or of some files of it, and writes the report. */
async function mutate(room, path, { file, open: onlyOpen, quick, concurrency, verbose }) {
  const wanted = file?.split(',');
  const paths = filesOf(rooms[room].sources).filter((each) => !wanted || wanted.includes(basename(each)));
  if (paths.length === 0) fail(`the room ${room} has no file ${file}`);
  const sources = Object.fromEntries(paths.map((each) => [each, readFileSync(each, 'utf8')]));
  const before = earlier(path);
  const workers = Array.from({ length: Number(concurrency) }, () => createWorker(sources));
  const [{ mutants, crashed }] = await Promise.all(workers.map((worker) => worker.start()));
  if (crashed) fail(crashed);
  const names = namesOf(mutants, sources);
  const covered = await coverage(workers[0], filesOf(rooms[room].tests));

  const results = new Array(mutants.length);
  const kept = ({ status, killedBy, killedIn, statusReason, duration }) => ({
    ...{ status, killedBy, killedIn, statusReason, duration },
  });
  // Stopped early, a run leaves the verdicts of the run before on what it has not reached.
  const save = () => {
    const old = (place) => before.has(names[place]) && kept(before.get(names[place]));
    const known = Object.fromEntries(mutants.map(({ id }, place) => [id, results[id] ?? (old(place) || undefined)]));
    writeFileSync(path, reportOf(sources, mutants, known));
  };
  const isJudged = new Set(readJudged().map(keyOf));
  const nameOf = (place) => names[place].replace(/\0\d+$/, '');
  const begin = Date.now();
  const attempt = async (worker, place, plan, limit) => {
    const since = Date.now();
    const answer = plan.length > 0 && (await worker.ask({ mutant: mutants[place].id, limit, plan }));
    const { killedBy, file: killedIn, reason } = answer;
    const status = answer ? statusOf(answer) : 'NoCoverage';
    results[mutants[place].id] = { status, killedBy, killedIn, statusReason: reason, duration: Date.now() - since };
    if (!verbose) return;
    const [source, name, change] = names[place].split('\0');
    const who = status === 'Killed' ? `${killedIn} ${killedBy}` : '';
    process.stderr.write(`${status} ${Date.now() - since} ms  ${source} ${name}: ${change}  ${who}\n`);
  };
  const inTurn = async (places, what, one) => {
    let next = 0;
    const work = async (worker) => {
      while (next < places.length) {
        const at = next++;
        await one(worker, places[at]);
        if ((at + 1) % 50 > 0 && at + 1 < places.length) continue;
        save();
        const left = results.filter((result) => result && !isNoticed(result)).length;
        const seconds = ((Date.now() - begin) / 1000).toFixed(0);
        process.stderr.write(`${room}: ${at + 1} of ${places.length} ${what}, ${seconds} s, ${left} not noticed\n`);
      }
    };
    await Promise.all(workers.map(work));
  };

  const rest = new Map(); // what is left of a plan
  await inTurn([...mutants.keys()], 'mutants', async (worker, place) => {
    const { id } = mutants[place];
    const old = before.get(names[place]);
    if (onlyOpen && old && (isNoticed(old) || isJudged.has(nameOf(place)))) {
      results[id] = kept(old);
      return;
    }
    const { plan, limit } = planOf(id, covered, old?.killedBy ? { ...old, file: old.killedIn } : undefined);
    const [early, late] = cut(plan, BUDGET);
    await attempt(worker, place, early, limit);
    if (late.length > 0 && !isNoticed(results[id])) rest.set(place, { plan: late, limit });
  });
  const open = [...rest.keys()].filter((place) => !quick && !isJudged.has(nameOf(place)));
  await inTurn(open, 'that are open, by the slow tests', (worker, place) => {
    const { plan, limit } = rest.get(place);
    return attempt(worker, place, plan, limit);
  });
  workers.forEach((worker) => worker.end());
}

const isNoticed = ({ status }) => status === 'Killed' || status === 'Timeout';

/** A plan in two: what takes no longer than a budget in milliseconds, and what is left. */
function cut(plan, budget) {
  let spent = 0;
  const at = plan.findIndex(({ cost }) => (spent += Math.max(0, cost)) > budget);
  return at < 0 ? [plan, []] : [plan.slice(0, Math.max(1, at)), plan.slice(Math.max(1, at))];
}

/** A report in Stryker's form, with the test that noticed a mutant. */
function reportOf(sources, mutants, results) {
  const files = Object.entries(sources).map(([file, source]) => {
    const own = mutants.filter(({ file: each, id }) => each === file && results[id]);
    const found = own.map(({ id, location, replacement, mutatorName }) => ({
      id: String(id),
      location,
      replacement,
      mutatorName,
      ...results[id],
    }));
    return [file, { language: 'typescript', source, mutants: found }];
  });
  return JSON.stringify({ schemaVersion: '1', thresholds: { high: 98, low: 90 }, files: Object.fromEntries(files) });
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

/** The name of a report: that of the room, and of the files where only some were mutated. */
const pathOf = (room, file) =>
  `${REPORTS}/${[room, ...(file?.split(',') ?? []).map((each) => basename(each, '.ts'))].join('-')}.json`;

const { chosen, report, ...choice } = readArguments();
const judged = readJudged();
let open = 0;
if (report !== undefined) {
  if (!existsSync(report)) fail(`there is no report ${report}. Run a room first; its report is ${REPORTS}/<room>.json`);
  open = tell(basename(report, '.json'), report, judged);
} else {
  install();
  mkdirSync(REPORTS, { recursive: true });
  for (const room of chosen) {
    const path = pathOf(room, choice.file);
    await mutate(room, path, choice);
    open += tell(room, path, judged);
  }
}
process.exitCode = open > 0 ? 1 : 0;
