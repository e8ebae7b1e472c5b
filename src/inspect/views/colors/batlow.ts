/**
 * The sequential map `batlow`, dark blue over green to light pink: 256 colors, two hexadecimal digits for each of red, green and
 * blue. Its lightness rises evenly, so that it can be read in gray and by color-blind readers.
 *
 * Source: F. Crameri (2021), Scientific colour maps, version 7.0.1, https://doi.org/10.5281/zenodo.5501399; explained in F. Crameri,
 * G. Shephard, P. Heron (2020), The misuse of colour in science communication, Nature Communications 11, 5444.
 *
 * Copyright (c) 2021 Fabio Crameri. MIT License: permission is hereby granted, free of charge, to any person obtaining a copy of
 * this software and associated documentation files (the "Software"), to deal in the Software without restriction, including
 * without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the
 * Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions: The above
 * copyright notice and this permission notice shall be included in all copies or substantial portions of the Software. THE
 * SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
 * MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE
 * LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR
 * IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
 */
export const batlow =
  '011959021b59031c5a041e5a051f5a06215b07225b07245b08255b09275c0a285c0a2a5c0b2b5c0b2d5d0c2e5d0c2f5d' +
  '0d315d0d325e0d335e0e355e0e365e0e375e0f385f0f395f0f3b5f0f3c5f103d5f103e5f103f60104060114160114260' +
  '114360114460124561124661124761124861134961134a61134b61144c62144d62144e62154f62154f62165062165162' +
  '1752621753621854621855621956621957621a57621b58621b59621c5a621d5b621e5c621e5d621f5d61205e61215f61' +
  '22606123606024616025626026635f27635f28645f2a655e2b655e2c665d2d675d2f675c30685c31695b33695a346a5a' +
  '356a59376b58386c583a6c573b6d563c6d563e6e553f6e54416f53426f5244705245705147715048714f4a724e4c724d' +
  '4d734d4f734c50744b52744a5375495575485776475876465a77455b77455d78445f7843607942627941637a40657a3f' +
  '677b3e687b3e6a7b3d6c7c3c6d7c3b6f7d3a717d39737e38747e38767f37787f367980357b80347d81347f8133818232' +
  '82823184833186833088842f8a842f8c852e8e852e8f862d91862d93872c95872c97882c99882c9b892b9d892b9f892b' +
  'a18a2ba38a2ca58b2ca78b2ca98c2cab8c2dad8c2daf8d2eb18d2fb38e2fb58e30b78e31b98f32bb8f33bd8f34be9035' +
  'c09036c29037c49138c6913ac8913bca923ccb923ecd923fcf9340d19342d29343d49445d69446d89448d9954adb954b' +
  'dd954dde964fe09651e19752e39754e49756e69858e7985ae9995cea995eeb9a60ed9a62ee9b64ef9b67f09c69f19d6b' +
  'f29d6df39e70f49f72f59f74f6a077f7a179f8a17bf8a27ef9a380f9a382faa485faa587fba689fba68cfca78efca890' +
  'fca993fca995fdaa97fdab9afdac9cfdac9efdada0fdaea2fdafa5fdafa7fdb0a9fdb1abfdb2adfdb2affdb3b1fdb4b4' +
  'fdb4b6fdb5b8fdb6bafdb7bcfdb7befdb8c0fdb9c2fdbac4fdbac7fdbbc9fdbccbfdbccdfcbdcffcbed1fcbfd3fcbfd6' +
  'fcc0d8fcc1dafcc2dcfcc3dffcc3e1fcc4e3fcc5e5fbc6e8fbc6eafbc7ecfbc8effbc9f1fbcaf3fbcaf6facbf8faccfa';
