/** A page of the product as a tree. It is well-formed XML behind its first line, so a parser of XML reads it, and refuses what is not. */
import { SaxesParser } from 'saxes';

/** An element and all that it holds. */
export interface PageNode {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (PageNode | string)[];
}

/** Parses a page. @throws where it is not well-formed */
export function pageTree(html: string): PageNode {
  const root = { name: '', attributes: {}, children: [] as (PageNode | string)[] };
  const open = [root];
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes }) => {
    const node = { name, attributes: attributes as Record<string, string>, children: [] };
    open.at(-1)!.children.push(node);
    open.push(node);
  });
  parser.on('closetag', () => void open.pop());
  parser.on('text', (text) => void open.at(-1)!.children.push(text));
  parser.on('cdata', (text) => void open.at(-1)!.children.push(text));
  parser.on('error', (error) => {
    throw error;
  });
  const raw = html
    .replace(/^<!doctype html>\n/, '')
    .replace(/<(script|style)>([^]*?)<\/\1>/g, '<$1><![CDATA[$2]]></$1>');
  parser.write(raw).close();
  return root;
}

/** All elements that fit, in the order of the page. */
export function all(node: PageNode, fits: (node: PageNode) => boolean): PageNode[] {
  const inside = node.children.flatMap((child) => (typeof child === 'string' ? [] : all(child, fits)));
  return fits(node) ? [node, ...inside] : inside;
}

/** The text of an element and of all in it. */
export function textOf(node: PageNode): string {
  return node.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');
}

/** Whether an element has a class. */
export const ofClass =
  (name: string) =>
  ({ attributes }: PageNode): boolean =>
    (attributes.class ?? '').split(' ').includes(name);

export const ofName =
  (name: string) =>
  (node: PageNode): boolean =>
    node.name === name;
