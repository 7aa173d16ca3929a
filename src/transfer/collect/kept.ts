/**
 * What a stopped export had collected, beside its output: an OCSP answer is another one each time it is asked for, so a
 * run that asked again would make another bundle and begin anew. Nothing here is believed: all of it is proven again, and
 * the id of the bundle covers it.
 */
import { hash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { parseJson, shapedList, sortedJson, type Json } from '../../codec/index.ts'
import { syncFolder, writeNew } from '../../content/index.ts'
import { CODES, SallyportError, writeFault, type Code } from '../../errors/index.ts'
import { demandIssuedAnswer, demandIssuedList, LIST_CAP, parseAnswer, parseList } from '../../revocation/index.ts'
import { parseCertificate } from '../../signature/index.ts'
import { readOwn } from '../run/small-file.ts'
import type { Collected } from './proof.ts'
import type { LackingReport } from './report.ts'

export interface KeptRevocation {
  collected: Collected[]
  lacking: LackingReport[]
  warnings: string[]
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const issued = { url: z.string(), issuer: z.base64(), sha256 }
const schema = z.strictObject({
  format: z.literal('sallyport-part-revocation/1'),
  collected: shapedList(
    z,
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.enum(['list', 'delta']), ...issued }),
      z.strictObject({ kind: z.literal('answer'), ...issued, serial: z.string() }),
    ]),
  ),
  lacking: shapedList(
    z,
    z.strictObject({
      kind: z.enum(['list', 'delta', 'answer']),
      url: z.string(),
      issuer: sha256,
      code: z.custom<Code>((code) => typeof code === 'string' && Object.hasOwn(CODES, code)),
      why: z.string(),
      accepted: z.enum(['by name', 'by its lists', 'by policy']),
    }),
  ),
  warnings: shapedList(z, z.string()),
})
type Row = z.output<typeof schema>['collected'][number]

const RECORD = 'revocation.json'
/** Far above the rows of ten thousand pieces. */
const RECORD_CAP = 64 * 1024 * 1024
/** Ten thousand pieces have a tenth. */
const RECORD_VALUES = 1024 * 1024

function derOf(piece: Collected): Buffer {
  return piece.kind === 'answer' ? piece.answer.der : piece.list.der
}

function rowOf(piece: Collected): Json {
  const { kind, url, issuer } = piece
  const common = { kind, url, issuer: issuer.der.toString('base64'), sha256: hash('sha256', derOf(piece), 'hex') }
  return kind === 'answer' ? { ...common, serial: piece.serial } : common
}

/** Writes it into a fresh folder, to outlast a power cut; the record comes last. Throws DISK_FULL, OUTPUT_FAILED. */
export function writeKept(dir: string, { collected, lacking, warnings }: KeptRevocation): void {
  try {
    rmSync(dir, { recursive: true, force: true })
    if (collected.length === 0) return
    mkdirSync(dir)
    const files = new Map(collected.map((piece) => [hash('sha256', derOf(piece), 'hex'), derOf(piece)]))
    for (const [name, der] of files) writeNew(join(dir, name), der, 0o644)
    const record = {
      format: 'sallyport-part-revocation/1',
      collected: collected.map(rowOf),
      lacking: lacking.map((one) => ({ ...one })),
      warnings,
    }
    writeNew(join(dir, RECORD), sortedJson(record), 0o644)
    syncFolder(dir)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', dir)
  }
}

function read(dir: string, row: Row): Collected {
  const bytes = readOwn(join(dir, row.sha256), LIST_CAP)
  const issuer = parseCertificate(Buffer.from(row.issuer, 'base64'))
  const { url } = row
  if (row.kind === 'answer') {
    const answer = parseAnswer(bytes)
    demandIssuedAnswer(answer, issuer)
    return { kind: 'answer', url, issuer, serial: row.serial, answer }
  }
  const list = parseList(bytes)
  demandIssuedList(list, issuer)
  return { kind: row.kind, url, issuer, list }
}

/** What was kept, or undefined: damage counts as nothing, and then it is collected anew. */
export function readKept(dir: string): KeptRevocation | undefined {
  if (!existsSync(join(dir, RECORD))) return undefined
  try {
    const parsed = schema.safeParse(parseJson(readOwn(join(dir, RECORD), RECORD_CAP), 'source', RECORD, RECORD_VALUES))
    if (!parsed.success) return undefined
    const { collected, lacking, warnings } = parsed.data
    return { collected: collected.map((row) => read(dir, row)), lacking, warnings }
  } catch (error) {
    if (error instanceof SallyportError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
