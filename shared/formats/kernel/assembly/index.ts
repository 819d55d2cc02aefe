/* eslint-disable */
// @ts-nocheck
export { DONE } from './tables';
export { readFloats } from './read';
export { readRecords } from './records';
export { printFloats } from './print';
