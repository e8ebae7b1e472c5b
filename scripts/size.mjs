/**
 * Gzipped size of what the package runs, by room and in all, comments left out as any minifier does:
 *
 *     npm run build && node scripts/size.mjs
 *
 * `speed` is what an application carries beside the plain CPU backend in order to be fast: the two WebAssembly modules (the
 * relaxed one is loaded where it is asked for), the memory they work in, threads, and the profile. The check of wider lanes is not in it:
 * `bptt/wide-lanes` alone loads that.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { gzipSync } from 'node:zlib';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..', 'dist', 'esm');
const files = readdirSync(root, { recursive: true })
  .filter((name) => name.endsWith('.js'))
  .map((name) => name.split(sep).join('/'));

const bare = (name) =>
  readFileSync(join(root, name), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
const kilobytes = (chosen) => gzipSync(Buffer.from(chosen.map(bare).join('\n')), { level: 9 }).length / 1000;

const speed = (name) => /^(kernels\/(wasm\/(?!lanes\/)|profile)|labeling\/training\/parallel\/)/.test(name);
const rooms = [...new Set(files.map((name) => name.split('/')[0]))].filter((room) => !room.endsWith('.js')).sort();
const lines = [
  ...rooms.map((room) => [room, files.filter((name) => name.startsWith(`${room}/`))]),
  ['speed', files.filter(speed)],
  ['  relaxed', files.filter((name) => name.includes('binary-relaxed'))],
  ['library', files.filter((name) => !name.startsWith('cli/'))],
  ['all', files],
];
for (const [name, chosen] of lines) {
  console.log(
    `${name.padEnd(12)}${String(chosen.length).padStart(4)} files ${kilobytes(chosen).toFixed(1).padStart(7)} kB`,
  );
}
