/* eslint-disable -- AssemblyScript: its types are none of TypeScript's */
// @ts-nocheck
export { DONE } from './tables';
export { readFloats } from './read';
export { readRecords } from './records';
export { printFloats } from './print';
