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

/** Whether it is what doccano's projects with relations list as `entities`, or spaCy's training data does. */
const isEntity = (value: unknown): boolean =>
  Array.isArray(value) ||
  (typeof value === 'object' && value !== null && ('start_offset' in value || 'start' in value));
