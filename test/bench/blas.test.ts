/** Which BLAS a Python peer names, by the files that a process has mapped. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const FOLDER = resolve(__dirname, '../../bench/peers');
const python = spawnSync('python3', ['--version']).status === 0;
const skipped = python ? test.each : test.skip.each;

const line = (path: string) => `7f00-7f01 r-xp 00000000 fe:00 1234 ${path}`;
const TORCH = '/usr/lib/x86_64-linux-gnu/libtorch_cpu.so.1.13';

skipped([
  ['OpenBLAS', ['/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so', TORCH]],
  ['OpenBLAS', ['/x/numpy.libs/libscipy_openblas64_-32a4b2a6.so']],
  ['OpenBLAS', ['/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3']],
  ['MKL', ['/opt/intel/libmkl_rt.so.2']],
  ['BLIS', ['/usr/lib/x86_64-linux-gnu/blis-openmp/libblas.so.3']],
  ['ATLAS', ['/usr/lib/x86_64-linux-gnu/atlas/libblas.so.3.10.3']],
  ['reference BLAS', ['/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0', TORCH]],
  ['reference BLAS', ['/usr/lib64/libblas.so.3']],
  ['unknown BLAS', [TORCH, '[heap]', '/usr/lib/libc.so.6']],
])('%s (%#; without python3: skipped)', (kind, paths) => {
  const maps = ['7f00-7f01 rw-p 00000000 00:00 0', ...paths.map(line)].join('\n');
  const code = 'import sys, blas; print(blas.blas_of(sys.stdin.read())[0])';
  const { stdout, stderr } = spawnSync('python3', ['-B', '-c', code], { cwd: FOLDER, input: maps, encoding: 'utf8' });
  expect([stdout, stderr]).toEqual([`${kind}\n`, '']);
});

(python ? test : test.skip)('the threads at work are counted where the system tells (without python3: skipped)', () => {
  const code = 'import blas; print(blas.threads_in(lambda: sum(range(10000))))';
  const { stdout } = spawnSync('python3', ['-B', '-c', code], { cwd: FOLDER, encoding: 'utf8' });
  expect(['1\n', 'None\n']).toContain(stdout);
});
