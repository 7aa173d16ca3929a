/** Our side of an agreement case: the verb `check`, as an operator would ask it. */
import { type Code, SallyportError } from '../../../src/errors/index.ts'
import { check, type VerdictReport } from '../../../src/transfer/index.ts'
import type { Said } from './case.ts'
import type { Situation } from './world.ts'

export interface OurVerdict {
  readonly said: Said
  /** Of the only signature, else of the artifact or of what kept it from being judged. */
  readonly code?: Code
  readonly report?: VerdictReport
}

type Registry = Parameters<typeof check>[0]['registry']

/** `ref` unless the artifact lies in the situation's own layout. */
export async function ourVerdict(situation: Situation, ref?: string, registry: Registry = {}): Promise<OurVerdict> {
  const { layout, target, configDir, scope } = situation
  const options = { ref: ref ?? `oci:${layout.folder}@${target.digest}`, registry, policy: configDir, scope }
  let report: VerdictReport
  try {
    report = await check(options)
  } catch (fault) {
    if (!(fault instanceof SallyportError)) throw fault
    return { said: 'refuse', code: fault.code }
  }
  const [only] = report.signatures.length === 1 ? report.signatures : []
  const code = only?.code ?? report.code
  return { said: report.verdict === 'trusted' ? 'accept' : 'refuse', ...(code !== undefined && { code }), report }
}
