/**
 * The YAML front matter of a model card, in the format of the Hugging Face Hub:
 * https://github.com/huggingface/hub-docs/blob/main/modelcard.md. `model-index` has a result for each head and corpus. The Hub
 * requires a data set identifier; the file name is used for it.
 */
import type { ModelScores } from '../../labeling/scoring/evaluate.js';
import type { Scores } from '../../labeling/scoring/scorer.js';
import type { Unit } from '../../labeling/model/heads/head.js';
import type { Model } from '../../labeling/model/model.js';
import { modeOf } from '../report.js';
import type { Scored } from './data-facts.js';
import { SCORED } from './data-facts.js';
import type { YamlValue } from './yaml.js';

/** Name of a corpus, and the hash of its file; absent if it has several files. */
export interface DatasetName {
  readonly name: string;
  readonly sha256?: string;
}

/** Input for the front matter. */
export interface FrontMatter {
  readonly name: string;
  /** Language codes as given; empty if none were. */
  readonly languages: readonly string[];
  readonly model: Model;
  readonly scores: Readonly<Record<Scored, ModelScores | null>>;
  readonly datasets: Readonly<Record<Scored, DatasetName>>;
}

/** The Hub's names. */
const TASKS: Readonly<Record<Unit, string>> = { token: 'token-classification', sentence: 'text-classification' };
const SPLITS: Readonly<Record<Scored, string>> = { dev: 'validation', test: 'test' };

/** One metric: its type in the Hub's naming, its description, and its value. */
interface Metric {
  readonly type: string;
  readonly name: string;
  readonly value: number;
}

/** The metrics of one head. */
export function metricsOf(scores: Scores): Metric[] {
  const { accuracy, oovAccuracy, spans, macroF1, unit } = scores;
  const metrics: Metric[] = [];
  if (spans) {
    const how = `of spans (${modeOf(spans)})`;
    metrics.push({ type: 'f1', name: `F1 ${how}`, value: spans.f1 });
    metrics.push({ type: 'precision', name: `Precision ${how}`, value: spans.precision });
    metrics.push({ type: 'recall', name: `Recall ${how}`, value: spans.recall });
  }
  metrics.push({ type: 'accuracy', name: 'Accuracy', value: accuracy });
  if (!spans) metrics.push({ type: 'f1', name: 'F1, unweighted mean over labels', value: macroF1 });
  if (unit === 'token' && oovAccuracy !== null)
    metrics.push({ type: 'accuracy', name: 'Accuracy on words not in the training data', value: oovAccuracy });
  return metrics.map(({ value, ...metric }) => ({ ...metric, value: Number(value.toFixed(6)) }));
}

/** The front matter as plain data. */
export function frontMatterOf({ name, languages, model, scores, datasets }: FrontMatter): YamlValue {
  const { body, heads } = model.config;
  const results = SCORED.flatMap((part) => resultsOf(scores[part], part, datasets[part], model));
  const metrics = [...new Set(results.flatMap((result) => result.metrics.map(({ type }) => type)))];
  const cell = body.ownCell ? 'own-cell' : body.cell.split(':')[0];
  return {
    ...(languages.length > 0 && { language: languages }),
    library_name: 'bptt',
    tags: [...new Set(['bptt', 'recurrent-network', cell, ...(heads.some(({ kind }) => kind === 'crf') ? ['crf'] : [])])], // prettier-ignore
    pipeline_tag: TASKS[model.heads[0].kind.unit],
    ...(metrics.length > 0 && { metrics }),
    ...(results.length > 0 && { 'model-index': [{ name, results }] }),
  };
}

function resultsOf(scores: ModelScores | null, part: Scored, { name, sha256 }: DatasetName, model: Model) {
  if (scores === null) return [];
  const heads: (readonly [string | undefined, Scores])[] = scores.heads ? Object.entries(scores.heads) : [[undefined, scores]]; // prettier-ignore
  return heads.map(([head, own]) => {
    const unit = head === undefined ? model.heads[0].kind.unit : own.unit;
    return {
      task: { type: TASKS[unit], ...(head !== undefined && { name: head }) },
      dataset: {
        ...{ type: name, name, split: SPLITS[part] },
        ...(head !== undefined && { config: head }),
        ...(sha256 !== undefined && { args: { sha256 } }),
      },
      metrics: metricsOf(own).map((metric) => ({ ...metric })),
    };
  });
}
