/**
 * The diverging map `PuOr`, reversed: purple over white to orange: 256 colors, two hexadecimal digits for each of red, green and blue.
 * Eleven colors of ColorBrewer, interpolated by a uniform B-spline, which is how d3-scale-chromatic draws them.
 *
 * Source: C. Brewer, M. Harrower (2002), ColorBrewer, https://colorbrewer2.org. Copyright (c) 2002 Cynthia Brewer, Mark Harrower,
 * and The Pennsylvania State University. Licensed under the Apache License, Version 2.0; you may obtain a copy of the license at
 * https://www.apache.org/licenses/LICENSE-2.0. Distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND.
 */
export const puor =
  '2d004b2f024d300350320552330655350857360959380b5c390c5e3b0e603c10633e11653f136741156a43166c44186e' +
  '461a70471c72491e754a20774c22794e247b4f267d51287f522a81542c83562e855731875933885b358a5c388c5e3a8e' +
  '603d8f613f91634293654594664796684a986a4d996c4f9b6d529c6f559e71589f735aa1745da27660a47862a57a65a7' +
  '7c68a87d6aa97f6dab8170ac8372ae8575af8777b1887ab28a7cb48c7fb58e81b79083b89286b99488bb968abc978dbe' +
  '998fbf9b91c19d93c29f96c3a198c5a39ac6a49cc7a69ec9a8a0caaaa2cbaca4cdada6ceafa8cfb1abd0b3add2b4afd3' +
  'b6b0d4b8b2d5b9b4d6bbb6d7bcb8d9bebadac0bcdbc1bedcc3c0ddc4c1dec6c3dfc7c5e0c9c7e1cac9e1cccae2cdcce3' +
  'cfcee4d0cfe5d1d1e6d3d2e7d4d4e7d5d5e8d7d7e9d8d8eadadaeadbdbebdcddecdddeecdfdfede0e1ede1e2eee2e3ee' +
  'e4e4eee5e5efe6e6efe7e7efe8e8efe9e9efeaeaefebebefecebefedecefeeedeeefedeef0ededf1eeecf2eeecf3eeeb' +
  'f3eeeaf4eee8f5eee7f5eee6f6eee4f7eee3f7eee1f8eddff8edddf9ecdbf9ecd9f9ebd7faead5fae9d3fae9d0fbe8ce' +
  'fbe7ccfbe6c9fbe5c6fce4c4fce3c1fce2befce1bcfce0b9fddeb6fdddb3fddcb0fddbadfdd9aafdd8a7fdd7a4fdd5a1' +
  'fdd49efdd29bfdd198fdd095fdce92fdcd8ffdcb8bfdc988fcc885fcc682fcc57ffcc37cfbc178fbbf75fbbe72fabc6f' +
  'faba6cf9b868f9b765f8b562f7b35ff7b15cf6af59f5ad55f4ab52f4a94ff3a74cf2a549f1a346f0a143ef9f40ee9d3e' +
  'ed9b3bec9938ea9735e99533e89430e7922ee6902be48e29e38c27e28a25e08823df8621dd841fdc821dda801bd97e1a' +
  'd77d18d67b17d47916d37714d17613cf7412ce7211cc7010ca6f0fc96d0ec76b0ec56a0dc3680cc2670cc0650bbe640b' +
  'bc620aba610ab85f0ab75e09b55c09b35b09b15909af5808ad5708ab5508a95408a75308a55208a35008a14f079f4e07' +
  '9d4c079b4b07994a079749079548079347079145078f44078d43088b4208894108874008853e08833d08813c087f3b08';
