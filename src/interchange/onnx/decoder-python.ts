/** The Python decoder written next to an ONNX file: the twin of the one in `decoder-js.ts`; it needs only NumPy. */

const DECODER = String.raw`"""Written by bptt next to STEM.onnx: from words to its inputs, from its outputs to labels. Needs NumPy.
    codec = runpy.run_path('STEM.decode.py')['Decoder']('STEM.decode.json')
    outputs = session.run(codec.outputs, codec.encode(sentences))     # sentences are lists of words
    tags = codec.decode(outputs, sentences)                           # [{head: labels, or the label of the sentence}]
"""
import json, os, re, runpy, unicodedata
import numpy as np
SETUPdef of(c, kinds): return unicodedata.category(c).startswith(kinds)
def nfc(w): return w if 'M' * 64 in ''.join('M' if of(c, 'M') else '.' for c in w) else unicodedata.normalize('NFC', w)
def signatures_of(word):
    letters, end, case = [c for c in word if of(c, 'L')], word.lower(), 'C' if of(word[:1] or '.', 'Lu') else 'a'
    kind = 'A' if len(letters) > 1 and all(of(c, 'Lu') for c in letters) else case if letters else '.'
    shape = ('0' if any(of(c, 'Nd') for c in word) else kind) + ('-' if re.search('.-.', word) else '')
    return [shape + '~' + end[-n:] for n in (3, 2, 1) if n < len(end)] + [shape]
def words(reader):
    ids = {w: i for i, w in enumerate(['<unk>'] + reader['words'])}
    known = {s: len(ids) + i for i, s in enumerate(reader['signatures'] or [])}
    def read(w):
        for spelled in [w, w.lower()] if reader['signatures'] is not None else [w]:
            form = nfc(spelled.lower() if reader['lowerCase'] else spelled)
            if form in ids: return [ids[form]]
        return [next((known[s] for s in signatures_of(nfc(w)) if s in known), 0)]
    return read
def best_path(rows, chain):
    def part(key): return np.nan_to_num(np.array(chain[key], float), nan=-np.inf)  # null: forbidden
    start, A, end = part('start'), part('transitions'), part('end')
    d, froms = start + rows[0], []
    for row in rows[1:]:
        froms.insert(0, (d[:, None] + A).argmax(0))
        d = (d[:, None] + A).max(0) + row
    path = [int((d + end).argmax())]
    for each in froms: path.insert(0, int(each[path[0]]))
    return path
class Decoder:
    def __init__(self, path):
        with open(path, encoding='utf-8') as file: data = json.load(file)
        self.heads, self.outputs = data['heads'], [head['output'] for head in data['heads']]
        self.readers = [(r['kind'], KINDS[r['kind']](r), r.get('columns')) for r in data['readers']]
    def encode(self, sentences):
        B, T = len(sentences), max([1] + [len(s) for s in sentences])
        feeds = {'lengths': np.array([len(s) for s in sentences], np.int32)}
        for kind, read, columns in self.readers:
            rows = [(b, t, read(w)) for b, s in enumerate(sentences) for t, w in enumerate(s)]
            ids = np.zeros((B, T, columns or max([1] + [len(r) for _, _, r in rows])), np.int64)
            feeds[kind], letters = ids[:, :, 0] if columns == 1 else ids, np.zeros((B, T), np.int32)
            for b, t, r in rows: ids[b, t, :len(r)], letters[b, t] = r, len(r)
            if kind == 'characters': feeds['letters'] = letters
        return feeds
    def decode(self, outputs, sentences):
        pairs = list(zip(self.heads, outputs))
        return [{h['name']: self.labels(h, y[b], len(s)) for h, y in pairs} for b, s in enumerate(sentences)]
    def labels(self, head, scores, n):
        labels, rows, given = head['labels'], scores.astype(float), head.get('given')
        if head['unit'] == 'sentence': return labels[int(rows.argmax())] if n else None
        path = best_path(rows[:n], head['chain']) if n and 'chain' in head else [int(j) for j in rows[:n].argmax(1)]
        ends = [len(labels)] + path + [len(labels)]
        def named(j, t): return given[j]['labels'][given[j]['before'][ends[t]]][given[j]['behind'][ends[t + 2]]]
        return [named(j, t) if given else labels[j] for t, j in enumerate(path)]
`;

const SPELLING = String.raw`"""Written by bptt next to STEM.onnx: how STEM.decode.py reads the spelling of words."""
import re, unicodedata

def of(c, kinds): return unicodedata.category(c).startswith(kinds)
def nfc(w): return w if 'M' * 64 in ''.join('M' if of(c, 'M') else '.' for c in w) else unicodedata.normalize('NFC', w)
def units(text): return len(text.encode('utf-16-le')) // 2

def spelling(token):
    word = nfc(token)
    start, end = word[:32], word[-32:]
    return start + end if units(word) > 64 and units(start) + units(end) < units(word) else word

def form_of(c):
    forms = (('Lu', 'X'), ('Lt', 'X'), ('L', 'x'), ('N', 'd'), ('M', ''))
    return next((form for kind, form in forms if of(c, kind)), c)

def shape_of(word): return re.sub(r'(.)\1{4,}', r'\1\1\1\1', ''.join(form_of(c) for c in spelling(word)), flags=re.S)

def hashed(text):
    h, units = 0x811C9DC5, text.encode('utf-16-le')
    for i in range(0, len(units), 2): h = (h ^ (units[i] + 256 * units[i + 1])) * 0x01000193 % 2**32
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)): h = (h ^ (h >> shift)) * factor % 2**32
    return h ^ (h >> 16)

def characters(reader):
    ids = {c: i + 1 for i, c in enumerate(reader['characters'])}
    cut = list
    if reader['unit'] == 'grapheme':
        import regex  # graphemes need the package regex
        cut = regex.compile(r'\X').findall
    return lambda word: [ids.get(c, 0) for c in cut(spelling(word))] or [0]

def affixes(reader):
    k, exact, known = reader['prefixes'] + reader['suffixes'] + 2, 'exact' in reader, reader.get('known')
    at = None if known is None else {h: k + i if exact else h % reader['rows'] for i, h in enumerate(known)}
    def row(name, value, j):
        h = hashed(name + '\0' + value)
        if at is None: return h % reader['rows']
        return at.get(h, j if exact else hashed(name + '\0\0') % reader['rows'])
    def read(word):
        lower = spelling(word).lower()
        values = [('prefix %d' % n, lower[:n]) for n in range(1, reader['prefixes'] + 1)]
        values += [('suffix %d' % n, lower[-n:]) for n in range(1, reader['suffixes'] + 1)]
        values += [('shape', shape_of(word)), ('lower case', lower)]
        return [row(name, value, j) for j, (name, value) in enumerate(values)]
    return read

def vectors(reader):
    rows, digits = {w: i + 1 for i, w in enumerate(reader['words']) if w != '<unk>'}, reader['digits']
    def key(w): return w if re.fullmatch('[!-~]*', w) else nfc(w).replace(' ', '_')
    def read(word):
        own = [key(word), key(word.lower())]
        if digits != 'keep': own += [''.join(digits if of(c, 'Nd') else c for c in w) for w in own]
        return [next((rows[w] for w in own if w in rows), 0)]
    return read
`;

/** Returns the decoder of a model whose files are named after `stem`. @param spelled the encoders that read the spelling of words */
export function decoderInPython(stem: string, spelled: readonly string[]): string {
  const text = named(DECODER, stem);
  if (spelled.length === 0) {
    return text
      .replace('json, os, re, runpy, ', 'json, re, ')
      .replace('SETUP', '')
      .replace('KINDS', '{"words": words}');
  }
  const file = `os.path.join(os.path.dirname(__file__), ${JSON.stringify(`${stem}.spelling.py`)})`;
  return text
    .replace('SETUP', () => `KINDS = runpy.run_path(${file})\n`)
    .replace('class Decoder', "KINDS['words'] = words\nclass Decoder");
}

/** The code it runs for a model that reads the spelling of words. */
export const spellingInPython = (stem: string): string => named(SPELLING, stem);

const named = (text: string, stem: string): string => text.replaceAll('STEM', () => stem);
