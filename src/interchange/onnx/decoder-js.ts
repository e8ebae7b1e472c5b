/**
 * The JavaScript decoder written next to an ONNX file: it converts words to integers and scores to labels. It shares no code with
 * this package and runs in Node and in browsers. For a model that reads the spelling of words, a second file holds the code for
 * that.
 */

const DECODER = String.raw`// Written by bptt next to STEM.onnx: from words to its inputs, from its outputs to labels, in Node or a browser.
//   const { encode, decode } = decoder(data);                        the data is STEM.decode.json, parsed
//   const feeds = encode(ort.Tensor, sentences);                     sentences are lists of words
//   const tags = decode(await session.run(feeds), sentences);        [{ head: labels, or the label of the sentence }]
IMPORTconst nfc = (word) => (/\p{M}{64}/u.test(word) ? word : word.normalize('NFC'));
const best = (row) => row.reduce((top, x, j) => (x > row[top] ? j : top), 0); // of equals the first
function signaturesOf(word) {
  const letters = word.match(/\p{L}/gu) ?? [], all = Array.from(word.toLowerCase()), upper = (s) => /^\p{Lu}/u.test(s);
  const kind = letters.length > 1 && letters.every(upper) ? 'A' : letters.length === 0 ? '.' : upper(word) ? 'C' : 'a';
  const shape = (/\p{Nd}/u.test(word) ? '0' : kind) + (/.-./u.test(word) ? '-' : '');
  return [3, 2, 1].filter((n) => n < all.length).map((n) => shape + '~' + all.slice(-n).join('')).concat(shape);
}
function words({ words, lowerCase, signatures }) {
  const ids = new Map(['<unk>', ...words].map((w, id) => [w, id])), fold = (w) => nfc(lowerCase ? w.toLowerCase() : w);
  const known = new Map(signatures?.map((s, i) => [s, ids.size + i]));
  const unknown = (w) => (w === '<unk>' ? 0 : (known.get(signaturesOf(nfc(w)).find((s) => known.has(s))) ?? 0));
  return (w) => [ids.get(fold(w)) ?? (signatures ? (ids.get(fold(w.toLowerCase())) ?? unknown(w)) : 0)];
}
function bestPath(rows, { start, transitions, end }) {
  const at = (score) => score ?? -Infinity, froms = []; // null: forbidden
  let d = rows[0].map((x, j) => at(start[j]) + x);
  for (const row of rows.slice(1)) {
    const from = row.map((_, j) => best(d.map((x, i) => x + at(transitions[i][j]))));
    d = row.map((x, j) => d[from[j]] + at(transitions[from[j]][j]) + x);
    froms.unshift(from);
  }
  const path = [best(d.map((x, j) => x + at(end[j])))];
  return froms.reduce((later, from) => [from[later[0]], ...later], path);
}

function labelsOf({ unit, labels, chain, given }, { data, dims }, length, b) {
  const K = labels.length, row = (n) => Array.from(data.subarray(n * K, n * K + K));
  if (unit === 'sentence') return length > 0 ? labels[best(row(b))] : undefined;
  const rows = Array.from({ length }, (_, t) => row(b * dims[1] + t));
  const path = chain && length > 0 ? bestPath(rows, chain) : rows.map(best), beside = (t) => path[t] ?? K;
  const inScheme = ({ before, behind, labels: all }, t) => all[before[beside(t - 1)]][behind[beside(t + 1)]];
  return path.map((j, t) => (given ? inScheme(given[j], t) : labels[j]));
}

export function decoder({ readers, heads }) {
  const kinds = KINDS, read = readers.map((r) => ({ ...r, of: kinds[r.kind](r) }));
  const tagsOf = (outs, n, b) => Object.fromEntries(heads.map((h) => [h.name, labelsOf(h, outs[h.output], n, b)]));
  const decode = (outputs, sentences) => sentences.map((s, b) => tagsOf(outputs, s.length, b));
  function encode(Tensor, sentences) {
    const B = sentences.length, T = Math.max(1, ...sentences.map((s) => s.length));
    const feeds = { lengths: new Tensor('int32', Int32Array.from(sentences, (s) => s.length), [B]) };
    for (const { kind, of, columns } of read) {
      const all = sentences.map((s) => s.map(of)), C = columns ?? Math.max(1, ...all.flat().map((ids) => ids.length));
      const ids = new BigInt64Array(B * T * C), counts = new Int32Array(B * T);
      const put = (own, place) => (ids.set(own.map(BigInt), place * C), (counts[place] = own.length));
      all.forEach((s, b) => s.forEach((own, t) => put(own, b * T + t)));
      feeds[kind] = new Tensor('int64', ids, columns === 1 ? [B, T] : [B, T, C]);
      if (kind === 'characters') feeds.letters = new Tensor('int32', counts, [B, T]);
    }
    return feeds;
  }
  return { encode, decode };
}`;

const SPELLING = String.raw`// Written by bptt next to STEM.onnx: how STEM.decode.mjs reads the spelling of words.
const nfc = (word) => (/\p{M}{64}/u.test(word) ? word : word.normalize('NFC'));

function spelling(token) {
  const word = nfc(token), all = Array.from(word), start = all.slice(0, 32).join(''), end = all.slice(-32).join('');
  return word.length > 64 && start.length + end.length < word.length ? start + end : word;
}

const FORMS = [[/[\p{Lu}\p{Lt}]/u, 'X'], [/\p{L}/u, 'x'], [/\p{N}/u, 'd'], [/\p{M}/u, '']];
const formOf = (c) => (FORMS.find(([form]) => form.test(c)) ?? [c, c])[1];
const shapeOf = (word) => Array.from(spelling(word), formOf).join('').replace(/(.)\1{4,}/gsu, '$1$1$1$1');

function hash(text) {
  let h = text.split('').reduce((x, c) => Math.imul(x ^ c.charCodeAt(0), 0x01000193), 0x811c9dc5);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export function characters({ unit, characters }) {
  const ids = new Map(characters.map((c, i) => [c, i + 1])), cutter = new Intl.Segmenter('en');
  const cut = (word) => (unit === 'code-point' ? Array.from(word) : Array.from(cutter.segment(word), (s) => s.segment));
  return (word) => (spelling(word) === '' ? [0] : cut(spelling(word)).map((c) => ids.get(c) ?? 0));
}

export function affixes({ prefixes, suffixes, rows, known, exact }) {
  const k = prefixes + suffixes + 2, at = known && new Map(known.map((h, i) => [h, exact ? k + i : h % rows]));
  const row = (h, name, j) => (at ? (at.get(h) ?? (exact ? j : hash(name + '\0\0') % rows)) : h % rows);
  const named = (n, name) => Array.from({ length: n }, (_, k) => [name + ' ' + (k + 1), k + 1]);
  return (word) => {
    const lower = spelling(word).toLowerCase(), all = Array.from(lower);
    const values = [
      ...named(prefixes, 'prefix').map(([name, n]) => [name, all.slice(0, n).join('')]),
      ...named(suffixes, 'suffix').map(([name, n]) => [name, all.slice(-n).join('')]),
      ['shape', shapeOf(word)],
      ['lower case', lower],
    ];
    return values.map(([name, value], j) => row(hash(name + '\0' + value), name, j));
  };
}

export function vectors({ words, digits }) {
  const rows = new Map(words.map((word, i) => [word, i + 1]));
  const key = (word) => (/^[!-~]*$/.test(word) ? word : nfc(word).replaceAll(' ', '_'));
  rows.delete('<unk>');
  return (word) => {
    const own = [key(word), key(word.toLowerCase())];
    const all = digits === 'keep' ? own : [...own, ...own.map((each) => each.replace(/\p{Nd}/gu, digits))];
    return [rows.get(all.find((each) => rows.has(each))) ?? 0];
  };
}
`;

/** Returns the decoder of a model whose files are named after `stem`. @param spelled the encoders that read the spelling of words */
export function decoderInJavaScript(stem: string, spelled: readonly string[]): string {
  const file = JSON.stringify(`./${stem}.spelling.mjs`).replaceAll("'", "\\'").replaceAll('"', "'");
  const line = spelled.length > 0 ? `import { ${spelled.join(', ')} } from ${file};\n` : '';
  const kinds = `{ ${['words', ...spelled].join(', ')} }`;
  return named(DECODER, stem).replace('IMPORT', () => line).replace('KINDS', () => kinds); // prettier-ignore
}

/** Its import for a model that reads the spelling of words. */
export const spellingInJavaScript = (stem: string): string => named(SPELLING, stem);

const named = (text: string, stem: string): string => text.replaceAll('STEM', () => stem);
