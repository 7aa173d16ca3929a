/** `trustpolicy.blob.json`: who is believed for plain files, by the name of a statement (notation's own file). */
import * as z from 'zod'
import { shapedList, type Json } from '../codec/index.ts'
import type { Reporter } from './finding.ts'
import { inShape, readStatement, reportTwins, STATEMENT_CAP, STATEMENT_SHAPE, type Statement } from './statement.ts'

export interface BlobStatement extends Statement {
  /** Speaks for files for which no statement is named. */
  global: boolean
}

export interface BlobPolicy {
  statements: readonly BlobStatement[]
}

const schema = z.strictObject({
  version: z.literal('1.0', 'the version is "1.0"'),
  trustPolicies: shapedList(z, z.strictObject({ ...STATEMENT_SHAPE, globalPolicy: z.boolean().optional() }), {
    min: 1,
    max: STATEMENT_CAP,
  }),
})

/** The policy in a document of strict JSON, or undefined when it has no shape; every broken rule goes to `report`. */
export function readBlobPolicy(value: Json, report: Reporter): BlobPolicy | undefined {
  const document = inShape(schema, value, report)
  if (document === undefined) return undefined
  reportTwins(document.trustPolicies, report)
  let global: string | undefined
  const statements = document.trustPolicies.map((shape, i): BlobStatement => {
    const place = `trustPolicies[${i}]`
    if (shape.globalPolicy === true) {
      if (global !== undefined)
        report.error(`${place}.globalPolicy`, `${JSON.stringify(global)} is the global statement already`)
      global = shape.name
      if (shape.signatureVerification.level === 'skip')
        report.error(`${place}.signatureVerification.level`, 'the global statement never skips')
    }
    return { ...readStatement(shape, place, report), global: shape.globalPolicy === true }
  })
  return { statements }
}

/** The statement of that name; without a name the global one; else none, which is a refusal. */
export function blobStatementFor(policy: BlobPolicy | undefined, name: string | undefined): BlobStatement | undefined {
  return policy?.statements.find((statement) => (name === undefined ? statement.global : statement.name === name))
}
