// The specification of `data/digits/model.json` as polkadot.js takes it.

// #region specification
const tensor = (dtype, ...shape) => ({ dtype, shape });
// A layer's parameters: the weight, and a bias, a multiplier and a shift for each of its outputs.
const layer = (n, ...rest) => [tensor('I8', n, ...rest), tensor('I32', n), tensor('I32', n), tensor('U8', n)];
const by = (first) => ({ weight: first, requant: { bias: first + 1, mult: first + 2, shift: first + 3 } });
const padding = (n) => ({ top: n, bottom: n, left: n, right: n });
const conv = (first) => ({ Conv2d: { ...by(first), stride: [1, 1], padding: padding(1), groups: 1 } });
const relu = { Clamp: { min: 0, max: 127 } };
const pool = { MaxPool2d: { kernel: [2, 2], stride: [2, 2], padding: padding(0) } };

export const digits = (blob, records) => ({
  graph: {
    version: 1,
    inputs: [tensor('I8', 8, 8, 1)],
    params: [...layer(16, 3, 3, 1), ...layer(32, 3, 3, 16), ...layer(10, 128)],
    nodes: [
      { op: conv(0), inputs: [0], output: tensor('I8', 8, 8, 16) },
      { op: relu, inputs: [1], output: tensor('I8', 8, 8, 16) },
      { op: pool, inputs: [2], output: tensor('I8', 4, 4, 16) },
      { op: conv(4), inputs: [3], output: tensor('I8', 4, 4, 32) },
      { op: relu, inputs: [4], output: tensor('I8', 4, 4, 32) },
      { op: pool, inputs: [5], output: tensor('I8', 2, 2, 32) },
      { op: 'Reshape', inputs: [6], output: tensor('I8', 128) },
      { op: { Dense: by(8) }, inputs: [7], output: tensor('I16', 10) },
    ],
    outputs: [8],
  },
  objective: {
    metric: 'Accuracy',
    target: { tensor: tensor('U8'), ignore: null },
    minImprovement: 2,
    confidence: { p: 384, q: 100 },
  },
  data: { Fixed: { blob, records } },
});
// #endregion
