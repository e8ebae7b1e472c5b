/**
 * What a test file of jest finds around it, for running single tests of it again and again in one process: `describe`, `it`, `test`
 * with `each`, `skip` and the hooks collect a list of tests; `expect` and the mocks are jest's own.
 */
import { expect } from 'expect';
import { bind } from 'jest-each';
import { fn, spyOn } from 'jest-mock';

/** A test that waits for longer than this many milliseconds has failed. */
const PATIENCE = 20_000;

/** Collects what `load` declares. @returns the tests in their order, each with its full `name` and a way to `run` it */
export function collect(load) {
  const tests = [];
  const group = (name, parent) => ({ name, parent, beforeAll: [], beforeEach: [], afterEach: [], ready: false });
  let at = group('', undefined);

  const describe = (name, body) => {
    at = group(`${at.name}${title(name)} `, at);
    body();
    at = at.parent;
  };
  const it = (name, body) => {
    const around = at;
    tests.push({ name: around.name + title(name), run: () => runTest(body, around) });
  };
  const skip = () => undefined;
  skip.each = () => skip;
  for (const declare of [describe, it]) {
    declare.each = bind(declare, false);
    declare.skip = skip;
  }
  const hooks = ['beforeAll', 'beforeEach', 'afterEach'].map((kind) => [kind, (body) => at[kind].push(body)]);
  Object.assign(globalThis, Object.fromEntries(hooks), { describe, it, test: it, expect, jest: { fn, spyOn } });
  globalThis.afterAll = skip; // what is loaded once for each mutant is dropped as a whole
  load();
  return tests;
}

const title = (name) => (typeof name === 'function' ? name.name : String(name));

async function runTest(body, around) {
  const groups = [];
  for (let each = around; each; each = each.parent) groups.unshift(each);
  for (const each of groups) {
    if (!each.ready) for (const hook of each.beforeAll) await within(hook);
    each.ready = true;
  }
  for (const each of groups) for (const hook of each.beforeEach) await within(hook);
  try {
    await within(body);
  } finally {
    for (const each of groups.reverse()) for (const hook of each.afterEach) await within(hook);
  }
}

/** Runs a function, and waits for its promise. */
async function within(body) {
  const result = body();
  if (typeof result?.then !== 'function') return;
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('the test does not end')), PATIENCE);
  });
  try {
    await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}
