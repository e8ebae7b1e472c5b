/** The published package as somebody else meets it: packed, and installed without install scripts into an empty folder. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');

/** The part of package.json that tests ask for. */
export interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
}

/** Of this package. */
export const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;

/** Import paths that a program imports. The module of worker threads is run by them alone, and documents are read. */
export const entryPoints = Object.keys(manifest.exports)
  .filter((each) => !each.endsWith('.json') && each !== './threads/worker')
  .map((each) => each.replace(/^\./, 'bptt'));

/** Names of the error classes, which a minified build keeps. */
export const ERRORS = [
  'ArgumentError',
  'BpttError',
  'DataError',
  'DeviceError',
  'MemoryError',
  'NonFiniteError',
  'ShapeError',
  'UnsupportedError',
  'WorkerError',
];

/** An installation. */
export interface Installation {
  readonly folder: string;
  /** Files of the package. */
  readonly packed: readonly string[];
  /** Bytes of the tarball. */
  readonly size: number;
  /** Runs a program in the folder and returns what it prints. @throws where it fails */
  run(command: string, args: readonly string[]): string;
  /** Writes a script into the folder and runs it with Node; the last line it prints is JSON. */
  script(name: string, text: string, flags?: readonly string[]): unknown;
  remove(): void;
}

/** Packs what is in dist/ and installs it. @throws Error where nothing is built */
export function installPacked(): Installation {
  if (!existsSync(join(ROOT, 'dist/cjs/index.js'))) throw new Error('dist/ is missing: npm run build');
  const folder = mkdtempSync(join(tmpdir(), 'bptt-pack-'));
  const run = (command: string, args: readonly string[], cwd = folder): string =>
    execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const report = run('npm', ['pack', '--json', '--pack-destination', folder], ROOT);
  const [{ filename, files, size }] = JSON.parse(report) as [
    { filename: string; files: { path: string }[]; size: number },
  ];
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', join(folder, filename)]);
  return {
    folder,
    packed: files.map((each) => each.path),
    size,
    run: (command, args) => run(command, args),
    script(name, text, flags = []) {
      writeFileSync(join(folder, name), text);
      const lines = run(process.execPath, [...flags, name])
        .trim()
        .split('\n');
      return JSON.parse(lines[lines.length - 1]);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
