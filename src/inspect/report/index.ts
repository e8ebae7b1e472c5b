/** Reports: a sentence as one HTML file that computes its own numbers again. */
export { reportPage } from './page.js';
export type { ReportContent } from './page.js';
