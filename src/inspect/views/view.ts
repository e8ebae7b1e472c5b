/** What every view is: a picture, a sentence and a table of one trace, each a pure function of it. */
import type { Trace } from '../trace.js';
import { hatching } from './heatmap.js';
import { heading, paragraph } from './legend.js';
import type { Selection } from './select.js';
import { below, picture } from './svg.js';
import type { Block } from './svg.js';
import type { Table } from './table.js';
import type { Look, Style } from './theme.js';

/** One way to look at a trace. None of the three reads anything but its arguments, so that the same trace gives the same text. */
export interface View<T = Trace> {
  /** Its name on the command line: `reach`. */
  readonly name: string;
  /** The picture, an SVG document. */
  svg(trace: T, selection?: Selection, look?: Look): string;
  /** One sentence with the numbers of what is selected. */
  summary(trace: T, selection?: Selection, look?: Look): string;
  /** What the picture shows, as rows. */
  table(trace: T, selection?: Selection, look?: Look): Table;
}

/** What a whole picture is made of. */
export interface Sheet {
  readonly title: string;
  /** What it is of: the model, the place. */
  readonly line: string;
  /** The same sentence as `View.summary`. */
  readonly summary: string;
  readonly content: readonly Block[];
  /** Small print under it: rules, conventions. */
  readonly notes: readonly string[];
  /** Definitions of legends' bars. */
  readonly definitions?: string;
}

/** The SVG document of a view: heading, content, its sentence, small print; nothing beside what it is given. */
export function sheet(style: Style, { title, line, summary, content, notes, definitions = '' }: Sheet): string {
  const width = Math.max(480, ...content.map((each) => each.width));
  const small = [paragraph(summary, style, width, style.ink), ...notes.map((text) => paragraph(text, style, width))];
  const body = below(18, heading(title, line, style, width), ...content, below(4, ...small));
  return picture(
    {
      id: style.id,
      title,
      description: summary,
      language: style.strings.language,
      background: style.background,
      ink: style.ink,
      metadata: style.metadata,
      definitions: hatching(style) + definitions,
    },
    body,
  );
}
