/**
 * The manifest of a piece: its inputs and its output. It is written after the output, and also atomically by renaming: if it
 * exists and matches, the piece is finished.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { saveFile } from '../../serialize/save.node.js';
import { DataError } from '../../tensor/index.js';
import type { Shard } from './which.js';

/** Everything that determines the bytes of a piece. */
export interface PieceOrigin {
  readonly format: 'bptt-piece';
  readonly version: 1;
  /** The version of the package. */
  readonly bptt: string;
  readonly shard: Shard;
  readonly input: { readonly bytes: number; readonly sha256: string };
  readonly model: { readonly sha256: string };
  /** Options of the command that change the output. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A manifest. */
export interface Manifest extends PieceOrigin {
  /** Start and end of the piece in the input: bytes, or brat documents. */
  readonly range: { readonly begin: number; readonly end: number };
  readonly counts: { readonly sentences: number; readonly tokens: number };
  readonly output: { readonly bytes: number; readonly sha256: string };
}

/** The path of the manifest of an output. */
export const manifestOf = (output: string): string => `${output}.manifest.json`;

/** The SHA-256 of bytes, in hexadecimal. */
export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Size and digest of a file. */
export async function digestOf(path: string): Promise<Manifest['output']> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Writes a manifest next to its output. */
export async function saveManifest(output: string, manifest: Manifest): Promise<void> {
  await saveFile(manifestOf(output), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
}

/**
 * Reads the manifest of an output.
 *
 * @throws DataError if there is none, it is not a manifest, or it describes a different output
 */
export async function readManifest(output: string): Promise<Manifest> {
  const path = manifestOf(output);
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new DataError(`${path}: no manifest of ${output} (${cause.message}): expected what bptt tag --shard i/n --out ${output} writes`, { cause }); // prettier-ignore
  });
  const manifest = parse(text);
  if (manifest === undefined) throw new DataError(`${path}: not a manifest of a piece: run the piece again`);
  const size = (await stat(output).catch(() => undefined))?.size;
  if (size === undefined)
    throw new DataError(`${output}: no such file, though there is a manifest: run the piece again`);
  const same = size === manifest.output.bytes && (await digestOf(output)).sha256 === manifest.output.sha256;
  if (same) return manifest;
  throw new DataError(`${output}: not the output that its manifest describes: it was changed. Run the piece again`);
}

function parse(text: string): Manifest | undefined {
  try {
    const found = JSON.parse(text) as Partial<Manifest> | null;
    const whole = found?.format === 'bptt-piece' && found.version === 1 && isShard(found.shard);
    return whole && [found.input, found.model, found.options, found.counts, found.output].every((each) => typeof each === 'object') ? (found as Manifest) : undefined; // prettier-ignore
  } catch {
    return undefined;
  }
}

function isShard(shard: Partial<Shard> | undefined): boolean {
  return Number.isInteger(shard?.i) && Number.isInteger(shard?.n) && shard!.i! >= 1 && shard!.i! <= shard!.n!;
}

/** Whether the output of a piece already exists and was made from the same inputs. */
export async function isFinished(output: string, origin: PieceOrigin): Promise<boolean> {
  const found = await readManifest(output).catch(() => undefined);
  return found !== undefined && differenceOf(found, origin) === undefined;
}

const PARTS = ['input', 'model', 'options', 'bptt'] as const;

/** The first input in which two pieces differ; undefined if there is none. */
export function differenceOf(a: PieceOrigin, b: PieceOrigin): 'shard' | (typeof PARTS)[number] | undefined {
  if (a.shard.i !== b.shard.i || a.shard.n !== b.shard.n) return 'shard';
  return otherOrigin(a, b);
}

/** Like `differenceOf`, ignoring the number of the piece. */
export function otherOrigin(a: PieceOrigin, b: PieceOrigin): (typeof PARTS)[number] | undefined {
  return PARTS.find((part) => stable(a[part]) !== stable(b[part]));
}

/** JSON with sorted keys; undefined fields are left out. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
