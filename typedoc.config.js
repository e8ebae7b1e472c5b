/**
 * The API reference: `npm run docs` writes it into api/, a module for each sub-path of `exports` in package.json. A warning
 * is an error: a public name without a docstring, a type that a reader cannot look up, a broken link.
 */

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  tsconfig: 'tsconfig.build.json',
  out: 'api',
  name: 'bptt',
  includeVersion: true,
  readme: 'none',
  skipErrorChecking: true, // `npm run typecheck` has its own place in `.ci/run`
  treatWarningsAsErrors: true,
  // Shapes of foreign objects, a module of gpu.js and a `WebAssembly.Memory`; the words of views, which are `languages.en`.
  intentionallyNotExported: ['Gpu', 'Memory', 'en'],
  validation: { notExported: true, invalidLink: true, notDocumented: true, invalidPath: true, rewrittenLink: true },
  requiredToBeDocumented: ['Module', 'Function', 'Variable', 'Class', 'Interface', 'TypeAlias', 'Method'],
  hideGenerator: true,
};
