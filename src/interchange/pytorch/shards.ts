/** Writes labeled sentences for training in PyTorch: shards of JSON Lines, and the script that trains on them. */
import type { HeadConfig } from '../../labeling/model/heads/head.js';
import { decisionsOf, inColumn } from '../../labeling/model/heads/head.js';
import { decodingOf, learnedBy } from '../../labeling/model/heads/decoding.js';
import type { Model } from '../../labeling/model/model.js';
import { headKindsOf } from '../../labeling/model/network.js';
import { expectModel } from '../../labeling/model/checks.js';
import { expectCorpus } from '../../labeling/checks.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import { UNLABELED } from '../../labeling/data/unlabeled.js';
import { encodeUtf8 } from '../../serialize/utf8.js';
import { expectPositiveInteger } from '../../tensor/checks.js';
import { ArgumentError, DataError } from '../../tensor/errors.js';
import { quoted } from '../../tensor/visible.js';
import { TRAIN_DDP } from './python/train-ddp.js';

/** Files for a training run, and counts of what was left out of them. */
export interface TrainingShards {
  /** Bytes by path in the folder of `exportPyTorch`: `train_ddp.py`, `shards/shards.json` and the shards. */
  readonly files: Record<string, Uint8Array>;
  /** Sentences without a token, left out. */
  readonly empty: number;
  /** Labels, by head, that the model does not have: they do not contribute to the loss. */
  readonly unknown: Readonly<Record<string, number>>;
}

/**
 * Returns the files that training on several machines needs in addition to those of `exportPyTorch`. Sentence i goes to shard i
 * modulo `shards`; a rank reads every WORLD_SIZE-th shard, so there can be at most as many ranks as shards.
 *
 * @param sentences labeled for every head of the model
 * @param shards at least 1, at most the number of sentences
 * @throws DataError if a sentence lacks the labels of a head; ArgumentError on an invalid number of shards
 */
export function trainingShards(model: Model, sentences: readonly Sentence[], shards: number): TrainingShards {
  expectModel('trainingShards', model);
  expectCorpus('trainingShards', 'sentences', sentences);
  expectPositiveInteger('trainingShards', 'shards', shards);
  const kept = sentences.filter(({ tokens }) => tokens.length > 0);
  if (shards > kept.length) {
    throw new ArgumentError(`trainingShards: shards must be at most the number of sentences, ${kept.length}; got ${shards}`); // prettier-ignore
  }
  const unknown: Record<string, number> = {};
  const gold = goldOf(model, kept, unknown);
  const lines = kept.map(({ tokens }, i) => `${JSON.stringify({ tokens, gold: gold[i] })}\n`);
  const width = String(shards).length;
  const names = Array.from(
    { length: shards },
    (_, s) => `train-${String(s + 1).padStart(width, '0')}-of-${shards}.jsonl`,
  );
  const own = names.map((_, s) => lines.filter((__, i) => i % shards === s).join(''));
  const facts = { shards, sentences: kept.length, files: names };
  const files = {
    'train_ddp.py': encodeUtf8(TRAIN_DDP),
    'shards/shards.json': encodeUtf8(`${JSON.stringify(facts, null, 1)}\n`),
    ...Object.fromEntries(names.map((name, s) => [`shards/${name}`, encodeUtf8(own[s])])),
  };
  return { files, empty: sentences.length - kept.length, unknown };
}

/** Per sentence, label ids by head; −1 for labels excluded from the loss. */
function goldOf(
  model: Model,
  sentences: readonly Sentence[],
  unknown: Record<string, number>,
): Record<string, number[]>[] {
  const kinds = headKindsOf(model);
  const heads = model.config.heads.map((config, h) => ({ config, kind: kinds[h], labels: model.heads[h].labels, learned: learnedBy(config) })); // prettier-ignore
  return sentences.map((sentence) =>
    Object.fromEntries(
      heads.map(({ config, kind, labels, learned }) => {
        const decisions = learned(decisionsOf(kind, inColumn(config.column, sentence)));
        const ids = (decisions.labels ?? []).map((label) => {
          if (label === UNLABELED) return -1;
          if (labels.has(label)) return labels.lookup(label);
          unknown[config.name] = (unknown[config.name] ?? 0) + 1;
          return -1;
        });
        expectPermitted(config, ids, sentence);
        return [config.name, ids];
      }),
    ),
  );
}

/**
 * Checks that a CRF can produce the gold labels: labels outside its permitted paths have probability zero, and their loss has no
 * gradient.
 *
 * @throws DataError naming the sentence
 */
function expectPermitted(config: HeadConfig, ids: readonly number[], { tokens, line }: Sentence): void {
  const { mask } = decodingOf(config);
  if (config.kind !== 'crf' || mask === undefined) return;
  const K = config.size;
  const last = ids.length - 1;
  const bad = ids.findIndex((id, t) => {
    if (id < 0) return false;
    const before = t > 0 ? ids[t - 1] : -1;
    const inside = t === 0 ? mask.start[id] : before < 0 || mask.transitions[before * K + id];
    return !inside || (t === last && !mask.end[id]);
  });
  if (bad < 0) return;
  const place = line === undefined ? '' : ` of the sentence at line ${line}`;
  throw new DataError(
    `the label of ${quoted(tokens[bad])}${place} breaks the scheme of the head ${config.name}: repair the labels with bptt convert`,
  );
}
