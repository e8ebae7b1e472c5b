/** Exports a model as an ONNX file. */
import { decodeSafetensors, saveModel } from '../../labeling/index.js';
import type { Model } from '../../labeling/index.js';
import { expectModel } from '../../labeling/model/checks.js';
import { UnsupportedError } from '../../tensor/errors.js';
import { graphOf } from './graph.js';
import { encodeOnnx } from './proto.js';

/** Versions written: a file format and an operator set that ONNX 1.12 and all later versions read. */
export const IR_VERSION = 8;
export const OPSET = 14;

/**
 * Returns the bytes of an ONNX model that computes the scores of every head for padded batches of sentences. The same model gives
 * the same bytes.
 *
 * Tensors that do not belong to the model (`model.foreign`) are left out. The metadata holds everything that a model file of this
 * package contains besides its tensors, so that `importOnnx` restores the same model.
 *
 * @throws UnsupportedError if a part has no counterpart in ONNX: an ensemble, a custom encoder or head, a custom cell without
 *   equations
 */
export function exportOnnx(model: Model): Uint8Array {
  expectModel('exportOnnx', model);
  if (model.members !== undefined) {
    throw new UnsupportedError(
      `onnx: an ensemble of ${model.members.length} models averages label probabilities, which the graph cannot do: export a single model`,
    );
  }
  const { metadata } = decodeSafetensors(saveModel({ ...model, foreign: undefined }));
  const order = Object.keys(metadata).sort();
  return encodeOnnx({
    irVersion: IR_VERSION,
    opset: OPSET,
    producer: 'bptt',
    graph: graphOf(model),
    metadata: Object.fromEntries(order.map((key) => [`bptt.${key}`, metadata[key]])),
  });
}
