/** AssemblyScript rungs: compiled on the machine where they run, by the compiler of the clone, each with its own memory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BpttError, UnsupportedError } from '../../tensor/index.js';
import { folderOfPackage } from '../package-info.js';

const PAGE = 65_536;
/** Offset of the operands; the compiler places its constants below. */
const FIRST = PAGE;

/** The required part of the `WebAssembly` global, which the type library of this project does not include. */
interface WebAssemblyGlobal {
  compile(bytes: Uint8Array): Promise<object>;
  Memory: new (limits: { initial: number }) => { readonly buffer: ArrayBuffer };
  Instance: new (compiled: object, imports: object) => { readonly exports: Exports };
  Module: { exports(compiled: object): { readonly name: string }[] };
}

/** Functions that a rung exports, over numbers and addresses in bytes. */
export type Exports = Readonly<Record<string, ((...values: number[]) => number) | undefined>>;

function webAssembly(): WebAssemblyGlobal {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly?: WebAssemblyGlobal };
  if (WebAssembly === undefined) throw new UnsupportedError('this engine has no WebAssembly');
  return WebAssembly;
}

/**
 * Compiles a rung.
 *
 * @param shared whether it needs shared memory
 * @throws UnsupportedError outside of a clone; BpttError with the compiler's messages if the file does not compile
 */
export async function compileRung(path: string, { shared = false } = {}): Promise<object> {
  const script = join(folderOfPackage(), 'scripts/compile-wasm.js');
  if (!existsSync(script)) {
    throw new UnsupportedError('AssemblyScript is compiled in a clone only; run npm ci and npm run build in one');
  }
  const { compileFile } = (await import(pathToFileURL(script).href)) as {
    compileFile(path: string, options: { shared: boolean }): Promise<Uint8Array>;
  };
  const bytes = await compileFile(path, { shared }).catch((error: unknown) => {
    throw new BpttError((error as Error).message.replace(/\s+/g, ' '), { cause: error });
  });
  return webAssembly().compile(bytes);
}

/** The functions of a compiled rung over a memory. */
export function instantiate(compiled: object, memory: object): Exports {
  return new (webAssembly().Instance)(compiled, { env: { memory } }).exports;
}

/** Names of what a compiled rung exports. */
export function exportsOf(compiled: object): string[] {
  return webAssembly()
    .Module.exports(compiled)
    .map(({ name }) => name);
}

/** Space for consecutive arrays, aligned to 64 bytes, followed by `scratch` bytes. */
export interface Room {
  readonly memory: object;
  readonly places: readonly { readonly at: number; readonly data: Float32Array }[];
  readonly scratch: number;
}

/** Allocates arrays of the given numbers of float32. */
export function allocateRoom(lengths: readonly number[], scratchBytes: number): Room {
  const starts: number[] = [];
  let end = FIRST;
  for (const length of lengths) {
    starts.push(end);
    end = (end + 4 * length + 63) & ~63;
  }
  // Whole vectors may be read at the end of the scratch memory.
  const memory = new (webAssembly().Memory)({ initial: Math.ceil((end + scratchBytes) / PAGE) + 1 });
  const places = starts.map((at, i) => ({ at, data: new Float32Array(memory.buffer, at, lengths[i]) }));
  return { memory, places, scratch: end };
}
