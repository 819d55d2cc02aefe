/**
 * The runtime under a model broke down (a WebAssembly module that aborted): every later call of the same model fails too,
 * however small its batch. Not a row's fault: dispose the model, load it again, and score the batch anew.
 */
export class ModelLostError extends Error {
  override readonly name = 'ModelLostError';
}
