/** Whether a line of JSON is what an annotation tool exports. */

/** The formats of annotation tools, and that of `bptt tag --output spans`. */
export type AnnotatedFormat = 'doccano' | 'prodigy' | 'spans';

/** The format of an object: of Prodigy, of doccano, of `spans`, or none of them. */
export function annotatedFormat(row: string): AnnotatedFormat | undefined {
  let object: unknown;
  try {
    object = JSON.parse(row);
  } catch {
    return undefined; // the parser names the line
  }
  const { text, tokens, label, labels, spans, line, sentences } = (object ?? {}) as Record<string, unknown>;
  if (typeof text !== 'string') return undefined;
  if (Array.isArray(spans)) {
    const { type, label: name } = (spans[0] ?? {}) as Record<string, unknown>;
    const own =
      spans.length > 0 ? name === undefined && typeof type === 'string' : [line, sentences].every(Number.isInteger);
    return own ? 'spans' : 'prodigy';
  }
  const list = label ?? labels;
  return tokens === undefined && Array.isArray(list) && list.every(Array.isArray) ? 'doccano' : undefined;
}
