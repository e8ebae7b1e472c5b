/** The equations of the cells in TeX, in the order of their headers in src/cells and with the same numbers. A prime marks the step before. */

const loss = [String.raw`z = h W + b \qquad p = \operatorname{softmax}(z) \qquad L = -\log p_{\text{gold}}`];
const lossBack = [String.raw`\mathrm{d}z = p - e_{\text{gold}} \qquad \mathrm{d}h \mathrel{+}= \mathrm{d}z\, W^\top`];
const inputs = [
  String.raw`\mathrm{d}x = \mathrm{d}a\, W_x^\top \qquad \mathrm{d}W_x \mathrel{+}= x^\top \mathrm{d}a \qquad \mathrm{d}b \mathrel{+}= \mathrm{d}a`,
];

const rnn = (fn, slope) => ({
  forward: [String.raw`(1)\quad a = x W_x + b + h' W_h`, String.raw`(2)\quad h = ${fn}`, ...loss],
  backward: [
    ...lossBack,
    String.raw`(2)\quad \mathrm{d}a = \mathrm{d}h \odot ${slope}`,
    String.raw`(1)\quad \mathrm{d}h' \mathrel{+}= \mathrm{d}a\, W_h^\top \qquad \mathrm{d}W_h \mathrel{+}= h'^\top \mathrm{d}a`,
    ...inputs,
  ],
});

const blend = (n) => String.raw`(${n})\quad h = (1 - z) \odot n + z \odot h'`;
const blendBack = (n) =>
  String.raw`(${n})\quad \mathrm{d}z = \mathrm{d}h \odot (h' - n) \qquad \mathrm{d}n = \mathrm{d}h \odot (1 - z) \qquad \mathrm{d}h' \mathrel{+}= \mathrm{d}h \odot z`;

export const EQUATIONS = {
  rnn: rnn(String.raw`\tanh(a)`, String.raw`(1 - h^2)`),
  'rnn-relu': rnn(String.raw`\max(a, 0)`, String.raw`[h > 0]`),
  lstm: {
    forward: [
      String.raw`(1)\quad a = x W_x + b + h' W_h`,
      String.raw`(2)\quad i = \sigma(a_i) \quad f = \sigma(a_f) \quad g = \tanh(a_g) \quad o = \sigma(a_o)`,
      String.raw`(3)\quad c = f \odot c' + i \odot g`,
      String.raw`(4)\quad h = o \odot \tanh(c)`,
      ...loss,
    ],
    backward: [
      ...lossBack,
      String.raw`(4)\quad \mathrm{d}o = \mathrm{d}h \odot \tanh(c) \qquad \mathrm{d}c \mathrel{+}= \mathrm{d}h \odot o \odot (1 - \tanh^2(c))`,
      String.raw`(3)\quad \mathrm{d}f = \mathrm{d}c \odot c' \quad \mathrm{d}i = \mathrm{d}c \odot g \quad \mathrm{d}g = \mathrm{d}c \odot i \quad \mathrm{d}c' \mathrel{+}= \mathrm{d}c \odot f`,
      String.raw`(2)\quad \mathrm{d}a_i = \mathrm{d}i \odot i (1 - i) \quad \mathrm{d}a_f = \mathrm{d}f \odot f (1 - f) \quad \mathrm{d}a_g = \mathrm{d}g \odot (1 - g^2) \quad \mathrm{d}a_o = \mathrm{d}o \odot o (1 - o)`,
      String.raw`(1)\quad \mathrm{d}h' \mathrel{+}= \mathrm{d}a\, W_h^\top \qquad \mathrm{d}W_h \mathrel{+}= h'^\top \mathrm{d}a`,
      ...inputs,
    ],
  },
  gru: {
    forward: [
      String.raw`(1)\quad u = h' W_h \qquad a = x W_x + b`,
      String.raw`(2)\quad r = \sigma(a_r + u_r) \qquad z = \sigma(a_z + u_z)`,
      String.raw`(3)\quad q = u_n + b_n \qquad n = \tanh(a_n + r \odot q)`,
      blend(4),
      ...loss,
    ],
    backward: [
      ...lossBack,
      blendBack(4),
      String.raw`(3)\quad \mathrm{d}a_n = \mathrm{d}n \odot (1 - n^2) \quad \mathrm{d}r = \mathrm{d}a_n \odot q \quad \mathrm{d}u_n = \mathrm{d}q = \mathrm{d}a_n \odot r \quad \mathrm{d}b_n \mathrel{+}= \mathrm{d}q`,
      String.raw`(2)\quad \mathrm{d}a_r = \mathrm{d}u_r = \mathrm{d}r \odot r (1 - r) \qquad \mathrm{d}a_z = \mathrm{d}u_z = \mathrm{d}z \odot z (1 - z)`,
      String.raw`(1)\quad \mathrm{d}h' \mathrel{+}= \mathrm{d}u\, W_h^\top \qquad \mathrm{d}W_h \mathrel{+}= h'^\top \mathrm{d}u`,
      ...inputs,
    ],
  },
  'gru-reset-before': {
    forward: [
      String.raw`(1)\quad a_{rz} = (x W_x + b)_{rz} + h' W_{h,rz}`,
      String.raw`(2)\quad r = \sigma(a_r) \qquad z = \sigma(a_z)`,
      String.raw`(3)\quad s = r \odot h'`,
      String.raw`(4)\quad n = \tanh((x W_x + b)_n + s W_{h,n})`,
      blend(5),
      ...loss,
    ],
    backward: [
      ...lossBack,
      blendBack(5),
      String.raw`(4)\quad \mathrm{d}a_n = \mathrm{d}n \odot (1 - n^2) \quad \mathrm{d}s = \mathrm{d}a_n W_{h,n}^\top \quad \mathrm{d}W_{h,n} \mathrel{+}= s^\top \mathrm{d}a_n`,
      String.raw`(3)\quad \mathrm{d}r = \mathrm{d}s \odot h' \qquad \mathrm{d}h' \mathrel{+}= \mathrm{d}s \odot r`,
      String.raw`(2)\quad \mathrm{d}a_r = \mathrm{d}r \odot r (1 - r) \qquad \mathrm{d}a_z = \mathrm{d}z \odot z (1 - z)`,
      String.raw`(1)\quad \mathrm{d}h' \mathrel{+}= \mathrm{d}a_{rz} W_{h,rz}^\top \qquad \mathrm{d}W_{h,rz} \mathrel{+}= h'^\top \mathrm{d}a_{rz}`,
      ...inputs,
    ],
  },
};
