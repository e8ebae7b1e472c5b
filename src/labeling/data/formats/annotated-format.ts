/** Recognizes lines of JSON exported by annotation tools. */

/** The formats of annotation tools, and that of `bptt tag --output spans`. */
export type AnnotatedFormat = 'doccano' | 'prodigy' | 'spans';

/** Returns the format of an object: Prodigy, doccano, `spans`, or undefined for none of them. */
export function annotatedFormat(row: string): AnnotatedFormat | undefined {
  let object: unknown;
  try {
    object = JSON.parse(row);
  } catch {
    return undefined; // the parser reports the line
  }
  const { text, tokens, label, labels, entities, spans, line, sentences } = (object ?? {}) as Record<string, unknown>;
  if (typeof text !== 'string') return undefined;
  if (Array.isArray(spans)) {
    const { type, label: name } = (spans[0] ?? {}) as Record<string, unknown>;
    const own =
      spans.length > 0 ? name === undefined && typeof type === 'string' : [line, sentences].every(Number.isInteger);
    return own ? 'spans' : 'prodigy';
  }
  if (tokens !== undefined) return undefined;
  const list = label ?? labels;
  if (list !== undefined) return Array.isArray(list) && list.every(Array.isArray) ? 'doccano' : undefined;
  return Array.isArray(entities) && entities.every(isEntity) ? 'doccano' : undefined;
}

/** Whether it is an entity as listed in the `entities` of doccano projects with relations, or of spaCy's training data. */
const isEntity = (value: unknown): boolean =>
  Array.isArray(value) ||
  (typeof value === 'object' && value !== null && ('start_offset' in value || 'start' in value));
