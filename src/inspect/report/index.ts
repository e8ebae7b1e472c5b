/** Reports: a sentence as one HTML file that recomputes its own numbers. */
export { reportPage } from './page.js';
export type { ReportContent } from './page.js';
