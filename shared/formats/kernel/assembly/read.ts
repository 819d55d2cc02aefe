// @ts-nocheck
/* eslint-disable */
import { CODE_COMMA, CODE_DOT, CODE_LOWER_E, CODE_MINUS, CODE_NINE, CODE_PLUS, CODE_SPACE, CODE_ZERO, power } from './common';

/** By so many digits before the point: how lanes move to leave out the point. At 16: not at all. */
const WITHOUT_POINT = memory.data(17 * 16, 16);
/** Loaded at an offset of so many bytes, moves that many first lanes to the end; the rest become zero. */
const TO_END = memory.data<u8>([
  128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
]);
