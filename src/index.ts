/** Floor 7: the public list, one function a verb. A report is plain JSON, and is what `--json` prints. */
export * from './transfer/index.ts'
export { CODES, exitOf, SallyportError, type Code, type Side } from './errors/index.ts'
