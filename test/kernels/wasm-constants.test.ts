/** Vector constants leave the loops of the module, and what the functions compute stays. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(__dirname, '../..');

/** Two functions with a constant of each kind; `loop` has a loop around them. */
const SOURCE = `(module
  (import "env" "memory" (memory 1))
  (func $all (param i32 v128) (result v128)
    (v128.store (local.get 0) (f32x4.mul (local.get 1) (v128.const f32x4 0.1 0.1 0.1 0.1)))
    (v128.store offset=16 (local.get 0) (f64x2.add (local.get 1) (v128.const f64x2 1e-9 1e-9)))
    (v128.store offset=32 (local.get 0) (i32x4.add (local.get 1) (v128.const i32x4 1 2 3 4)))
    (v128.store offset=48 (local.get 0) (v128.const i32x4 0 0 0 0))
    (f32x4.add (local.get 1) (v128.const f32x4 0.1 0.1 0.1 0.1)))
  (func (export "straight") (param i32)
    (v128.store offset=64 (local.get 0) (call $all (local.get 0) (v128.const f32x4 7 7 7 7))))
  (func (export "loop") (param i32) (local i32)
    (loop
      (v128.store offset=64 (local.get 0) (f32x4.sub (v128.const f64x2 1e-9 1e-9) (v128.const f32x4 0.1 0.1 0.1 0.1)))
      (v128.store offset=80 (local.get 0) (v128.const i32x4 1 2 3 4))
      (v128.store offset=96 (local.get 0) (f32x4.add (v128.const i32x4 0 0 0 0) (v128.const f32x4 0.1 0.1 0.1 0.1)))
      (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 3))))))`;

const SCRIPT = `
import { readFileSync } from 'node:fs';
import binaryen from 'assemblyscript/binaryen';
import { hoistConstants } from './scripts/hoist-constants.js';

const parsed = binaryen.parseText(readFileSync(0, 'utf8'));
parsed.setFeatures(binaryen.Features.All);
const before = parsed.emitBinary();
const after = hoistConstants(before);
const left = (bytes) => binaryen.readBinary(bytes).emitText().match(/v128.const/g).length;
const bytes = (module, name) => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory } }).exports[name](256);
  return Buffer.from(memory.buffer, 0, 512).toString('hex');
};
const same = ['straight', 'loop'].map((name) => bytes(before, name) === bytes(after, name));
const written = bytes(after, 'loop') !== bytes(after, 'straight');
console.log(JSON.stringify({ same, written, left: [left(before), left(after)], smaller: after.length < before.length }));
`;

it('a function with a loop makes the splats among its constants once, and computes what it did', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    cwd: root,
    input: SOURCE,
  });
  expect(String(stderr)).toBe('');
  // of the loop stay: lanes that differ, and zeros; of the functions without a loop, all six
  expect(JSON.parse(String(stdout))).toEqual({ same: [true, true], written: true, left: [11, 8], smaller: true });
});
