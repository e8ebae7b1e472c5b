/** Where `bptt tag` writes: standard output, or a file that appears when it is whole; beside a piece, its manifest. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { openDraft } from '../serialize/save.node.js';
import { counted } from '../tensor/print.js';
import { visible } from '../tensor/visible.js';
import { watchInterrupt } from './interrupt.js';
import type { Piece } from './shard/cut.js';
import type { Manifest, PieceOrigin } from './shard/manifest.js';
import { isFinished, manifestOf, saveManifest } from './shard/manifest.js';
import type { Terminal } from './terminal.js';
import { print, write } from './terminal.js';

/** Where answers go. */
export interface TagTarget {
  write(text: string | Uint8Array): Promise<void>;
  /** All is written. */
  commit(counts: Manifest['counts'], piece?: Piece): Promise<void>;
  /** Removes what is written, where that is not all. */
  discard(): Promise<void>;
}

/**
 * Opens the output.
 *
 * @param out a file; standard output without one
 * @param origin what the piece is made from, where it is one
 * @returns undefined if the file is there already, made from the same, which is said
 */
export async function openTarget(
  out: string | undefined,
  terminal: Terminal,
  origin: PieceOrigin | undefined,
): Promise<TagTarget | undefined> {
  if (out === undefined) {
    const nothing = async (): Promise<void> => undefined;
    return { write: (text) => write(terminal.stdout, text), commit: nothing, discard: nothing };
  }
  const what = origin && `piece ${origin.shard.i} of ${origin.shard.n}`;
  if (origin !== undefined && (await isFinished(out, origin))) {
    await print(terminal, `${visible(out)}: ${what} is finished already`);
    return undefined;
  }
  return fileTarget(out, terminal, origin, what);
}

async function fileTarget(
  out: string,
  terminal: Terminal,
  origin: PieceOrigin | undefined,
  what: string | undefined,
): Promise<TagTarget> {
  const interrupt = watchInterrupt();
  interrupt.signal.addEventListener('abort', () => process.exit(interrupt.exitCode())); // which removes the draft
  const draft = await openDraft(out);
  const hash = createHash('sha256');
  let length = 0;
  return {
    async write(text) {
      const bytes = typeof text === 'string' ? Buffer.from(text) : text;
      hash.update(bytes);
      length += bytes.length;
      await draft.write(bytes);
    },
    async commit(counts, piece) {
      // A manifest of an earlier output goes first: at no moment does one tell of another file.
      if (origin !== undefined) await rm(manifestOf(out), { force: true });
      await draft.commit();
      if (origin !== undefined) {
        const range = { begin: piece!.begin, end: piece!.end };
        await saveManifest(out, { ...origin, range, counts, output: { bytes: length, sha256: hash.digest('hex') } });
      }
      const many = `${counted(counts.sentences, 'sentence')}, ${counted(counts.tokens, 'token')}`;
      await print(terminal, `${visible(out)}: ${what === undefined ? '' : `${what}, `}${many}`);
    },
    async discard() {
      interrupt.release();
      await draft.discard();
    },
  };
}
