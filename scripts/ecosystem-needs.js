#!/usr/bin/env node
/**
 * What the tests beside other engines need of the machine, each thing with the Debian package that has it, and which of them are
 * lacking.
 *
 *     node scripts/ecosystem-needs.js        # names of the packages that are lacking, one a line; nothing where all is there
 *
 * scripts/test-ecosystem.js names them to people, `.ci/run` installs them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { which } from './gpu-needs.js';

/** Modules of Python with their packages; one interpreter must have them all. */
const MODULES = {
  ...{ torch: 'python3-torch', onnx: 'python3-onnx', h5py: 'python3-h5py', numpy: 'python3-numpy' },
  regex: 'python3-regex',
};

/** Commands with their packages. Those of servers lie outside of the PATH of most accounts. */
const COMMANDS = {
  munged: 'munge',
  parallel: 'parallel',
  'redis-server': 'redis-server',
  sbatch: 'slurm-client',
  slurmctld: 'slurmctld',
  slurmd: 'slurmd',
};

/** Interpreters in the order of preference: the one that is named, that of the PATH, that of the system. */
const interpreters = () =>
  [process.env.BPTT_PYTHON, which('python3'), '/usr/bin/python3'].filter((path) => path && existsSync(path));

/** The modules that an interpreter lacks. */
function lackedBy(interpreter) {
  const code = `import importlib.util as u; print(*[m for m in '${Object.keys(MODULES).join(' ')}'.split() if u.find_spec(m) is None])`;
  const { status, stdout } = spawnSync(interpreter, ['-c', code], { encoding: 'utf8' });
  return status === 0 ? stdout.trim().split(/\s+/).filter(Boolean) : Object.keys(MODULES);
}

/** The interpreter that lacks fewest modules, and which it lacks. */
export function python() {
  const found = interpreters().map((path) => ({ path, lacks: lackedBy(path) }));
  return found.sort((a, b) => a.lacks.length - b.lacks.length)[0] ?? { lacks: Object.keys(MODULES) };
}

/** What is lacking here: `{ what, debian }` each. */
export function lacking() {
  const modules = python().lacks.map((name) => ({ what: `the Python module ${name}`, debian: MODULES[name] }));
  const commands = Object.entries(COMMANDS).filter(([name]) => which(name) === undefined);
  return [...modules, ...commands.map(([what, debian]) => ({ what, debian }))];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.platform === 'linux') for (const { debian } of lacking()) console.log(debian);
}
