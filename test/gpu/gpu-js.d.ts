/** The types of gpu.js are not those of any one version: `src/kernels/gpu/device/library.ts` says what is used of it. */
declare module 'gpu.js';
