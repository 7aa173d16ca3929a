/**
 * Lists and OCSP answers out of a folder that an operator filled: recognised by what they are, never by their names, but
 * for the files of notation's cache, whose names say which address each is of.
 */
import { hash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../../codec/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { REVOCATION_LIST_CAP } from '../../oci/index.ts'
import { ANSWER_CAP, compareNumbers, type RevocationList } from '../../revocation/index.ts'
import type { RevocationSource } from './network.ts'
import { demandWantedList, isForGood, proveAnswer, readList } from './proof.ts'
import type { WantedAnswer, WantedDelta, WantedList } from './wants.ts'

const FILES_CAP = 10_000
/** notation keeps two lists in base64 in one file. */
const FILE_CAP = 3 * REVOCATION_LIST_CAP
/** All that is held until it is matched. */
const HELD_CAP = 1024 * 1024 * 1024

/** Far above the three that there are: what else a file of that size holds would exhaust memory. */
const CACHED_VALUES = 16

const cached = z.strictObject({ baseCRL: z.base64(), deltaCRL: z.base64().optional() })

interface HeldList {
  list: RevocationList
  /** SHA-256 of the address it is of, where a name says so. */
  address: string | undefined
}

interface Held {
  lists: HeldList[]
  answers: Buffer[]
  warnings: string[]
}

function unavailable(subject: string, detail: string): SallyportError {
  return new SallyportError('LIST_UNAVAILABLE', { side: 'source', subject, detail })
}

/** The lists of a file of notation's cache. Throws JSON_MALFORMED, LIST_MALFORMED; TypeError never. */
function cachedLists(bytes: Buffer, name: string): HeldList[] {
  const { baseCRL, deltaCRL } = cached.parse(parseJson(bytes, 'source', name, CACHED_VALUES))
  const address = /^[0-9a-f]{64}$/.test(name) ? name : undefined
  return [baseCRL, ...(deltaCRL === undefined ? [] : [deltaCRL])].map((text) => ({
    list: readList(Buffer.from(text, 'base64')),
    address,
  }))
}

/** Sorts one file in, or notes why it is neither list nor answer. */
function sortIn(held: Held, name: string, bytes: Buffer): void {
  try {
    if (bytes[0] === 0x7b) held.lists.push(...cachedLists(bytes, name))
    else held.lists.push({ list: readList(bytes), address: undefined })
  } catch (error) {
    if (!(error instanceof SallyportError) && !(error instanceof z.ZodError)) throw error
    // Which of the two it was meant for can't be seen from outside; whose certificate it is about, only by its issuer.
    if (bytes[0] === 0x30 && bytes.length <= ANSWER_CAP) held.answers.push(bytes)
    else held.warnings.push(`${name} is no revocation list`)
  }
}

function readFolder(dir: string): Held {
  const held: Held = { lists: [], answers: [], warnings: [] }
  let sum = 0
  try {
    const names = readdirSync(dir).sort()
    if (names.length > FILES_CAP)
      throw new SallyportError('LIMIT_EXCEEDED', { side: 'source', subject: dir, detail: `over ${FILES_CAP} files` })
    for (const name of names) {
      const stat = statSync(join(dir, name))
      // A pipe would be waited for.
      if (!stat.isFile()) continue
      sum += stat.size
      if (stat.size > FILE_CAP || sum > HELD_CAP)
        throw new SallyportError('LIMIT_EXCEEDED', { side: 'source', subject: join(dir, name), detail: 'too large' })
      sortIn(held, name, readFileSync(join(dir, name)))
    }
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    const detail = (cause as NodeJS.ErrnoException).code
    throw new SallyportError('FILE_UNREADABLE', { side: 'source', subject: dir, detail, cause })
  }
  return held
}

/** True when the list may be the one of this address: by its own word, or since it covers all of its issuer. */
function mayBeOf({ list, address }: HeldList, { kind, issuer, ...wanted }: WantedList | WantedDelta): boolean {
  if ((kind === 'delta') !== (list.deltaBase !== undefined) || !list.rawIssuer.equals(issuer.rawSubject)) return false
  // The scope of a delta is that of its base, and so is its address in notation's cache.
  const url = 'baseUrl' in wanted ? wanted.baseUrl : wanted.url
  if (address !== undefined) return address === hash('sha256', url, 'hex')
  const named = list.issuingPoint?.urls
  return named === undefined || named.includes(url)
}

/** The folder, read once. Throws FILE_UNREADABLE, LIMIT_EXCEEDED. */
export function folderSource(dir: string, now: Date): RevocationSource {
  const held = readFolder(dir)
  const used = new Set<Buffer>()
  return {
    async list(wanted) {
      const candidates = held.lists.filter((one) => mayBeOf(one, wanted)).map(({ list }) => list)
      // The newest that is genuine: a folder may hold the lists of several months.
      let fault: SallyportError | undefined
      for (const list of candidates.sort((a, b) => compareNumbers(b.number, a.number)))
        try {
          return demandWantedList(list, wanted)
        } catch (error) {
          if (!(error instanceof SallyportError)) throw error
          fault ??= error
        }
      throw fault ?? unavailable(wanted.url, `${dir} holds no list of this issuer for this address`)
    },
    async answer(wanted: WantedAnswer) {
      const found = held.answers.flatMap((der) => {
        try {
          const answer = proveAnswer(der, wanted, now)
          used.add(der)
          return [answer]
        } catch (error) {
          if (error instanceof SallyportError) return []
          throw error
        }
      })
      const [newest] = found.sort(
        (a, b) =>
          Number(isForGood(b)) - Number(isForGood(a)) || b.answer.producedAt.getTime() - a.answer.producedAt.getTime(),
      )
      if (newest !== undefined) return newest
      throw unavailable(wanted.url, `${dir} holds no answer on certificate ${wanted.certificate.sha256}`)
    },
    warnings: () => {
      const idle = held.answers.filter((der) => !used.has(der)).length
      return [...held.warnings, ...(idle > 0 ? [`${dir} holds ${idle} files that nothing asked for`] : [])]
    },
  }
}
