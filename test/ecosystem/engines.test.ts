/** The other engines are there, and answer. */
import { bptt, python } from './engines';

test('PyTorch, ONNX, h5py and NumPy run in one Python', () => {
  const code = `
import torch, onnx, h5py, numpy
print((torch.tensor([[1., 2.]]) @ torch.tensor([[3.], [4.]])).item(), onnx.helper.make_tensor('t', 1, [1], [2.5]).float_data[0])`;
  expect(python(code)).toBe('11.0 2.5\n');
});

test('a failure of Python is an error here', () => {
  expect(() => python('raise ValueError("three")')).toThrow('three');
});

test('the command line is built', () => {
  expect(bptt('--version')).toEqual({ status: 0, stdout: '0.1.0\n', stderr: '' });
});
