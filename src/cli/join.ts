/** `bptt join`: joins the pieces of `bptt tag --shard` to one output, after checking that each piece is present exactly once. */
import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { ArgumentError, DataError } from '../tensor/index.js';
import { counted } from '../tensor/print.js';
import { visible } from '../tensor/visible.js';
import { checkOutputs } from './outputs.js';
import type { Manifest } from './shard/manifest.js';
import { manifestOf, otherOrigin, readManifest } from './shard/manifest.js';
import { openTarget } from './tag/target.js';
import type { Terminal } from './terminal.js';
import { print } from './terminal.js';

interface Options {
  readonly out?: string;
  readonly check?: boolean;
}

const HELP = `
The pieces may be named in any order; their manifests identify them. All must come from the same input, model, options and
version, and match their manifests. A missing or duplicate piece is named.

Example:
  bptt join pieces/*.conllu --out all.conllu
  bptt join pieces/*.conllu --check`;

/** Adds the command. */
export function addJoin(program: Command, terminal: Terminal): void {
  program
    .command('join')
    .description('check and join the pieces of bptt tag --shard')
    .argument('<piece...>', 'outputs of bptt tag --shard i/n --out, each with its manifest')
    .option('--out <file>', 'write to a file, which appears when it is complete (default: standard output)')
    .option('--check', 'only check the pieces')
    .addHelpText('after', HELP)
    .action((pieces: string[], options: Options) => runJoin(pieces, options, terminal));
}

async function runJoin(paths: readonly string[], { out, check }: Options, terminal: Terminal): Promise<void> {
  if (check && out !== undefined) throw new ArgumentError('--check writes nothing: leave out --out, or --check');
  if (out !== undefined) await checkOutputs({ '--out': out }, [...paths, ...paths.map(manifestOf)]);
  const pieces: NamedPiece[] = [];
  for (const path of paths) pieces.push({ path, manifest: await readManifest(path) });
  const inOrder = orderOf(pieces);
  const counts = { sentences: 0, tokens: 0 };
  for (const { manifest } of inOrder) {
    counts.sentences += manifest.counts.sentences;
    counts.tokens += manifest.counts.tokens;
  }
  if (check) {
    const many = [counted(inOrder.length, 'piece'), counted(counts.sentences, 'sentence'), counted(counts.tokens, 'token')]; // prettier-ignore
    return print(terminal, `${many.join(', ')}: all there, once each`);
  }
  const target = (await openTarget(out, terminal, undefined))!;
  try {
    for (const { path } of inOrder) for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) await target.write(chunk); // prettier-ignore
    await target.commit(counts);
  } finally {
    await target.discard();
  }
}

interface NamedPiece {
  readonly path: string;
  readonly manifest: Manifest;
}

/** Describes the difference between two pieces. */
const DIFFERENCES = {
  input: 'another input',
  model: 'another model',
  options: 'other options',
  bptt: 'another version of bptt',
} as const;

/** The pieces from 1 to n. @throws DataError naming the first that does not fit, the duplicates, or the missing ones */
function orderOf(pieces: readonly NamedPiece[]): NamedPiece[] {
  const [first] = pieces;
  const { n } = first.manifest.shard;
  const places = new Map<number, NamedPiece>();
  for (const piece of pieces) {
    const { path, manifest } = piece;
    const { shard } = manifest;
    const from = `${visible(path)} and ${visible(first.path)} do not belong together`;
    const other = otherOrigin(first.manifest, manifest);
    if (shard.n !== n) throw new DataError(`${from}: pieces of ${shard.n} and of ${n}: pass the pieces of one job`);
    if (other !== undefined) throw new DataError(`${from}: made from ${DIFFERENCES[other]}: run one of them again`);
    const double = places.get(shard.i);
    if (double !== undefined)
      throw new DataError(`piece ${shard.i} of ${n} is given twice: ${visible(double.path)} and ${visible(path)}: leave one out`); // prettier-ignore
    places.set(shard.i, piece);
  }
  const missing = Array.from({ length: n }, (_, k) => k + 1).filter((i) => !places.has(i));
  if (missing.length === 0) return [...places.entries()].sort(([a], [b]) => a - b).map(([, piece]) => piece);
  const [some, more] = [missing.slice(0, 20), missing.length - 20];
  throw new DataError(
    `${missing.length === 1 ? 'piece' : 'pieces'} ${some.join(', ')}${more > 0 ? ` and ${more} more` : ''} of ${n} missing: run ${missing.length === 1 ? 'it' : 'them'}, or pass the ${missing.length === 1 ? 'file' : 'files'} too`,
  );
}
