/** Optional peer dependencies: packages that only some installations have. */
import { UnsupportedError } from './errors.js';

/**
 * Loads an optional peer dependency. A bundler resolves every import with a literal name, and would demand a package that the
 * application does not use; this name is not a literal. A bundled application imports the package and passes it as the option
 * `library`.
 *
 * @param purpose what needs the package; the error message begins with it
 * @throws UnsupportedError if it is not installed, or cannot be loaded
 */
export async function loadPeer(name: string, purpose = ''): Promise<unknown> {
  try {
    return await import(/* webpackIgnore: true */ /* @vite-ignore */ name);
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    const isAbsent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    const state = isAbsent
      ? `is not installed; install it: npm i ${name}`
      : `cannot be loaded (${String(message).split('\n')[0]}); in a bundle or a page, import it and pass it as the option library`;
    throw new UnsupportedError(`${purpose}${name} ${state}`, { cause: error });
  }
}
