/** Every room of the package under one name. Each is a sub-path of its own too: `bptt/cells`, `bptt/labeling`. */
export * from './tensor/index.js';
export * from './kernels/index.js';
export * from './cells/index.js';
export * from './autograd/index.js';
export * from './layers/index.js';
export * from './optim/index.js';
export * from './labeling/index.js';
