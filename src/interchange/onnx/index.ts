/** ONNX: a model as a graph of its operators, and back. */
export { exportOnnx } from './export.js';
export { onnxFiles } from './files.js';
export { importOnnx } from './import.js';
export type { OnnxImportOptions } from './import.js';
