/**
 * What the adapters in JavaScript share: the protocol of src/bench/peers.ts, numbers in and out of base64, and the
 * parameters of the tagger as plain arrays.
 */
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

/** float32 numbers out of base64. */
export function decode(text) {
  const bytes = Buffer.from(text, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** 32-bit integers out of base64. */
export function decodeIntegers(text) {
  return new Int32Array(decode(text).buffer);
}

/** float32 numbers, or an array of numbers, as base64. */
export function encode(x) {
  const data = x instanceof Float32Array ? x : Float32Array.from(x);
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
}

/** The number after an option of the command line. */
export function option(name) {
  return process.argv[process.argv.indexOf(name) + 1];
}

/** A package by name, or the line that says it is absent; ends the process then. */
export async function load(name) {
  try {
    return await import(name);
  } catch (error) {
    const missing = error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND';
    say({ absent: missing ? `${name} is not installed: npm ci --prefix bench/peers` : `${name}: ${error.message}` });
    process.exit(0);
  }
}

/** The version of an installed package. */
export function versionOf(name) {
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name)) {
    try {
      return require(`${folder}/${name}/package.json`).version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}

/** Sends a line. */
export function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** Says why this peer does not run here, and ends. */
export function absent(reason) {
  say({ absent: reason });
  process.exit(0);
}

/** Transposes a row-major matrix. */
export function transposed(x, rows, columns) {
  const out = new Float32Array(x.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = x[i * columns + j];
  return out;
}

/** Operands of a request of the suite gemm, with their shapes. */
export function operands({ product, size: [M, K, N], a, b }) {
  return {
    transposeA: product === 'addMatmulTA',
    transposeB: product === 'addMatmulTB',
    a: decode(a),
    shapeA: product === 'addMatmulTA' ? [K, M] : [M, K],
    b: decode(b),
    shapeB: product === 'addMatmulTB' ? [N, K] : [K, N],
  };
}

/** Both operands as [M, K] and [K, N], for systems that have no transposed product. */
export function plainOperands(request) {
  const { transposeA, transposeB, a, shapeA, b, shapeB } = operands(request);
  return { a: transposeA ? transposed(a, ...shapeA) : a, b: transposeB ? transposed(b, ...shapeB) : b };
}

/** Weights of the tagger by name, decoded: `{ 'heads.labels.W': { data, shape } }`. */
export function weightsOf({ weights }) {
  return Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [name, { shape, data: decode(data) }]),
  );
}

/** Calls `act` with one batch after the other. */
export function over(batches, act) {
  let next = 0;
  return () => act(batches[next++ % batches.length]);
}

async function sample(act, leastMs) {
  const start = performance.now();
  let calls = 0;
  let cost = 0;
  do {
    const pending = act();
    if (pending instanceof Promise) await pending;
    calls++;
    cost = performance.now() - start;
  } while (cost < leastMs);
  return { ms: cost / calls, cost };
}

/**
 * Answers requests until standard input ends.
 *
 * @param hello system, version, backend, threads
 * @param suites by name, a function from a request to `{ answer, act }`, or to `{ declined }`
 */
export async function serve(hello, suites) {
  say(hello);
  let act;
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    try {
      if (request.op === 'sample') {
        say(await sample(act, request.ms));
        continue;
      }
      const spelled = request.spellings && { declined: 'the tagger of this adapter reads words, not their characters' };
      const prepared = spelled ?? (await suites[request.suite](request));
      act = prepared.act;
      say(prepared.answer ?? { declined: prepared.declined });
    } catch (error) {
      say({ error: String(error?.message ?? error).split('\n')[0] });
    }
  }
  process.exit(0);
}
