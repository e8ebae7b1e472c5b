/**
 * The script of the page: it shows the errors that match the controls, and hides the others. The page contains the source text of
 * these functions, so they may use only each other and their arguments.
 */

/** The part of a DOM element that the script needs. */
interface PageElement {
  hidden: boolean;
  textContent: string;
  value: string;
  checked: boolean;
  type: string;
  readonly dataset: Readonly<Record<string, string | undefined>>;
  readonly tagName: string;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  closest(selector: string): PageElement | null;
  contains(other: PageElement | null): boolean;
  addEventListener(event: string, hear: (event: PageEvent) => void): void;
  replaceChildren(...children: PageElement[]): void;
  setAttribute(name: string, value: string): void;
  reset(): void;
  focus(): void;
  scrollIntoView(options?: object): void;
}

interface PageEvent {
  readonly key: string;
  readonly target: PageElement;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  preventDefault(): void;
}

interface PageDocument extends PageElement {
  readonly activeElement: PageElement | null;
  createElement(name: string): PageElement;
}

/** The filter values of a head's controls, by name; undefined for no restriction. */
function askedOf(head: PageElement): Record<string, string> {
  const asked: Record<string, string> = {};
  for (const control of head.querySelectorAll('.filters select, .filters input[type=search]')) {
    const name = (control as unknown as { name: string }).name;
    if (control.value !== '') asked[name] = control.value;
  }
  return asked;
}

function answers(error: PageElement, asked: Record<string, string>): boolean {
  for (const name of ['kind', 'gold', 'predicted', 'words']) {
    if (asked[name] !== undefined && error.dataset[name] !== asked[name]) return false;
  }
  if (asked.sure === undefined) return true;
  const [from, to] = asked.sure.split('-').map(Number);
  const sure = error.dataset.sure === undefined ? NaN : Number(error.dataset.sure);
  return sure >= from && (sure < to || to === 1);
}

/** Shows the matching errors and their number. */
function showAsked(head: PageElement): void {
  const asked = askedOf(head);
  const wanted = (asked.text ?? '').toLowerCase();
  const counts = { sentences: 0, shownSentences: 0, errors: 0, shownErrors: 0 };
  for (const sentence of head.querySelectorAll('.sentence')) {
    const fits =
      (asked.length === undefined || sentence.dataset.length === asked.length) &&
      (wanted === '' || (sentence.querySelector('.text')?.textContent ?? '').toLowerCase().includes(wanted));
    let any = false;
    for (const error of sentence.querySelectorAll('.error')) {
      error.hidden = !(fits && answers(error, asked));
      counts.errors++;
      if (!error.hidden) counts.shownErrors++;
      any = any || !error.hidden;
    }
    sentence.hidden = !any;
    counts.sentences++;
    if (any) counts.shownSentences++;
  }
  const status = head.querySelector('[role=status]');
  if (status)
    status.textContent = `Shown: ${counts.shownErrors} of ${counts.errors} errors, in ${counts.shownSentences} of ${counts.sentences} sentences.`;
}

/** Moves to the next or previous visible sentence. */
function goTo(page: PageDocument, head: PageElement, by: number): void {
  const shown = [...head.querySelectorAll('.sentence')].filter((sentence) => !sentence.hidden);
  const at = shown.findIndex((sentence) => sentence.contains(page.activeElement));
  const next = at < 0 ? (by > 0 ? 0 : shown.length - 1) : Math.max(0, Math.min(shown.length - 1, at + by));
  shown[next]?.focus();
  shown[next]?.scrollIntoView({ block: 'nearest' });
}

/** Turns a heat map cell into a button that selects its errors. */
function makeButton(page: PageDocument, head: PageElement, cell: PageElement): void {
  const button = page.createElement('button');
  button.type = 'button';
  button.textContent = cell.textContent;
  cell.replaceChildren(button);
  button.addEventListener('click', () => {
    head.querySelector('.filters')?.reset();
    for (const name of ['kind', 'gold', 'predicted']) {
      const control = head.querySelector(`.filters select[name=${name}]`);
      if (control && cell.dataset[name] !== undefined) control.value = cell.dataset[name];
    }
    showAsked(head);
    head.querySelector('.filters')?.scrollIntoView({ block: 'start' });
    goTo(page, head, 1);
  });
}

/** Handles a key; keys with a modifier, and those typed into a field, are ignored. */
function answerKey(page: PageDocument, event: PageEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target, key } = event;
  const isTyped = target.tagName === 'SELECT' || (target.tagName === 'INPUT' && target.type !== 'checkbox');
  const head = page.activeElement?.closest('.head') ?? page.querySelector('.head');
  if (!head || isTyped || !head.querySelector('input[name=keys]')?.checked) return;
  if (key === 'j' || key === 'k') goTo(page, head, key === 'j' ? 1 : -1);
  else if (key === '/') head.querySelector('input[name=text]')?.focus();
  else if (key === 'x') {
    head.querySelector('.filters')?.reset();
    showAsked(head);
  } else return;
  event.preventDefault();
}

/** Starts listening. */
function start(page: PageDocument): void {
  for (const head of page.querySelectorAll('.head')) {
    const form = head.querySelector('.filters');
    if (!form) continue;
    form.hidden = false;
    form.addEventListener('input', () => showAsked(head));
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('reset', () => void setTimeout(() => showAsked(head), 0)); // the controls are reset after this event
    for (const cell of head.querySelectorAll('td[data-gold], td[data-predicted]')) makeButton(page, head, cell);
    showAsked(head);
  }
  page.addEventListener('keydown', (event) => answerKey(page, event));
}

const PARTS = [askedOf, answers, showAsked, goTo, makeButton, answerKey, start];

/** The text of the script. */
export const SCRIPT = `"use strict";(()=>{${PARTS.map(String).join('\n')}\nstart(document)})()`;
