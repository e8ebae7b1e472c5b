/** The output of `bptt tag`: standard output, or a file that appears only when complete; for a piece, also its manifest. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { openDraft } from '../../serialize/save.node.js';
import { counted } from '../../tensor/print.js';
import { visible } from '../../tensor/visible.js';
import { watchInterrupt } from '../interrupt.js';
import type { Piece } from '../shard/cut.js';
import type { Manifest, PieceOrigin } from '../shard/manifest.js';
import { isFinished, manifestOf, saveManifest } from '../shard/manifest.js';
import type { Terminal } from '../terminal.js';
import { print, write } from '../terminal.js';

/** Destination of the answers. */
export interface TagTarget {
  write(text: string | Uint8Array): Promise<void>;
  /** Finishes the output. */
  commit(counts: Manifest['counts'], piece?: Piece): Promise<void>;
  /** Removes an incomplete output. */
  discard(): Promise<void>;
}

/**
 * Opens the output.
 *
 * @param out a file; default: standard output
 * @param origin the inputs of the piece, if it is one
 * @returns undefined, with a message, if the file already exists and was made from the same inputs
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
    await print(terminal, `${visible(out)}: ${what} is already finished`);
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
      // The manifest of an earlier output is removed first, so that a manifest never describes a different file.
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
