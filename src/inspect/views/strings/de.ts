/** The strings in German. */
import type { Strings } from './index.js';

export const de: Strings = {
  language: 'de',
  'legend.zero': 'kein Weg: genau null',
  'legend.broken': 'keine Zahl',
  'legend.retention': 'Anteil des Gradienten am eigenen Wort, der ankommt (‖R[m,k]‖ / ‖R[m,eigenes]‖)',
  'legend.norm': 'Norm des Gradienten ‖R[m,k]‖, in Nats je Einheit',
  'legend.blocks':
    'Langer Satz: je {size} Wörter teilen sich Zeile und Spalte. Jede Zelle zeigt den größten Wert darunter.',
  'legend.blocks.sum':
    'Langer Satz: je {size} Wörter teilen sich Zeile und Spalte. Jede Zelle zeigt die Summe ihrer Anteile.',
  'legend.blocks.word':
    'Langer Satz: je {size} Wörter teilen sich eine Spalte. Jede Zelle zeigt den betragsgrößten Wert darunter.',
  'unit.words.one': '1 Wort',
  'unit.words.other': '{n} Wörter',
  'unit.seeds.one': 'ein Startwert',
  'unit.seeds.other': '{n} Startwerte',

  'model.line': '{cell}, {hidden} verborgene Einheiten, {parameters} Parameter, {source}',
  'model.trained': 'trainiert',
  'model.untrained': 'untrainiert, Startwert {seed}',
  'model.untrained.bias': 'untrainiert, Startwert {seed}, Vergessens-Bias {bias}',
  'model.pytorch': 'Gewichte aus PyTorch',
  'place.layer': 'Schicht {layer}, {direction}',
  'place.forward': 'von links nach rechts',
  'place.reverse': 'von rechts nach links',
  'place.sentence': 'Satz',
  'seed.loss': 'Gradient des Verlusts −log p(richtig)',
  'seed.loss.predicted': 'Gradient des Verlusts −log p(erste Wahl)',
  'seed.logit': 'Gradient eines Logits',
  'seed.margin': 'Gradient des Abstands zweier Logits',
  'conventions.line':
    'Konventionen: {seed}; Verluste addiert; Variable {variable}; euklidische Norm über {size} Komponenten; float64.',
  'conventions.solved': 'Klein, weil gelöst: p > 0,9 bei {words}. Der Abstand zweier Logits zeigt mehr.',

  'variable.x': 'x, der Wortvektor',
  'variable.h': 'h, der verborgene Zustand',
  'variable.c': 'c, der Zellzustand',
  'variable.state': '(h, c), der ganze Zustand',
  'variable.a': 'a, die Voraktivierungen',

  'reach.title': 'Welcher Verlust reicht wie weit?',
  'reach.cell': 'Verlust bei {loss} erreicht {word}, {distance} entfernt: {share} ({norm})',
  'reach.cell.own': 'Verlust bei {loss}, sein eigenes Wort: 100 % ({norm})',
  'reach.rows': 'Verlust bei',
  'reach.length': 'Weite',
  'reach.length.note': 'Weite: Abstand des ersten Worts, das weniger als 1 % erhält; ⟷: alle Wörter erhalten mehr.',
  'reach.length.all': '⟷',
  'reach.length.title': 'der Verlust bei {loss} fällt nach {distance} unter 1 %',
  'reach.length.title.all': 'der Verlust bei {loss} fällt nirgends unter 1 %',
  'reach.total': 'alle Verluste: ‖δ‖',
  'reach.total.title': 'alle Verluste zusammen bei {word}: Norm {norm}',
  'reach.summary':
    'Der Verlust bei {loss} erreicht {word}, {distance} entfernt, mit {share} dessen, was am eigenen Wort ankommt (Norm {norm}).',
  'reach.summary.zero': 'Der Verlust bei {loss} erreicht {word} nicht: kein Weg führt dorthin.',

  'compare.title': 'Liegt es an der Architektur?',
  'compare.line': '{n} Zellen, derselbe Satz, {seeds}; die Matrizen zeigen den ersten Startwert, alle auf einer Skala',
  'compare.seeds':
    'Was der Verlust bei {loss} bei {word} hinterlässt, {seeds} je Zelle; der große Punkt ist oben gezeichnet.',
  'compare.summary':
    'Vom Gradienten des Verlusts bei {loss} erhält {word}, {distance} entfernt: {parts} (Median, {seeds}).',

  'strip.title': 'Wie gut gelingt dieser Satz?',
  'strip.cell': '{word}: richtig {gold}, vorhergesagt {predicted}, p(richtig) {p}, Verlust {loss}',
  'strip.unknown': '{word} steht nicht im Vokabular: das Modell liest es als unbekannt',
  'strip.unknown.note': 'Unterstrichen: dieses Wort steht nicht im Vokabular.',
  'strip.note':
    'Unter jedem Wort: richtiges Label, vorhergesagtes Label, p(richtig), Verlust in Nats. Balken von 0 bis {limit}.',
  'strip.summary.predicted':
    'Ohne richtige Labels vertritt sie die erste Wahl des Modells selbst, also kann keine falsch sein. Die Verluste ergeben zusammen {loss} Nats.',
  'strip.summary': '{right} von {n} Labels sind richtig; die Verluste ergeben zusammen {loss} Nats.',

  'reach.cells': 'In den Zellen: Prozent; e−4 steht für weniger als 0,1 %, mit seiner Zehnerpotenz.',
  'reach.cells.absolute': 'In den Zellen: die Zehnerpotenz der Norm.',

  'unit.cell': '{name}, Einheit {unit}: {value}',
  'units.blocks':
    'Viele Einheiten: je {size} teilen sich eine Spalte. Jede Zelle zeigt den betragsgrößten Wert darunter.',

  'stepper.title': 'Was kommt bei {word} hinzu?',
  'stepper.group': 'Gradient von {state}',
  'stepper.direct': 'd{state} direkt',
  'stepper.recurrent': '+ d{state} rekurrent',
  'stepper.total': '= d{state}',
  'stepper.slope': 'Steigung von {gate}',
  'stepper.slopes': 'Steigung der Funktion jedes Gatters, σ′ oder tanh′: 0 lässt nichts durch',
  'stepper.preactivation': 'da von {gate}',
  'stepper.preactivations': 'Gradienten der Voraktivierungen',
  'stepper.onward': 'd{state} rekurrent',
  'stepper.onwards':
    'Was bei {word}, einen Schritt davor, ankommt: durch Whᵀ, und entlang des Zellzustands, wo es einen gibt',
  'stepper.first': 'Das ist der erste Schritt: der Rest geht an den Anfangszustand.',
  'stepper.legend': 'Gradient der Summe der Verluste, eine Skala für alle Wörter',
  'stepper.agree': 'Sie stimmen überein (cos {cosine}).',
  'stepper.cancel': 'Sie heben sich teilweise auf (cos {cosine}).',
  'stepper.cross': 'Sie stehen fast senkrecht aufeinander (cos {cosine}).',
  'stepper.alone.direct': 'Vom nächsten Schritt kommt nichts an.',
  'stepper.alone.recurrent': 'Von außen kommt nichts an: alles kommt vom nächsten Schritt.',
  'stepper.note':
    'Vektoren addieren sich Komponente für Komponente, ihre Normen nicht. Spalten sind verborgene Einheiten.',
  'stepper.summary':
    'Bei {word} kommt ein Gradient der Norm {direct} direkt an und einer der Norm {recurrent} vom nächsten Schritt; ihre Summe hat die Norm {total}.',

  'gates.title': 'Welches Gatter hielt den Gradienten auf?',
  'gates.values': 'Werte: Einheiten mal Wörter',
  'gates.slopes': 'Steigungen: womit ein Gradient multipliziert wird',
  'gates.slope': 'Steigung von',
  'gates.cell': '{name}, Einheit {unit}, bei {word}: {value}',
  'gates.panel': 'Werte des Gatters {gate}, Einheiten mal Wörter',
  'gates.panel.slope': 'Steigungen des Gatters {gate}, Einheiten mal Wörter',
  'gates.open': '{share} fast offen (> 0.9)',
  'gates.closed': '{share} fast geschlossen (< 0.1)',
  'gates.legend.open': 'Gatter, 0 geschlossen … 1 offen',
  'gates.legend.signed': 'Kandidat, −1 … 1',
  'gates.legend.slope': 'Steigung σ′ (höchstens 0.25), tanh′',
  'gates.scatter':
    'Wie oft jede Einheit gesättigt ist: nach rechts der Anteil der Wörter, bei denen sie fast geschlossen ist, nach oben fast offen',
  'gates.scatter.units': 'Einheiten {units}: bei {open} der Wörter fast offen, bei {closed} fast geschlossen',
  'gates.factors':
    'Was ein Schritt zurück vom Gradienten lässt, und seine Faktoren; gerahmt: der am stärksten verkleinert',
  'gates.factors.at':
    'Bei {word} lässt ein Schritt zurück {drop}: {product} durch Gatter und Wh, {carried} an Wh vorbei. Am stärksten verkleinert: {top}.',
  'gates.factor.cell': '{factor}, bei {word}: {value}',
  'gates.factor.drop': 'ein Schritt zurück',
  'gates.factor.slopes': '= Steigungen σ′, tanh′',
  'gates.factor.values': '× Werte der Gatter',
  'gates.factor.weights': '× Matrix Wh',
  'gates.factor.carried': 'an Wh vorbei (f, z)',
  'gates.factor.none': 'nichts, er wächst',
  'gates.factor.legend': 'Faktor, mit dem ein Gradient multipliziert wird',
  'gates.note': 'Bei Werten zwischen −1 und 1 zählen offen und geschlossen nach dem Betrag.',
  'gates.more':
    'bptt figure gates, und bptt gates in einem Terminal, zeigen auch, wie oft jede Einheit gesättigt ist und welcher Faktor den Gradienten bei jedem Schritt verkleinert.',
  'gates.blocks':
    'Bis zu {size} Einheiten oder Wörter teilen sich eine Zelle; sie zeigt den betragsgrößten Wert darunter.',
  'gates.summary': 'Einheit {unit} bei {word}: {parts}.',

  'ledger.title': 'Welche Schritte ergeben den Gradienten von {param}?',
  'ledger.gate': '{param}, Gatter {gate}',
  'ledger.table': 'Anteile am Gradienten von {param}, Verlust mal Verwendung',
  'ledger.cell': 'Verlust bei {loss}, verwendet bei {word}: {share}',
  'ledger.legend': 'Anteil am Gradienten: ⟨A[m,k], dP⟩ / ‖dP‖²',
  'ledger.cells': 'In den Zellen: Prozent des Gradienten, mit Vorzeichen.',
  'ledger.note':
    'Zeilen: der Verlust; Spalten: das Wort, bei dem das Gewicht verwendet wurde. Alle Anteile ergeben 100 %; ein negativer wirkt gegen die Summe.',
  'ledger.cancellation': 'Auslöschung ‖dP‖ / Σ‖A‖ = {value}',
  'ledger.cancel': '0: alle heben sich auf',
  'ledger.agree': '1: alle stimmen überein',
  'ledger.element': '∂L/∂{param}[{index}] = {value}, Summand für Summand, in der Reihenfolge des Rückwärtslaufs',
  'ledger.addend': 'Verwendung bei {word} trägt {value} bei; zusammen {sum}',
  'ledger.total': 'der Gradient: {value}',
  'ledger.sum': 'Summe',
  'ledger.summary':
    'Verlust bei {loss}, Verwendung bei {word}: {share} des Gradienten von {param}; alle Anteile ergeben {total}, Auslöschung {cancellation}.',

  'check.title': 'Stimmt das?',
  'check.none': 'nicht verfügbar',
  'check.analytic': 'von Hand',
  'check.forward': 'Vorwärtsmodus',
  'check.numeric': 'zentrale Differenz',
  'check.verdict': '{glyph} {verdict} (relative Abweichung {relative})',
  'check.agree': 'sie stimmen überein',
  'check.below-noise': 'unter dem Rauschen finiter Differenzen: sie können es nicht entscheiden',
  'check.disagree': 'sie widersprechen sich',
  'check.noise': 'Zentrale Differenz minus von Hand, in Einheiten des eigenen Rauschens (grau: im Rauschen)',
  'check.plus': '+Rauschen',
  'check.minus': '−Rauschen',
  'check.curve':
    'Relative Abweichung einfacher zentraler Differenzen von {where} vom Gradienten von Hand, nach ihrer Schrittweite',
  'check.curve.point': 'Schrittweite {step}: Abweichung {error}',
  'check.curve.step': 'Schrittweite ε',
  'check.curve.forward': 'Vorwärtsmodus, ohne Schrittweite: {relative}',
  'check.curve.note':
    'Lange Striche: Abbruchfehler, ∝ ε². Kurze Striche: Rundung des Verlusts, ∝ 1/ε. Die beste Schrittweite liegt nahe ihrem Schnittpunkt.',
  'check.list': 'Alles, was geprüft wurde, das Schlechteste zuerst: relative Abweichung des Gradienten von Hand',
  'check.more': 'Gezeigt sind die {shown} schlechtesten von {n}.',
  'check.note':
    'Der Vorwärtsmodus urteilt bis 1e−9. Finite Differenzen werden nie unter ihrem eigenen Rauschen beurteilt.',
  'check.summary.agree':
    'Alle {checked} Ableitungen stimmen überein; die gewählte, {where}, weicht relativ um {relative} ab.',
  'check.summary.disagree':
    '{disagree} von {checked} Ableitungen widersprechen sich; die gewählte, {where}, weicht relativ um {relative} ab.',

  'norms.title': 'Welcher Parameter, wann?',
  'norms.cell': '{param}, verwendet bei {word}: Norm {norm}',
  'norms.legend': 'Norm dessen, was eine Verwendung zum Gradienten beiträgt',
  'norms.total': '‖Gradient‖',
  'norms.note':
    'In den Zellen: die Zehnerpotenz. Die Norm einer Summe ist nicht die Summe der Normen: Verwendungen können sich aufheben.',
  'norms.summary': 'Den größten Gradienten hat {param}, Norm {norm}; am meisten trägt {word} bei, {use}.',

  'saliency.title': 'Welches Wort entschied {label} bei {word}?',
  'saliency.title.contrast': 'Welches Wort entschied {label} statt {contrast} bei {word}?',
  'saliency.swap': 'Tauschtest',
  'saliency.gradient': 'Gradient ‖∂z/∂x‖',
  'saliency.inputTimesGradient': 'Eingabe × Gradient',
  'saliency.integrated': 'integrierte Gradienten',
  'saliency.refused':
    'Nicht gezeigt: unvollständig. Die Lücke ist {gap} nach {points} Punkten; verlangt ist weniger als 1 %.',
  'saliency.banner':
    'Vorsicht: der Gradient nennt {gradient} zuerst, der Tauschtest {swap}. Ein Gradient sagt, was eine winzige Änderung täte, nicht, welches Wort zählte.',
  'saliency.note':
    'Tausch: Änderung des Logits (oder Abstands), wenn das Wort durch das hinter dem Pfeil ersetzt wird; ◀ steht beim betragsgrößten. Tausch, Eingabe × Gradient und integrierte Gradienten teilen eine Skala.',
  'saliency.blocks':
    'Langer Satz: je {size} Wörter teilen sich eine Zeile; sie zeigt den betragsgrößten Wert darunter.',
  'saliency.summary':
    'Für {label} bei {word} ändert der Tausch von {swap} am meisten ({change}); der Gradient ist am größten bei {gradient} ({norm}).',

  'equation.title': 'Woher kommt {symbol}?',
  'equation.given': 'Diese Zahl ist gegeben: ein Gewicht, ein Wortvektor oder ein Anfangszustand.',
  'equation.closed': 'Woraus diese Zahl besteht, sagt die Aufzeichnung nicht.',
  'equation.trail': 'geöffnet aus',
  'equation.parts': 'besteht aus',
  'equation.more': '… und {n} weiteren',
  'equation.residual':
    'Aus allen Stellen berechnet, weicht die Formel um {residual} von der Zahl ab (höchstens 1e−12).',
  'equation.note':
    'Zahlen sind zum Lesen auf vier Stellen gerundet. x_3[0]: Komponente 0 bei Wort 3; Wh[0,5]: Zeile 0, Spalte 5; ein Strich ist eine Steigung.',
  'equation.summary': '{symbol} = {formula} = {value}.',
  'equation.summary.given': '{symbol} = {value} ist gegeben.',

  'place.gate': '{param}, Gatter {gate}',

  'law.probabilities': 'Σ p = 1 für jeden Verlust',
  'law.reach-sums-to-gradient': 'Σ über die Verluste von R[m,k] = der Gradient bei Wort k, für x und jedes h, c, a',
  'law.direct-plus-recurrent': 'direkt + rekurrent = gesamt, für jeden Zustand jedes Schritts',
  'law.shares-sum-to-one': 'Σ der Anteile jedes Gradienten = 1',
  'law.addends-sum-to-gradient': 'Σ der Summanden jedes Gradienten = der Gradient',
  'law.gates-by-equations': 'jedes Gatter = seine Gleichung, an den Eingaben dieser Aufzeichnung ausgewertet',
  'law.jacobian-bounds': '‖v·∂s/∂s′‖/‖v‖ ist höchstens σ_max(∂s/∂s′), und das höchstens Π σ_max(J)',

  'table.loss': 'Verlust',
  'table.word': 'Wort',
  'table.known': 'bekannt',
  'table.gold': 'richtig',
  'table.predicted': 'vorhergesagt',
  'table.p(gold)': 'p(richtig)',
  'table.loss in nats': 'Verlust in Nats',
  'table.step': 'Schritt',
  'table.swapped for': 'getauscht gegen',
  'table.rule': 'Regel',
  'table.swap': 'Tausch',
  'table.gradient': 'Gradient',
  'table.input times gradient': 'Eingabe × Gradient',
  'table.integrated': 'integriert',
  'table.symbol': 'Zeichen',
  'table.value': 'Wert',
  'table.formula': 'Formel',
  'table.where': 'wo',
  'table.hand-written': 'von Hand',
  'table.forward mode': 'Vorwärtsmodus',
  'table.central difference': 'zentrale Differenz',
  'table.noise': 'Rauschen',
  'table.relative': 'relativ',
  'table.verdict': 'Urteil',
  'table.known.yes': 'ja',
  'table.known.no': 'nein',
  'table.rule.given': 'wie verlangt',
  'table.rule.number': 'anderer Numerus',
  'table.rule.same-label': 'gleiches Label',
  'table.rule.unknown': 'unbekanntes Wort',
  'table.verdict.agree': '✓ stimmt',
  'table.verdict.below-noise': '≈ Rauschen',
  'table.verdict.disagree': '✗ widerspricht',

  'report.title': 'Gradienten eines Satzes',
  'report.made': 'Erstellt von bptt {version} mit',
  'report.weights': 'SHA-256 der Gewichte:',
  'report.numbers': 'Die Zahlen',
  'report.rows': 'Die ersten {shown} von {all} Zeilen; bptt figure --csv schreibt alle.',
  'report.equations': 'Gleichungen der Zelle',
  'report.forward': 'Vorwärts',
  'report.backward': 'Rückwärts: dieselben Nummern in umgekehrter Folge',
  'report.proof': 'Gelten die Identitäten?',
  'report.checked':
    '{n} zufällige Gewichte, von Hand abgeleitet, im Vorwärtsmodus und mit zentralen Differenzen: {verdict}.',
  'report.law': 'Identität',
  'report.residual': 'verfehlt um',
  'report.holds': 'gilt',
  'report.recompute.off':
    'Skripte sind abgeschaltet, darum wurde nichts nachgerechnet. Jede Zahl unten steht in dieser Datei.',
  'report.recompute.none': 'Diese Datei rechnet ihre Zahlen nicht nach: {reason}. Jede Zahl unten steht in ihr.',
  'report.recompute.none.body': 'für diesen Teil des Modells hat sie keinen Code: {extras}',
  'report.recompute.none.cell': 'ihre Zelle, {cell}, ist keine eingebaute',
  'report.recompute.none.head': 'ihr Kopf, {kind}, gibt nicht jedem Wort ein Label durch Softmax',
  'report.recompute.none.words': 'ihre {n} Wörter sind mehr als {most}',
  'report.recompute.agrees':
    '✓ Hier nachgerechnet, aus den Gewichten in dieser Datei: {checked} von {marks} Zahlen, und alle stimmen überein (größte relative Abweichung {worst}). Hier nicht nachgerechnet: die verglichenen Zellen, Saliency, Vorwärtsmodus und finite Differenzen.',
  'report.recompute.disagrees':
    '✗ Hier nachgerechnet, aus den Gewichten in dieser Datei: {differing} von {checked} Zahlen weichen ab, die erste bei {first}. Trauen Sie dieser Datei nicht; erstellen Sie sie neu.',
  'report.recompute.failed': '✗ Die Zahlen ließen sich nicht nachrechnen: {error}',
};
