/** Text in HTML. */
import { escape } from '../views/svg.js';

/** Escapes text for use between tags or in an attribute; characters that no document may contain become U+FFFD. */
export const text = (raw: string | number): string => escape(String(raw));
