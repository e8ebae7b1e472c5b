/**
 * Spans in label sequences by the strict rule: a span counts only if its labels follow a scheme from its first token to the label after its
 * last one. All other labels count as outside every span.
 *
 * The rule is that of seqeval's strict mode (Nakayama, seqeval: A Python framework for sequence labeling evaluation, 2018), scheme by
 * scheme: which pair of neighboring labels starts a span, which continues it, and which ends it. From a pair that starts a span, the span
 * is followed as long as pairs continue it, and counts if the next pair ends it. So IOB2 requires B at the beginning, IOE2 E at the end,
 * IOBES and BILOU both. A B of IOB1 that does not follow a span of its type starts none. There is one difference from that library: in IOE1
 * the library starts no span at an E after `O` or another type, and so loses a span of one token that touches the next. Here well-formed
 * labels have all their spans.
 */
import { expectOneOf } from '../../tensor/checks.js';
import { expectWords } from '../checks.js';
import type { Scheme } from '../data/schemes.js';
import type { Span } from './spans.js';

/** Pairs of positions, of the previous label and the current one: `*` for any types, `=` for equal types, `!` for different types. */
interface Pairs {
  readonly starts: string;
  readonly inside: string;
  readonly ends: string;
}

/** `.` is any position. A sentence begins after an O, and ends before one. */
const PAIRS: Readonly<Record<Scheme, Pairs>> = {
  IOB1: { starts: 'OI* II! BI* IB= BB=', inside: 'BI= II=', ends: 'II! IO* IB* BO* BI! BB=' },
  IOB2: { starts: '.B*', inside: 'BI= II=', ends: 'IO* II! IB* BO* BI! BB*' },
  IOE1: { starts: 'OI* II! EI* OE* IE! EE*', inside: 'II= IE=', ends: 'II! IO* IE! EI= EE=' },
  IOE2: { starts: 'OI* OE* EI* EE* II! IE!', inside: 'IE= II=', ends: 'E.*' },
  IOBES: { starts: '.B* .S*', inside: 'BI= BE= II= IE=', ends: 'S.* E.*' },
  BILOU: { starts: '.B* .U*', inside: 'BI= BL= II= IL=', ends: 'U.* L.*' },
};

/** The positions of a scheme; a label with another position, or without one, is outside. */
const POSITIONS: Readonly<Record<Scheme, string>> = {
  IOB1: 'IB',
  IOB2: 'IB',
  IOE1: 'IE',
  IOE2: 'IE',
  IOBES: 'IBES',
  BILOU: 'IBLU',
};

interface Part {
  readonly position: string;
  readonly type: string;
}

const OUTSIDE: Part = { position: 'O', type: '' };

/** Returns the well-formed spans of one sentence, from left to right. @throws ArgumentError on an unknown scheme */
export function strictSpansOf(labels: readonly string[], scheme: Scheme): Span[] {
  expectWords('strictSpansOf', 'labels', labels);
  expectOneOf('strictSpansOf', 'scheme', scheme, Object.keys(PAIRS));
  const { starts, inside, ends } = PAIRS[scheme];
  const parts = labels.map((label) => partOf(label, POSITIONS[scheme]));
  const at = (i: number): Part => parts[i] ?? OUTSIDE;
  const spans: Span[] = [];
  for (let start = 0; start < parts.length;) {
    if (!isAmong(starts, at(start - 1), at(start))) {
      start++;
      continue;
    }
    let end = start + 1;
    while (isAmong(inside, at(end - 1), at(end))) end++;
    if (isAmong(ends, at(end - 1), at(end))) spans.push({ type: at(start).type, start, end });
    start = end;
  }
  return spans;
}

function partOf(label: string, positions: string): Part {
  const match = /^([BIESLU])(?:-(.*))?$/su.exec(label);
  return match && positions.includes(match[1]) ? { position: match[1], type: match[2] ?? '' } : OUTSIDE;
}

function isAmong(pairs: string, before: Part, here: Part): boolean {
  return pairs.split(' ').some(([first, second, types]) => {
    if ((first !== '.' && first !== before.position) || (second !== '.' && second !== here.position)) return false;
    return types === '*' || (types === '=') === (before.type === here.type);
  });
}
