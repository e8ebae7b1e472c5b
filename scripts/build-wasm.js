/**
 * Compiles assembly/ and embeds the modules in src/kernels/wasm, committed: neither the tests nor the users need the
 * compiler. The same sources and compiler give the same bytes; test/kernels/wasm-build.test.ts holds them against the
 * committed files. `binary.ts` needs 128-bit SIMD; `binary-relaxed.ts` is the same sources with relaxed SIMD, where the
 * tiles fuse a multiplication and an addition into one instruction. It is told in pieces of the first, which is nearly the same.
 *
 *     node scripts/build-wasm.js            writes the files
 *     node scripts/build-wasm.js --check    exits with 1 where a file is not what the sources give
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { compile, embed, embedPieces, piecesOf } from './compile-wasm.js';

const plain = await compile(['simd']);
const pieces = piecesOf(await compile(['simd', 'relaxed-simd']), plain);
const files = {
  'binary.ts': embed(plain, 'the WebAssembly module'),
  'binary-relaxed.ts': embedPieces(pieces, 'the module with relaxed SIMD, in pieces of binary.ts'),
};

for (const [file, text] of Object.entries(files)) {
  const target = new URL(`../src/kernels/wasm/${file}`, import.meta.url);
  if (!process.argv.includes('--check')) {
    writeFileSync(target, text);
  } else if (readFileSync(target, 'utf8') !== text) {
    console.error(`src/kernels/wasm/${file} is not what assembly/ compiles to: run npm run build:wasm`);
    process.exitCode = 1;
  }
}
