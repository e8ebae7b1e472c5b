/** What `bptt tag` asks of the heads of a model: which label words or spans, and into which columns. */
import type { Prediction } from '../labeling/model/predict.js';
import type { ConlluHead } from './tag-conllu-write.js';
import { looksLikeSpans } from '../labeling/scoring/spans.js';
import type { Model } from '../labeling/model/model.js';

/** Names of the heads that label tokens. */
export function tokenHeads({ heads, config }: Model): string[] {
  return heads.flatMap(({ kind }, h) => (kind.unit === 'token' ? [config.heads[h].name] : []));
}

/** The columns of the training data that the heads about tokens learned; undefined of one whose column has no name. */
export function ownColumns(model: Model): (string | undefined)[] {
  return model.heads.flatMap(({ kind }, h) => (kind.unit === 'token' ? [columnOfHead(model, h)] : []));
}

/** The column of the training data that a head learned, by its name. */
function columnOfHead({ config, input }: Model, h: number): string | undefined {
  const { column } = config.heads[h];
  if (column !== undefined) return String(column);
  return input?.format === 'conllu' && typeof input.column === 'string' ? input.column : undefined;
}

/** What the heads about tokens write, each to its column. */
export function conlluHeads(model: Model, columns: readonly (string | undefined)[]): ConlluHead[] {
  return tokenHeads(model).map((name, h) => ({
    column: columns[h]!,
    labels: (said: Prediction) => said.heads?.[name].labels ?? said.labels,
  }));
}

/** Names of the heads whose labels annotate spans. */
export function spanHeads({ heads, config }: Model): string[] {
  return heads.flatMap(({ kind, labels }, h) =>
    kind.unit === 'token' && looksLikeSpans(labels.labels) ? [config.heads[h].name] : [],
  );
}

/** Whether the model labels sentences, and no words. */
export function labelsSentences({ heads }: Model): boolean {
  return heads.length === 1 && heads[0].kind.unit === 'sentence';
}
