/** The tests that need gpu.js, a display and a browser; `npm run test:gpu`. Their packages are those of this folder. */
import base from '../../jest.config.js';

export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/gpu'],
  modulePaths: ['<rootDir>/test/gpu/node_modules'],
  testPathIgnorePatterns: ['/node_modules/'],
};
