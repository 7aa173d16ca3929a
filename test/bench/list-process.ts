/** Reads a revocation list and looks serial numbers up in it, as a process of its own: FILE SERIAL… */
import { readFileSync } from 'node:fs'
import { parseList } from '../../src/revocation/index.ts'

const [file = '', ...serials] = process.argv.slice(2)
const list = parseList(readFileSync(file))
const reasons = serials.map((serial) => list.find(serial)?.reason ?? null)
process.stdout.write(`${JSON.stringify({ size: list.size, reasons })}\n`)
