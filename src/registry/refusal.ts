/** From what a registry answers to our codes: its status, its error codes, and last of all fixed phrases of its prose. */
import { isJsonObject, parseJson } from '../codec/index.ts'
import { SallyportError, type Code, type Side } from '../errors/index.ts'
import { plainText } from './errors.ts'

/** What was asked for when the registry refused; one refusal means different things to different requests. */
export type Purpose = 'manifest' | 'blob' | 'list' | 'push' | 'push-index' | 'tag' | 'delete'

export interface RegistryText {
  codes: string[]
  /** Codes, messages and details on one line, clean: to be shown, never to be judged by. */
  text: string
  /** The messages without what could be a name: what may be judged by. */
  prose: string[]
  /** Digests that are named anywhere. */
  digests: string[]
}

const JUDGED_CAP = 4096
const DIGEST = /sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})/g

const QUOTED = /"[^"]*"|(?<!\w)'[^']*'|`[^`]*`/g
/** A path, a tag, a digest, a host: prose has no such sign between two letters. */
const NAMING = /[\w.-][/@:][\w.-]/

/**
 * A message without quoted text, paths, tags and digests. Stops a repository that is called `team/quota` from choosing
 * what a refusal means: what is left of names has no spaces, so that none makes a phrase by itself. It is cut later than
 * what is shown, so that no long name pushes a phrase out.
 */
function proseOf(message: string): string {
  const words = message.slice(0, JUDGED_CAP).replace(QUOTED, ' ').split(/\s+/)
  return words.filter((word) => word !== '' && !NAMING.test(word)).join(' ')
}

/** The error codes and messages in an error body (distribution spec "Error Codes"); whatever else it is, clean text. */
export function readErrorBody(body: Uint8Array): RegistryText {
  const codes: string[] = []
  const parts: string[] = []
  const prose: string[] = []
  try {
    const document = parseJson(body, 'source', 'error body')
    const errors = isJsonObject(document) ? document['errors'] : undefined
    for (const item of Array.isArray(errors) ? errors.slice(0, 5) : []) {
      if (!isJsonObject(item)) continue
      const code = typeof item['code'] === 'string' ? plainText(item['code']) : ''
      codes.push(code)
      const { message } = item
      // A detail is data: the path, its scopes, a digest. It is shown, and its words decide nothing.
      if (typeof message === 'string') prose.push(proseOf(message))
      const detail = typeof item['detail'] === 'object' ? JSON.stringify(item['detail']) : item['detail']
      parts.push([code, message, detail].filter((part) => typeof part === 'string' && part !== '').join(' '))
    }
    const whole = parts.join('; ')
    return { codes, text: plainText(whole), prose, digests: whole.match(DIGEST) ?? [] }
  } catch {
    // A page of HTML says nothing that a reader of our errors could use.
    const text = Buffer.from(body).toString('utf8')
    if (/^\s*</.test(text)) return { codes, text: 'an HTML page', prose, digests: [] }
    return { codes, text: plainText(text), prose: [proseOf(text)], digests: [] }
  }
}

// As Harbor, Quay, IBM and others word it.
const NO_ROOM = [
  /\b(?:quota|storage limit) (?:has been |is |was )?(?:exceeded|reached)\b/i,
  /\b(?:exceed(?:s|ed|ing)?|over|reached) (?:(?:the|its|your) )?(?:(?:storage|project) )?(?:quota|storage limit)\b/i,
  /\b(?:enough|insufficient) quota\b/i,
  /\bexceed the configured upper limit\b/i,
  /\binsufficient storage\b/i,
]
// As Harbor, ECR and Google's Artifact Registry word it.
const IMMUTABLE = [/\b(?:is|are|as) immutable\b/i, /\bcannot be overwritten\b/i, /\benabled tag immutability\b/i]
// As Harbor words it, in front: an artifact that is not found under a repository is no repository that is not found.
const NO_REPOSITORY = [/^(?:the )?(?:project|repository)(?: [\w.-]+)? (?:is |was )?(?:not found|does not exist)\b/i]
const CHILD_MISSING = new Set(['MANIFEST_BLOB_UNKNOWN', 'MANIFEST_UNKNOWN', 'BLOB_UNKNOWN'])

function codeOf(status: number, said: RegistryText, purpose: Purpose, subject: string): Code {
  const says = (...codes: string[]): boolean => codes.some((code) => said.codes.includes(code))
  const phrases = (patterns: readonly RegExp[]): boolean =>
    patterns.some((pattern) => said.prose.some((message) => pattern.test(message)))
  if (status === 429 || says('TOOMANYREQUESTS')) return 'REGISTRY_LIMITED'
  if (status >= 500 && status !== 507) return 'REGISTRY_FAULT'
  if (purpose === 'delete') return status === 404 ? 'MANIFEST_MISSING' : 'DELETE_DENIED'
  const writes = purpose === 'push' || purpose === 'push-index' || purpose === 'tag'
  if (writes) {
    if (status === 507 || phrases(NO_ROOM)) return 'QUOTA_EXCEEDED'
    if (purpose === 'tag' && (says('TAG_IMMUTABLE') || phrases(IMMUTABLE))) return 'TAG_IMMUTABLE'
  }
  if (status === 401 || status === 403) return 'REGISTRY_DENIED'
  if (says('NAME_UNKNOWN') || (says('NOT_FOUND') && phrases(NO_REPOSITORY))) return 'REPOSITORY_MISSING'
  if (writes) {
    const childless = said.codes.some((code) => CHILD_MISSING.has(code))
    // The index's own digest is no child of it.
    const invalid = says('MANIFEST_INVALID') && said.digests.some((digest) => !subject.endsWith(`@${digest}`))
    if (purpose === 'push-index' && (childless || invalid)) return 'SPARSE_REFUSED'
    return status === 404 && !childless ? 'REPOSITORY_MISSING' : 'PUSH_REFUSED'
  }
  if (status !== 404) return 'REGISTRY_PROTOCOL'
  return purpose === 'blob' ? 'BLOB_MISSING' : purpose === 'list' ? 'REPOSITORY_MISSING' : 'MANIFEST_MISSING'
}

/** The error for an answer that was not wanted. */
export function refusal(
  status: number,
  body: Uint8Array,
  purpose: Purpose,
  side: Side,
  subject: string,
): SallyportError {
  const said = readErrorBody(body)
  const detail = [`status ${status}`, said.text].filter((part) => part !== '').join(', ')
  return new SallyportError(codeOf(status, said, purpose, subject), { side, subject, detail })
}
