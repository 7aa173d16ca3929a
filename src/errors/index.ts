/** Floor 1: the error class, the code table and the exit map. */
export { CODES, type Code } from './codes.ts'
export {
  detailOf,
  SallyportError,
  exitOf,
  isFault,
  placeFault,
  readFault,
  unlessFault,
  writeFault,
  type Fault,
  type Side,
} from './error.ts'
