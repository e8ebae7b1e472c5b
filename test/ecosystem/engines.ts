/** The engines of this machine, as the tests here call them. */
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';

export const ROOT = resolve(__dirname, '../..');

/** The Python with PyTorch, ONNX, h5py and NumPy, as `npm run test:ecosystem` found it. */
export const PYTHON = process.env.BPTT_PYTHON ?? '/usr/bin/python3';

/** Runs `code` in Python and returns what it prints. @throws Error with what it wrote to stderr, where it fails */
export function python(code: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(PYTHON, ['-c', code, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`python: ${error?.message ?? stderr}`);
  return stdout;
}

/** Runs the built command line; its status and what it printed. */
export function bptt(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${ROOT}/dist/esm/cli/main.js`, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

/** A port of the loopback that nothing listens at. */
export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}
