/**
 * A process that runs tests against mutants, as scripts/test-mutation.js asks it to. It is given, in messages,
 *
 *   { sources }                              → { mutants }           mutates the sources (texts by path)
 *   { cover: test file }                     → { tests }             runs a file without a mutant: names, times, mutants reached
 *   { mutant, limit, plan: [{ file, tests }] } → { killedBy, reason }  runs these tests until one fails; { at } now and then
 *
 * For every mutant all modules are loaded anew. A failing test is enough: properties are not shrunk.
 */
import { createRequire } from 'node:module';
import { instrument, only } from './instrument.js';
import { createLoaders, transform } from './load.js';
import { CHECKS_OF_CHECKERS } from './rooms.js';
import { collect } from './suite.js';

/** The fast-check that the tests load. */
const fc = createRequire(import.meta.url)('fast-check');

const loaders = createLoaders();
let mutants;
let switched; // JavaScript of the sources, all mutants in it, by path
let stray; // an error that no test was waiting for
for (const event of ['unhandledRejection', 'uncaughtException']) process.on(event, (error) => (stray ??= error));

async function start({ sources }) {
  const result = await instrument(sources);
  mutants = result.mutants;
  switched = Object.fromEntries(Object.entries(result.texts).map(([path, text]) => [path, transform(text, path)]));
  return { mutants };
}

/** Runs every test of a file; which mutants each reaches, and how often. What is reached while the file is loaded, each test reaches. */
async function cover(file) {
  const hits = new Uint32Array(1 + Math.max(...mutants.map(({ id }) => id)));
  const taken = () => {
    const reached = [];
    hits.forEach((count, id) => count > 0 && reached.push([id, count]));
    hits.fill(0);
    return reached;
  };
  const seen = (...ids) => {
    for (const id of ids) hits[id]++;
  };
  let since = process.cpuUsage();
  // The time of the processor, not of the clock: a loaded machine must not change which tests are quick.
  const spent = () => {
    const { user, system } = process.cpuUsage(since);
    since = process.cpuUsage();
    return (user + system) / 1000;
  };
  const { tests } = open(file, switched, () => false, seen);
  const loaded = { ms: spent(), hits: taken() };
  const found = [];
  const failures = [];
  for (const { name, run } of tests) {
    if (CHECKS_OF_CHECKERS.test(name)) {
      found.push({ name, ms: 0, hits: [], skipped: true });
      continue;
    }
    spent();
    try {
      await run();
    } catch (error) {
      // A test that is red anyway cannot judge.
      failures.push(`${file}: ${name} fails without a mutant: ${error.message}`);
      found.push({ name, ms: 0, hits: [], skipped: true });
      taken();
      continue;
    }
    found.push({ name, ms: spent(), hits: taken() });
  }
  if (stray) failures.push(`${file}: ${stray.message}`);
  stray = undefined;
  return { loaded, tests: found, failures };
}

const unseen = () => undefined;

/** Runs the parts of a plan until a test fails. A file is loaded once, though several parts may be of it. */
async function attempt({ mutant, limit, plan }) {
  const files = new Map();
  let hits = 0;
  const over = () => {
    throw new Error('the mutant does not end');
  };
  const on = () => ++hits <= limit || over();
  const source = mutants.find(({ id }) => id === mutant)?.file;
  const replaced = source === undefined ? {} : { [source]: only(mutant, switched[source]) };
  for (const { file, count, tests: chosen } of plan) {
    process.send({ at: file });
    const killed = (killedBy, error) => ({ killedBy, file, reason: brief(error), ended: hits <= limit });
    if (!files.has(file)) {
      try {
        files.set(file, open(file, replaced, on, unseen));
      } catch (error) {
        return killed('loading', error);
      }
    }
    const { tests, configuration, isWhole } = files.get(file);
    if (isWhole) continue;
    fc.configureGlobal(configuration);
    // A mutant may change which tests there are. That is not yet a failure: the chosen numbers mean nothing, and all run.
    files.get(file).isWhole = tests.length !== count;
    for (const { name, run } of tests.length === count ? chosen.map((index) => tests[index]) : tests) {
      stray = undefined;
      let failure;
      try {
        await run();
      } catch (error) {
        failure = error ?? new Error('nothing was thrown');
      }
      failure ??= stray ?? (hits > limit ? new Error('the mutant does not end') : undefined);
      if (failure) return killed(name, failure);
    }
  }
  return {};
}

/** The tests of a file, loaded anew. What the file says of all its properties holds for it alone. */
function open(file, replaced, on, seen) {
  fc.resetConfigureGlobal();
  const load = loaders(replaced, on, seen);
  const tests = collect(() => load(file));
  const configuration = { seed: 1, ...fc.readConfigureGlobal(), endOnFailure: true };
  fc.configureGlobal(configuration);
  return { tests, configuration };
}

const brief = (error) => String(error?.message ?? error).slice(0, 300);

process.on('message', async (message) => {
  const answer = message.sources
    ? await start(message)
    : message.cover
      ? await cover(message.cover)
      : await attempt(message);
  process.send(answer);
});
process.on('disconnect', () => process.exit());
