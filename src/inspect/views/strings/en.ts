/**
 * Every word that views show, in English. `{name}` stands for a value. A translation is a table with the same keys; the type
 * demands all of them, and a test that each has the same values in braces.
 */
export const en = {
  language: 'en',

  'legend.zero': 'no path: exactly zero',
  'legend.broken': 'not a number',
  'legend.retention': 'share of the gradient at its own word that arrives (‖R[m,k]‖ / ‖R[m,own]‖)',
  'legend.norm': 'gradient norm ‖R[m,k]‖, in nats per unit',
  'legend.blocks':
    'Long sentence: {size} words share a row and a column. Each cell shows the largest value among them.',
  'legend.blocks.sum': 'Long sentence: {size} words share a row and a column. Each cell shows the sum of their shares.',
  'legend.blocks.word':
    'Long sentence: {size} words share a column. Each cell shows the value of largest size among them.',

  'unit.words.one': '1 word',
  'unit.words.other': '{n} words',
  'unit.seeds.one': 'one seed',
  'unit.seeds.other': '{n} seeds',

  'model.line': '{cell}, {hidden} hidden units, {parameters} parameters, {source}',
  'model.trained': 'trained',
  'model.untrained': 'untrained, seed {seed}',
  'model.untrained.bias': 'untrained, seed {seed}, forget bias {bias}',
  'model.pytorch': 'weights from PyTorch',
  'place.layer': 'layer {layer}, {direction}',
  'place.forward': 'left to right',
  'place.reverse': 'right to left',
  'place.sentence': 'sentence',

  'seed.loss': 'gradient of the loss −log p(gold)',
  'seed.loss.predicted': 'gradient of the loss −log p(first choice)',
  'seed.logit': 'gradient of one logit',
  'seed.margin': 'gradient of a margin between two logits',
  'conventions.line':
    'Conventions: {seed}; losses added; variable {variable}; Euclidean norm over {size} components; float64.',
  'conventions.solved': 'Small because solved: p > 0.9 at {words}. A margin seed shows more.',

  'variable.x': 'x, the word vector',
  'variable.h': 'h, the hidden state',
  'variable.c': 'c, the cell state',
  'variable.state': '(h, c), the whole state',
  'variable.a': 'a, the pre-activations',

  'reach.title': 'Which loss reaches how far?',
  'reach.cell': 'loss at {loss} reaches {word}, {distance} away: {share} ({norm})',
  'reach.cell.own': 'loss at {loss}, its own word: 100 % ({norm})',
  'reach.rows': 'loss at',
  'reach.length': 'reach',
  'reach.length.note': 'reach: distance of the first word that gets less than 1 %; ⟷: all words get more.',
  'reach.length.all': '⟷',
  'reach.length.title': 'the loss at {loss} falls below 1 % after {distance}',
  'reach.length.title.all': 'the loss at {loss} never falls below 1 %',
  'reach.total': 'all losses: ‖δ‖',
  'reach.total.title': 'all losses together at {word}: norm {norm}',
  'reach.summary':
    'The loss at {loss} reaches {word}, {distance} away, at {share} of what arrives at its own word (norm {norm}).',
  'reach.summary.zero': 'The loss at {loss} does not reach {word}: no path leads there.',

  'compare.title': 'Is it the architecture?',
  'compare.line': '{n} cells, the same sentence, {seeds}; the matrices show the first seed, all on one scale',
  'compare.seeds':
    'What the loss at {loss} leaves at {word}, {seeds} for each cell; the large dot is the seed drawn above.',
  'compare.summary':
    'Of the gradient of the loss at {loss}, {word}, {distance} away, gets: {parts} (median of {seeds}).',

  'strip.title': 'How is it doing on this sentence?',
  'strip.cell': '{word}: gold {gold}, predicted {predicted}, p(gold) {p}, loss {loss}',
  'strip.unknown': '{word} has no vector of its own: the model reads it as unknown',
  'strip.unknown.note': 'Underlined: the model has no vector of its own for this word.',
  'strip.note': 'Under each word: gold label, predicted label, p(gold), loss in nats. Bars from 0 to {limit}.',
  'strip.summary': '{right} of {n} labels are right; the losses add up to {loss} nats.',

  'reach.cells': 'In cells: percent; e−4 stands for a share below 0.1 %, by its power of ten.',
  'reach.cells.absolute': 'In cells: the power of ten of the norm.',

  'unit.cell': '{name}, unit {unit}: {value}',
  'units.blocks': 'Many units: {size} share a column. Each cell shows the value of largest size among them.',

  'stepper.title': 'What is added at {word}?',
  'stepper.group': 'gradient of {state}',
  'stepper.direct': 'd{state} direct',
  'stepper.recurrent': '+ d{state} recurrent',
  'stepper.total': '= d{state}',
  'stepper.slope': 'slope of {gate}',
  'stepper.slopes': 'slope of each gate’s function, σ′ or tanh′: 0 lets nothing through',
  'stepper.preactivation': 'da of {gate}',
  'stepper.preactivations': 'gradients of the pre-activations',
  'stepper.onward': 'd{state} recurrent',
  'stepper.onwards':
    'What arrives at {word}, the step before: through Whᵀ, and along the cell state where there is one',
  'stepper.first': 'This is the first step: what is left goes to the initial state.',
  'stepper.legend': 'gradient of the sum of losses, one scale for all words',
  'stepper.agree': 'They agree (cos {cosine}).',
  'stepper.cancel': 'They partly cancel (cos {cosine}).',
  'stepper.cross': 'They are nearly orthogonal (cos {cosine}).',
  'stepper.alone.direct': 'Nothing arrives from the next step.',
  'stepper.alone.recurrent': 'Nothing arrives from outside: all of it comes from the next step.',
  'stepper.note': 'Vectors add component by component; their norms do not. Columns are hidden units.',
  'stepper.summary':
    'At {word} a gradient of norm {direct} arrives directly and one of {recurrent} from the next step; their sum has norm {total}.',

  'gates.title': 'Who closed the door?',
  'gates.values': 'values: units by words',
  'gates.slopes': 'slopes: what a gradient is multiplied by',
  'gates.slope': 'slope of',
  'gates.cell': '{name}, unit {unit}, at {word}: {value}',
  'gates.panel': 'values of gate {gate}, units by words',
  'gates.panel.slope': 'slopes of gate {gate}, units by words',
  'gates.open': '{share} nearly open (> 0.9)',
  'gates.closed': '{share} nearly closed (< 0.1)',
  'gates.legend.open': 'gate, 0 closed … 1 open',
  'gates.legend.signed': 'candidate, −1 … 1',
  'gates.legend.slope': 'slope σ′ (at most 0.25), tanh′',
  'gates.note': 'For values between −1 and 1, open and closed count by absolute value.',
  'gates.blocks': 'Up to {size} units or words share a cell, which shows the value of largest size among them.',
  'gates.summary': 'Unit {unit} at {word}: {parts}.',

  'ledger.title': 'Which moments built the gradient of {param}?',
  'ledger.gate': '{param}, gate {gate}',
  'ledger.table': 'shares of the gradient of {param}, loss by use',
  'ledger.cell': 'loss at {loss}, used at {word}: {share}',
  'ledger.legend': 'share of the gradient: ⟨A[m,k], dP⟩ / ‖dP‖²',
  'ledger.cells': 'In cells: percent of the gradient, with its sign.',
  'ledger.note':
    'Rows: the loss; columns: the word at which the weight was used. All shares add up to 100 %; a negative one works against the sum.',
  'ledger.cancellation': 'Cancellation index ‖dP‖ / Σ‖A‖ = {value}',
  'ledger.cancel': '0: all cancel',
  'ledger.agree': '1: all agree',
  'ledger.element': '∂L/∂{param}[{index}] = {value}, addend by addend, in the order of the backward pass',
  'ledger.addend': 'use at {word} adds {value}; together {sum}',
  'ledger.total': 'the gradient: {value}',
  'ledger.sum': 'sum',
  'ledger.summary':
    'Loss at {loss}, use at {word}: {share} of the gradient of {param}; all shares add up to {total}, cancellation index {cancellation}.',

  'check.title': 'Is it right?',
  'check.none': 'not available',
  'check.analytic': 'hand-written',
  'check.forward': 'forward mode',
  'check.numeric': 'central difference',
  'check.verdict': '{glyph} {verdict} (relative difference {relative})',
  'check.agree': 'they agree',
  'check.below-noise': 'below the noise of finite differences: they cannot tell',
  'check.disagree': 'they disagree',
  'check.noise': 'Central difference minus hand-written, in units of its own noise (gray: within the noise)',
  'check.plus': '+noise',
  'check.minus': '−noise',
  'check.list': 'Everything that was checked, worst first: relative difference of the hand-written gradient',
  'check.more': 'The worst {shown} of {n} are shown.',
  'check.note': 'Forward mode judges to 1e−9. Finite differences are never judged below their own noise.',
  'check.summary.agree': 'All {checked} derivatives agree; the selected one, {where}, differs by {relative} relative.',
  'check.summary.disagree':
    '{disagree} of {checked} derivatives disagree; the selected one, {where}, differs by {relative} relative.',

  'norms.title': 'Which parameter, when?',
  'norms.cell': '{param}, used at {word}: norm {norm}',
  'norms.legend': 'norm of what a use adds to the gradient',
  'norms.total': '‖gradient‖',
  'norms.note': 'In cells: the power of ten. The norm of a sum is not the sum of norms: uses may cancel.',
  'norms.summary': 'The largest gradient is that of {param}, norm {norm}; its largest use is at {word}, {use}.',

  'saliency.title': 'Which word decided {label} at {word}?',
  'saliency.title.contrast': 'Which word decided {label} rather than {contrast} at {word}?',
  'saliency.swap': 'swap test',
  'saliency.gradient': 'gradient ‖∂z/∂x‖',
  'saliency.inputTimesGradient': 'input × gradient',
  'saliency.integrated': 'integrated gradients',
  'saliency.refused': 'Not shown: incomplete. The gap is {gap} after {points} points; below 1 % is required.',
  'saliency.banner':
    'Careful: the gradient names {gradient} first, the swap test {swap}. A gradient tells what a tiny change would do, not which word mattered.',
  'saliency.note':
    'Swap: change of the logit (or margin) when the word is replaced by the one after the arrow; ◀ marks the largest size. Swap, input × gradient and integrated gradients share one scale.',
  'saliency.blocks': 'Long sentence: {size} words share a row, which shows the value of largest size among them.',
  'saliency.summary':
    'For {label} at {word}, swapping {swap} changes the most ({change}); the gradient is largest at {gradient} ({norm}).',

  'equation.title': 'Where does {symbol} come from?',
  'equation.given': 'This number is given: a weight, a word vector or an initial state.',
  'equation.closed': 'The trace does not say what this number is made of.',
  'equation.trail': 'opened from',
  'equation.parts': 'made of',
  'equation.more': '… and {n} more',
  'equation.residual': 'Worked out from all digits, the formula differs from the number by {residual} (at most 1e−12).',
  'equation.note':
    'Numbers are rounded to four digits for reading. x_3[0]: component 0 at word 3; Wh[0,5]: row 0, column 5; a prime is a slope.',
  'equation.summary': '{symbol} = {formula} = {value}.',
  'equation.summary.given': '{symbol} = {value} is given.',

  'report.title': 'Gradients of a sentence',
  'report.made': 'Made by bptt {version} with',
  'report.weights': 'SHA-256 of the weights:',
  'report.numbers': 'The numbers',
  'report.rows': 'The first {shown} of {all} rows; bptt figure --csv writes all of them.',
  'report.equations': 'Equations of the cell',
  'report.forward': 'Forward',
  'report.backward': 'Backward: the same numbers in reverse',
  'report.proof': 'Do the laws hold?',
  'report.checked':
    '{n} random weights by hand-written backward pass, forward mode and central differences: {verdict}.',
  'report.law': 'Law that the numbers obey',
  'report.residual': 'missed by',
  'report.holds': 'holds',
  'report.recompute.off': 'Scripts are off, so nothing was computed again. Every number below stands in this file.',
  'report.recompute.none':
    'This file does not compute its numbers again: it can for built-in cells, a label per word that a softmax chooses, and at most 100 words. Every number below stands in it.',
  'report.recompute.agrees':
    '✓ Computed again here, from the weights in this file: {checked} of {marks} numbers, and all agree (largest relative difference {worst}). The others belong to other cells, word swaps and finite differences.',
  'report.recompute.disagrees':
    '✗ Computed again here, from the weights in this file: {differing} of {checked} numbers disagree, the first at {first}. Do not trust this file; make it anew.',
  'report.recompute.failed': '✗ The numbers could not be computed again: {error}',
} as const;
