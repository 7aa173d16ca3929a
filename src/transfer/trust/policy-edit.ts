/** `trust policy add | remove`: changes statements in notation's own file, in place, and only to a policy that can judge. */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isJsonObject, parseJson, type JsonObject } from '../../codec/index.ts'
import { placeFile, syncFolder } from '../../content/index.ts'
import { detailOf, SallyportError, writeFault } from '../../errors/index.ts'
import { checkTrustMaterial, faultOf, POLICY_FILE } from '../../trust/index.ts'
import { readPolicyFiles } from './policy-folder.ts'
import { nowOf, tell, type RunOptions } from '../run/run.ts'

const { oci: NEWER, older: OLDER, blob: FILES } = POLICY_FILE

interface PolicyTerms extends RunOptions {
  policy: string
  name: string
  /** `ca:acme`, `tsa:acme-tsa`. */
  stores: readonly string[]
  /** `C=…, ST=…, O=…`, or `*` for whoever the stores vouch for. */
  identities: readonly string[]
  level: 'strict' | 'permissive' | 'audit'
  revocation: 'enforce' | 'log' | 'skip'
  dryRun?: boolean | undefined
}

/** About artifacts, by the names of their repositories at the destination, or `*`. */
interface ArtifactTerms {
  scopes: readonly string[]
}

/** About plain files; the global statement speaks where none is named. */
interface FileTerms {
  global: boolean
}

export type PolicyAddOptions = PolicyTerms & (ArtifactTerms | FileTerms)

export interface PolicyEditReport {
  policy: string
  file: string
  name: string
  /** How many statements the file has now. */
  statements: number
  dryRun: boolean
}

interface Edited {
  file: string
  statements: JsonObject[]
}

function readStatements(policy: string, files: ReadonlyMap<string, Buffer>, blob: boolean): Edited {
  const file = blob ? FILES : files.has(NEWER) ? NEWER : OLDER
  const bytes = files.get(file)
  if (bytes === undefined) return { file, statements: [] }
  const document = parseJson(bytes, 'state', join(policy, file))
  const statements = isJsonObject(document) ? document['trustPolicies'] : undefined
  if (!Array.isArray(statements) || !statements.every(isJsonObject))
    throw new SallyportError('POLICY_MALFORMED', { side: 'state', subject: join(policy, file) })
  return { file, statements }
}

/** The place that it names is in no file: the policy is sound as it stands. */
function unwritten(cause: SallyportError): SallyportError {
  const { code, side, subject } = cause
  const remedy = 'correct what was asked for: nothing was written, and the file is as it was'
  return new SallyportError(code, { side, subject, detail: detailOf(cause), remedy, cause })
}

type PutOptions = RunOptions & { policy: string; dryRun?: boolean | undefined }

/**
 * Puts the file in place whole, or takes it away with its last statement, once all files together make a policy that can
 * judge. What they warn of by this change alone is told: a statement may name a store that holds nobody.
 */
function put(options: PutOptions, files: Map<string, Buffer>, { file, statements }: Edited): void {
  const { policy, dryRun = false } = options
  const text = `${JSON.stringify({ version: '1.0', trustPolicies: statements }, undefined, 2)}\n`
  const changed = new Map(files)
  // Of two names for one policy both must say the same, or two readers of the folder would differ. What is read is written
  // last: so a run that was killed between the two is completed by the same command.
  const names = file !== FILES && files.has(NEWER) && files.has(OLDER) ? [OLDER, NEWER] : [file]
  for (const name of names)
    if (statements.length === 0) changed.delete(name)
    else changed.set(name, Buffer.from(text))
  const now = nowOf(options)
  const { findings } = checkTrustMaterial(changed, now)
  const isError = ({ severity }: { severity: string }): boolean => severity === 'error'
  const standing = checkTrustMaterial(files, now).findings
  const first = findings.find(isError)
  if (first !== undefined) throw standing.some(isError) ? faultOf(first) : unwritten(faultOf(first))
  const before = new Set(standing.map(({ detail }) => detail))
  for (const found of findings.filter(({ detail }) => !before.has(detail)))
    tell(options, { type: 'note', text: `${found.file}: ${found.place}: ${found.detail}` })
  if (dryRun) return
  try {
    mkdirSync(policy, { recursive: true })
    for (const name of names) {
      const scratch = join(policy, `.${name}.new`)
      if (statements.length > 0) placeFile(join(policy, name), text, 0o644, scratch)
      else for (const gone of [scratch, join(policy, name)]) rmSync(gone, { force: true })
    }
    if (statements.length === 0) syncFolder(policy)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', join(policy, file))
  }
}

/**
 * Adds a statement. Throws POLICY_MALFORMED, with the rule, when the policy could not judge with it; nothing is written then.
 * A statement of that name is no reason to take its place: USAGE.
 */
export function trustPolicyAdd(options: PolicyAddOptions): PolicyEditReport {
  const { policy, name, level, revocation, dryRun = false } = options
  const files = existsSync(policy) ? readPolicyFiles(policy) : new Map<string, Buffer>()
  const blob = 'global' in options
  const { file, statements } = readStatements(policy, files, blob)
  if (statements.some((statement) => statement['name'] === name))
    throw new SallyportError('USAGE', { side: 'state', subject: name, detail: 'a statement has this name already' })
  const identities = options.identities.map((text) =>
    text === '*' ? text : `x509.subject: ${text.replace(/^x509\.subject:\s*/, '')}`,
  )
  const usual = level === 'strict' ? 'enforce' : 'log'
  const added: JsonObject = {
    name,
    ...(blob ? (options.global ? { globalPolicy: true } : {}) : { registryScopes: [...options.scopes] }),
    signatureVerification: { level, ...(revocation === usual ? {} : { override: { revocation } }) },
    trustStores: [...options.stores],
    trustedIdentities: identities,
  }
  const edited = { file, statements: [...statements, added] }
  put(options, files, edited)
  return { policy, file: join(policy, file), name, statements: edited.statements.length, dryRun }
}

/** Takes a statement out; `blob`: out of those about plain files. Throws USAGE when there is none of that name, POLICY_MALFORMED when the rest could not judge. */
export function trustPolicyRemove(options: {
  policy: string
  name: string
  blob?: boolean | undefined
  dryRun?: boolean | undefined
}): PolicyEditReport {
  const { policy, name, blob = false, dryRun = false } = options
  const files = readPolicyFiles(policy)
  const { file, statements } = readStatements(policy, files, blob)
  const left = statements.filter((statement) => statement['name'] !== name)
  if (left.length === statements.length)
    throw new SallyportError('USAGE', { side: 'state', subject: name, detail: 'no statement has this name' })
  put(options, files, { file, statements: left })
  return { policy, file: join(policy, file), name, statements: left.length, dryRun }
}
