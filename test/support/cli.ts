/**
 * Runs the command line as people do: a process of its own, over files as they are published. The sources are transpiled
 * (not type-checked; `npm run typecheck` does that) into a folder named by a hash of their contents, so that one build
 * serves every test file of a run and a changed source is never missed.
 */
import { createHash } from 'node:crypto';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { transformSync } from '@swc/core';

const ROOT = resolve(__dirname, '../..');
const CACHE = join(ROOT, 'node_modules/.cache/bptt-cli');
const HOUR_MS = 3_600_000;

/** What a finished command left. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Surroundings of a command. */
export interface CliOptions {
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `bptt` with the given arguments to its end. */
export function bptt(args: readonly string[], { cwd, input = '', env }: CliOptions = {}): Outcome {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [mainFile(), ...args], {
    cwd,
    input,
    env: environment(env),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

/** Starts `bptt` and leaves it running, for tests that talk to it. */
export function startBptt(args: readonly string[], { cwd, env }: CliOptions = {}): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [mainFile(), ...args], { cwd, env: environment(env) });
}

/** The environment of a child: that of the tests, without what would change its colors or how Node runs it. */
function environment(extra: CliOptions['env'] = {}): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_OPTIONS']) delete env[name];
  return { ...env, ...extra };
}

/** Path of a built `cli/main.js`. */
export function mainFile(): string {
  const sources = sourceFiles(join(ROOT, 'src')).map((path) => ({ path, text: readFileSync(path, 'utf8') }));
  const hash = createHash('sha256');
  for (const { path, text } of sources) hash.update(path).update('\0').update(text).update('\0');
  const folder = join(CACHE, hash.digest('hex').slice(0, 16));
  if (!existsSync(folder)) build(sources, folder);
  return join(folder, 'cli/main.js');
}

function build(sources: readonly { path: string; text: string }[], folder: string): void {
  mkdirSync(CACHE, { recursive: true });
  removeOld();
  const draft = mkdtempSync(join(CACHE, 'draft-'));
  writeFileSync(join(draft, 'package.json'), '{"type":"module"}');
  for (const { path, text } of sources) {
    const { code } = transformSync(text, {
      filename: path,
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
      sourceMaps: 'inline',
    });
    const target = join(draft, path.slice(join(ROOT, 'src').length).replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  }
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(folder)) throw error; // otherwise another worker was first, with the same sources
  }
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sourceFiles(path);
      return path.endsWith('.ts') ? [path] : [];
    })
    .sort();
}

/** Removes builds that no running test can still use. */
function removeOld(): void {
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    if (Date.now() - statSync(path).mtimeMs > HOUR_MS) rmSync(path, { recursive: true, force: true });
  }
}
