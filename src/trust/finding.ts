/** What is the matter with policy and store files, gathered so that one look shows all of it. */
import { SallyportError } from '../errors/index.ts'

export interface Finding {
  /** A policy with an error judges nothing; a warning is something an operator most likely did not mean. */
  severity: 'error' | 'warning'
  code: 'POLICY_MALFORMED' | 'TRUST_STORE_MALFORMED'
  /** The path inside the policy folder. */
  file: string
  /** `line:column` in YAML, the path of the member in JSON, the number of the certificate in a store file; or empty. */
  place: string
  detail: string
}

/** Where a reader says what it found in one file. */
export interface Reporter {
  error(place: string, detail: string): void
  warning(place: string, detail: string): void
}

/** A {@link Reporter} that adds to a list. */
export function reporter(findings: Finding[], file: string, code: Finding['code']): Reporter {
  const add =
    (severity: Finding['severity']) =>
    (place: string, detail: string): void => {
      findings.push({ severity, code, file, place, detail })
    }
  return { error: add('error'), warning: add('warning') }
}

/** The error that a finding stands for. */
export function faultOf({ code, file, place, detail }: Finding): SallyportError {
  return new SallyportError(code, { side: 'state', subject: place === '' ? file : `${file}:${place}`, detail })
}

/** `trustPolicies[0].trustStores[1]`: where in a JSON document. */
export function memberPath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path)
    text += typeof part === 'number' ? `[${part}]` : `${text === '' ? '' : '.'}${String(part).slice(0, 100)}`
  return text
}
