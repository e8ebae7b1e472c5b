/** Whether a line of JSON is what an annotation tool exports. */

/** The formats of annotation tools. */
export type AnnotatedFormat = 'doccano' | 'prodigy';

/** The format of an object: of Prodigy, of doccano, or neither. */
export function annotatedFormat(row: string): AnnotatedFormat | undefined {
  let object: unknown;
  try {
    object = JSON.parse(row);
  } catch {
    return undefined; // the parser names the line
  }
  const { text, tokens, label, labels, spans } = (object ?? {}) as Record<string, unknown>;
  if (typeof text !== 'string') return undefined;
  if (Array.isArray(spans)) return 'prodigy';
  const list = label ?? labels;
  return tokens === undefined && Array.isArray(list) && list.every(Array.isArray) ? 'doccano' : undefined;
}
