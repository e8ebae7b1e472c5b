/** The embedded modules are what the sources compile to. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

it('src/kernels/wasm/binary.ts and binary-relaxed.ts are what assembly/ compiles to', () => {
  const root = resolve(__dirname, '../..');
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build-wasm.js', '--check'], { cwd: root });
  expect(String(stderr)).toBe('');
  expect(status).toBe(0);
});
