/** Queries on the heads of a model for `bptt tag`: which label words or spans, and their columns. */
import type { Prediction } from '../../labeling/model/predict.js';
import type { ConlluHead } from './conllu-write.js';
import { looksLikeSpans } from '../../labeling/scoring/spans.js';
import type { Model } from '../../labeling/model/model.js';

/** Names of the heads that label tokens. */
export function tokenHeads({ heads, config }: Model): string[] {
  return heads.flatMap(({ kind }, h) => (kind.unit === 'token' ? [config.heads[h].name] : []));
}

/** The training-data columns that the token heads learned; undefined for a head whose column has no name. */
export function ownColumns(model: Model): (string | undefined)[] {
  return model.heads.flatMap(({ kind }, h) => (kind.unit === 'token' ? [columnOfHead(model, h)] : []));
}

/** The training-data column that a head learned, by its name. */
function columnOfHead({ config, input }: Model, h: number): string | undefined {
  const { column } = config.heads[h];
  if (column !== undefined) return String(column);
  return input?.format === 'conllu' && typeof input.column === 'string' ? input.column : undefined;
}

/** The output of the token heads, each to its column. */
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

/** Whether the model labels only sentences. */
export function labelsSentences({ heads }: Model): boolean {
  return heads.length === 1 && heads[0].kind.unit === 'sentence';
}
