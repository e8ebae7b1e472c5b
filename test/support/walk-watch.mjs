/**
 * Loaded before a command: writes what V8 counts of the functions entered to the file that BPTT_WALK names, as three lists: until
 * the first epoch begins, from there until the norm of the first gradient is taken, and after. Both moments are seen by a
 * function of the engine that is called then, and by who calls it.
 */
import { Session } from 'node:inspector';
import { writeFileSync } from 'node:fs';

const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
const parts = [];
/** What was entered since the last time. */
const take = () => session.post('Profiler.takePreciseCoverage', (_, { result }) => parts.push(result));

const calledIn = (name) => new RegExp(`at (async )?${name} `).test(new Error().stack);
const { now } = performance;
performance.now = () => {
  if (parts.length === 0 && calledIn('trainEpoch')) take();
  return now.call(performance);
};
const { sqrt } = Math;
Math.sqrt = (x) => {
  if (parts.length === 1 && calledIn('normOf')) take();
  return sqrt(x);
};
process.on('exit', () => {
  take();
  writeFileSync(process.env.BPTT_WALK, JSON.stringify(parts));
});
