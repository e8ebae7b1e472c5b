/** The interface of every view: a picture, a sentence and a table of one trace, each a pure function of it. */
import type { Trace } from '../trace.js';
import { hatching } from './grid.js';
import { heading, paragraph } from './legend.js';
import type { Selection } from './select.js';
import { below, inPage, picture } from './svg.js';
import type { Block } from './svg.js';
import type { Table } from './table.js';
import type { Look, NumberMatrix, Style } from './theme.js';

/** One way to look at a trace. All three depend only on their arguments, so that the same trace gives the same text. */
export interface View<T = Trace> {
  /** Its name on the command line: `reach`. */
  readonly name: string;
  /** The picture, an SVG document. */
  svg(trace: T, selection?: Selection, look?: Look): string;
  /** One sentence with the numbers of what is selected. */
  summary(trace: T, selection?: Selection, look?: Look): string;
  /** What the picture shows, as rows. */
  table(trace: T, selection?: Selection, look?: Look): Table;
  /** The picture for a page that supplies the texts: a dense picture, and its companion parts. */
  parts(trace: T, selection?: Selection, look?: Look): Parts;
}

/** A view in pieces, for a page. */
export interface Parts {
  readonly title: string;
  readonly line: string;
  readonly summary: string;
  readonly notes: readonly string[];
  /** An `<svg>` labelled by the elements `ID-title` and `ID-description` of the page, where ID is `Look.id`. */
  readonly svg: string;
  /** The numbers of its grids. */
  readonly matrices: readonly NumberMatrix[];
}

/** What a view draws, and how it looks. */
export interface Drawing extends Sheet {
  readonly style: Style;
}

/** Builds a view from its name, drawing, and table. */
export function viewOf<T>(
  name: string,
  draw: (trace: T, selection: Selection, look: Look) => Drawing,
  summary: View<T>['summary'],
  table: View<T>['table'],
): View<T> {
  return {
    name,
    svg(trace, selection = {}, look = {}) {
      const { style, ...what } = draw(trace, selection, look);
      return sheet(style, what);
    },
    summary,
    table,
    parts(trace, selection = {}, look = {}) {
      const { style, ...what } = draw(trace, selection, { ...look, dense: true });
      const { title, line, notes } = what;
      return { title, line, summary: what.summary, notes, svg: bare(style, what), matrices: style.matrices };
    },
  };
}

/** The parts of a whole picture. */
export interface Sheet {
  readonly title: string;
  /** Its subject: the model, layer and direction. */
  readonly line: string;
  /** The same sentence as `View.summary`. */
  readonly summary: string;
  readonly content: readonly Block[];
  /** Small print under it: rules, conventions. */
  readonly notes: readonly string[];
  /** Definitions of legends' bars. */
  readonly definitions?: string;
}

/** The picture without the surrounding texts, for a page. */
const bare = (style: Style, { content }: Sheet): string => inPage(style.id, style.ink, below(18, ...content));

/** The SVG document of a view: heading, content, its sentence, small print. */
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
