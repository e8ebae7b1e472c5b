/**
 * Runs the examples as their readers do: a copy of `examples/`, in a folder that has the package in `node_modules`. What is there
 * is the transpiled sources of `cli.ts`, behind the `exports` of package.json.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Outcome } from './cli';
import { bptt, mainFile } from './cli';

const ROOT = resolve(__dirname, '../..');

/** The folder of all examples, in the repository. */
export const EXAMPLES = join(ROOT, 'examples');

/** A copy of the examples. */
export interface Copy {
  /** Holds `examples` and `node_modules`. */
  readonly folder: string;
  /** Runs `node examples/PATH`. */
  node(path: string, args?: readonly string[]): Outcome;
  /** Runs `bptt` in the folder. */
  bptt(...args: string[]): Outcome;
  remove(): void;
}

/** Copies the examples. */
export function copyExamples(): Copy {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-examples-'));
  cpSync(EXAMPLES, join(folder, 'examples'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const installed = join(folder, 'node_modules/bptt');
  mkdirSync(join(installed, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
  symlinkSync(dirname(dirname(mainFile())), join(installed, 'dist/esm'), 'junction');
  return {
    folder,
    node(path, args = []) {
      const command = [join('examples', path), ...args];
      const { status, stdout, stderr, error } = spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8' });
      if (error) throw error;
      return { status, stdout, stderr };
    },
    bptt: (...args) => bptt(args, { cwd: folder }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
