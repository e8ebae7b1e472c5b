/** The calibration of this machine, in the user's cache folder. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Calibration } from './calibrate.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Path of the file: in `XDG_CACHE_HOME`, else in `~/.cache`. */
export function calibrationPath(env: Environment = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'bptt', 'gpu.json');
}

/** The key under which a calibration is valid: another display may be another device, and another Node version other code. */
const machine = (env: Environment): string =>
  [process.version, process.arch, cpus().at(0)?.model ?? 'unknown', env.DISPLAY ?? ''].join(' | ');

/** Incremented when a calibration contains more than before: an older one is measured again. */
const FORM = 2;

/** The cached calibration of this machine, or undefined. */
export function readCalibration(env: Environment = process.env): Calibration | undefined {
  try {
    const kept = JSON.parse(readFileSync(calibrationPath(env), 'utf8')) as {
      form?: number;
      machine?: string;
      calibration?: Calibration;
    };
    return kept.form === FORM && kept.machine === machine(env) ? kept.calibration : undefined;
  } catch {
    return undefined; // none yet, or not readable: it is measured again
  }
}

/** Caches a calibration. If the cache folder is not writable, the only cost is another measurement next time. */
export function keepCalibration(calibration: Calibration, env: Environment = process.env): void {
  const path = calibrationPath(env);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${JSON.stringify({ form: FORM, machine: machine(env), calibration }, null, 2)}\n`);
  } catch {
    // see above
  }
}
