/**
 * fast-check as the tests load it (jest.config.js): a law without a seed is refused, so that no run of the tests fails by chance.
 * BPTT_LAWS=30 runs every law 30 times as often, with other seeds, to look for counterexamples that the fixed ones miss.
 */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- jest loads this file as CommonJS
const fc = require('fast-check-itself');

/** What a law is run with. @throws Error where neither it nor its file has a seed */
function settingsOf(parameters = {}) {
  const { seed, path, numRuns = 100 } = { ...fc.readConfigureGlobal(), ...parameters };
  if (seed === undefined)
    throw new Error('a law needs a seed: pass { seed: 1 }, or call fc.configureGlobal({ seed: 1 })');
  const times = Number(process.env.BPTT_LAWS ?? 1);
  if (times === 1 || path !== undefined) return parameters;
  return { ...parameters, seed: Math.floor(Math.random() * 2 ** 31), numRuns: Math.ceil(times * numRuns) };
}

const assert = (property, parameters) => fc.assert(property, settingsOf(parameters));
const check = (property, parameters) => fc.check(property, settingsOf(parameters));

module.exports = { ...fc, assert, check, default: { ...fc.default, assert, check }, __esModule: true };
