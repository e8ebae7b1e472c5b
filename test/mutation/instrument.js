/**
 * The mutants of StrykerJS, all of them in one text of each source: `instrument` puts every mutant behind a switch, and the number
 * of the mutant that is on is given to the module when it is loaded. So a source is parsed and compiled once for all its mutants.
 */
import { createInstrumenter } from '@stryker-mutator/instrumenter';
import { createInjector } from 'typed-inject';

const quiet = () => undefined;
const logger = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet, fatal: quiet };
for (const level of ['Trace', 'Debug', 'Info', 'Warn', 'Error', 'Fatal']) logger[`is${level}Enabled`] = () => false;

/** `keysOf({ known: true, … })` reads the keys alone; a value of another kind is an error of types. */
const keyTables = {
  shouldIgnore(path) {
    const call = path.isBooleanLiteral() && path.findParent((parent) => parent.isCallExpression());
    return call && call.node.callee.name === 'keysOf' ? 'only the keys are read' : undefined;
  },
};

/**
 * Mutates sources.
 *
 * @param sources texts by path
 * @returns `mutants`, each with its `id`, `file`, `location` (line and column from 1) and `replacement`; and `texts` by path, in which a mutant is on where `__on(id)` is true, and `__seen(ids)` is called where
 *   mutants are reached
 */
export async function instrument(sources) {
  const files = Object.entries(sources).map(([name, content]) => ({ name, content, mutate: true }));
  const options = { excludedMutations: ['StringLiteral'], noHeader: true, ignorers: [keyTables], plugins: null };
  const injector = createInjector().provideValue('logger', logger);
  const result = await injector.injectFunction(createInstrumenter).instrument(files, options);
  const mutants = result.mutants
    .filter(({ status }) => status !== 'Ignored')
    .map(({ id, fileName, location, replacement, mutatorName }) => ({
      id: Number(id),
      file: fileName,
      mutatorName,
      replacement,
      location: { start: fromOne(location.start), end: fromOne(location.end) },
    }));
  const texts = Object.fromEntries(result.files.map(({ name, content }) => [name, switches(content)]));
  return { mutants, texts };
}

const fromOne = ({ line, column }) => ({ line: line + 1, column: column + 1 });

/** Stryker's calls by the names that the loader gives to a module, their ids as numbers. */
function switches(text) {
  return text
    .replace(/stryMutAct_9fa48\("(\d+)"\)/g, '__on($1)')
    .replace(/stryCov_9fa48\(([^()]*)\)/g, (_, ids) => `__seen(${ids.replace(/"/g, '')})`);
}

/** The text with one mutant left in it: what is not on costs nothing. */
export function only(mutant, text) {
  return text
    .replace(/\b__on\((\d+)\)/g, (all, id) => (Number(id) === mutant ? all : 'false'))
    .replace(/\b__seen\([\d, ]*\)/g, '0');
}
