/** Text in HTML. */
import { escape } from '../views/svg.js';

/** Text between tags or in an attribute: markup in it stays text, and what no document may hold becomes U+FFFD. */
export const text = (raw: string | number): string => escape(String(raw));
