/** Relaxed SIMD for tests: Node 20 has it behind a flag of V8, which is for the whole process. */
import { setFlagsFromString } from 'node:v8';

/** A module with one function, whose body is `i8x16.relaxed_swizzle` of two zeros: valid where relaxed SIMD is there. */
// prettier-ignore
const PROBE = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0,
  1, 5, 1, 96, 0, 1, 123,
  3, 2, 1, 0,
  10, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 128, 2, 11,
);

/** Turns relaxed SIMD on; the reason why it is not there all the same, or undefined. */
export function relaxedMissing(): string | undefined {
  const { WebAssembly: engine } = globalThis as unknown as { WebAssembly: { validate(bytes: Uint8Array): boolean } };
  if (!engine.validate(PROBE)) setFlagsFromString('--experimental-wasm-relaxed-simd');
  return engine.validate(PROBE) ? undefined : 'this engine has no WebAssembly relaxed SIMD, nor a flag for it';
}
