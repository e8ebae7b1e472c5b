/**
 * Loss settings from the training options: label smoothing, and class weights.
 *
 *   balanced   w_k = N / (K·n_k)      n_k targets of label k, N = Σ n_k, K labels that occur: all weigh the same in all, and Σ_n w_{y_n} = N
 *
 * The weighted loss is that of layers/softmax-loss: Σ_n w_{y_n}·ℓ_n / Σ_n w_{y_n} over a batch, as PyTorch's cross_entropy has it.
 *
 * Source of the rule: King & Zeng, Logistic Regression in Rare Events Data (Political Analysis 9(2), 2001), as in scikit-learn.
 */
import { expectRecord } from '../../tensor/arguments.js';
import { expectNonNegative, expectOneOf } from '../../tensor/checks.js';
import { show } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';
import { quoted } from '../../tensor/visible.js';
import type { LabelVocabulary } from '../data/labels.js';
import type { LossSettings } from '../model/heads/head.js';
import type { ModelConfig } from '../model/network.js';
import type { PlannedHead } from './heads.js';
import type { ClassWeights, Settings } from './options.js';

/** The options that a loss may use. */
type LossOptions = Pick<Settings, 'labelSmoothing'> & { readonly classWeights?: unknown };

/** How many labels a message lists. */
const SHOWN = 10;

/**
 * Returns the loss settings of each head.
 *
 * @param targets per head: ids of the training data; −1 is ignored
 * @throws ArgumentError if an option would be ignored, is of the wrong form, or names an unknown head or label
 */
export function lossSettingsOf(
  heads: readonly PlannedHead[],
  { heads: configs }: Pick<ModelConfig, 'heads'>,
  { labelSmoothing, classWeights }: LossOptions,
  labels: readonly LabelVocabulary[],
  targets: readonly (readonly Int32Array[])[],
): LossSettings[] {
  const names = configs.map(({ name }) => name);
  const asked = classWeightsByHead(classWeights, names);
  return heads.map(({ kind }, h) => {
    const own = asked[names[h]];
    for (const [name, isAsked] of Object.entries({
      labelSmoothing: labelSmoothing !== 0,
      classWeights: own !== undefined,
    })) {
      if (!isAsked || kind.lossSettings?.includes(name as keyof LossSettings)) continue;
      const which = heads.length === 1 ? kind.kind : `${names[h]}, which is ${kind.kind}`;
      throw new ArgumentError(
        `train: ${name} does not apply to the head ${which}: leave it out, or choose another head`,
      );
    }
    return {
      ...(labelSmoothing !== 0 && { labelSmoothing }),
      ...(own !== undefined && { classWeights: weightsByLabel(own, labels[h].labels, targets[h]) }),
    };
  });
}

/** The class weights of each head by name; with a single head the name may be omitted. @throws ArgumentError on the wrong form */
function classWeightsByHead(given: unknown, names: readonly string[]): Readonly<Record<string, ClassWeights>> {
  if (given === undefined) return {};
  if (given === 'balanced') return Object.fromEntries(names.map((name) => [name, 'balanced' as const]));
  if (typeof given === 'string') {
    throw new ArgumentError(
      `train: classWeights must be 'balanced' or weights by label, such as { B: 2 }; got ${show(given)}`,
    );
  }
  expectRecord('train', 'classWeights', given, "'balanced', or weights by label, such as { B: 2 }");
  const entries = Object.entries(given as object);
  if (entries.length === 0) throw new ArgumentError('train: classWeights must name a label; got none');
  const isByHead = entries.some(([, value]) => typeof value !== 'number');
  if (!isByHead && names.length > 1) {
    throw new ArgumentError(
      `train: classWeights of several heads are by head, such as { ${names[0]}: { ${quoted(entries[0][0])}: 2 } }; got only weights by label (--class-weights: a file, or balanced)`,
    );
  }
  if (!isByHead) return { [names[0]]: given as ClassWeights };
  for (const [name, own] of entries) {
    expectOneOf('train', 'a name in classWeights (--class-weights)', name, names);
    if (own !== 'balanced') expectRecord('train', `classWeights.${name}`, own, "'balanced', or weights by label");
  }
  return given as Readonly<Record<string, ClassWeights>>;
}

/** The weight of each label, in the order of the ids. */
function weightsByLabel(asked: ClassWeights, labels: readonly string[], targets: readonly Int32Array[]): number[] {
  if (asked === 'balanced') return balanced(labels.length, targets);
  for (const [label, weight] of Object.entries(asked)) {
    expectNonNegative('train', `classWeights[${quoted(label)}]`, weight);
    if (labels.includes(label)) continue;
    const shown = labels.slice(0, SHOWN).join(' ') + (labels.length > SHOWN ? ` … (${labels.length} in all)` : '');
    throw new ArgumentError(
      `train: classWeights (--class-weights) names the label ${quoted(label)}, which training lacks; its labels are ${shown}`,
    );
  }
  const weights = labels.map((label) => (Object.hasOwn(asked, label) ? asked[label] : 1));
  if (weights.some((weight) => weight > 0)) return weights;
  throw new ArgumentError(
    'train: classWeights must leave at least one label a weight above 0: nothing would be learned',
  );
}

function balanced(K: number, targets: readonly Int32Array[]): number[] {
  const counts = new Float64Array(K);
  for (const own of targets) for (const y of own) if (y >= 0) counts[y]++;
  const N = counts.reduce((sum, n) => sum + n, 0);
  const present = counts.reduce((sum, n) => sum + (n > 0 ? 1 : 0), 0); // all of them, unless an initial model has further labels
  return Array.from(counts, (n) => (n > 0 ? N / (present * n) : 1));
}
