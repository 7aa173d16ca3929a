/** The whole corpus in memory: every file below `bundles/` that `make vectors` writes. */
import { exitOf, SallyportError } from '../../src/errors/index.ts'
import { parseJson } from '../../src/codec/index.ts'
import { accepts } from './accept.ts'
import { passengerAccepts } from './accept-passenger.ts'
import { revocationAccepts } from './accept-revocation.ts'
import type { AcceptExpectation, Expectations, Judge, PassengerExpectation, Pin, RejectExpectation } from './expect.ts'
import { CREATED, SITE, type Packed } from './pack.ts'
import { headRejects } from './reject-head.ts'
import { headerRejects } from './reject-header.ts'
import { lawRejects } from './reject-law.ts'
import { passengerRejects } from './reject-passenger.ts'
import { orderRejects } from './reject-order.ts'
import { promiseRejects } from './reject-promise.ts'
import { revocationRejects } from './reject-revocation.ts'
import { siteRejects } from './reject-site.ts'
import { isSpare } from './spare.ts'
import { NOW, type AcceptVector, type RejectVector, type Situation } from './vector.ts'

export interface Case<E> {
  /** Below `bundles/`, for those that are kept as files. */
  file: string
  tar: Buffer
  expect: E
}

export interface Corpus {
  accept: Case<AcceptExpectation>[]
  reject: Case<RejectExpectation>[]
  /** Judged by the tests only. */
  spare: Case<RejectExpectation>[]
  roots: Map<string, Buffer>
}

const acceptFile = (name: string): string => `accept/${name}.tar`

type Pinned = Pick<Situation, 'pinned' | 'before'>

function rootFile({ pinned }: Pinned): string {
  return `roots/${pinned.name}.root.json`
}

function pinOf({ pinned, before }: Pinned, accepted: ReadonlyMap<string, AcceptVector>): Pin {
  const known = before === undefined ? undefined : accepted.get(before)
  if (before !== undefined && known === undefined) throw new TypeError(`no accepted bundle ${before}`)
  return {
    root: rootFile({ pinned }),
    channel: pinned.name,
    purpose: pinned.purpose,
    rootVersion: 1,
    before: known === undefined ? null : beforeOf(known),
  }
}

function judgeOf(situation: Situation, accepted: ReadonlyMap<string, AcceptVector>): Judge {
  const { site = SITE, now = NOW, also } = situation
  const { before, ...pin } = pinOf(situation, accepted)
  const others = also === undefined ? {} : { also: also.map((other) => pinOf(other, accepted)) }
  return { ...pin, site, now, before, ...others }
}

function beforeOf({ name, sequence, packed }: AcceptVector): NonNullable<Judge['before']> {
  const counters = { timestamp: sequence, snapshot: sequence, targets: sequence }
  return { bundle: acceptFile(name), counters, lastId: packed.id, floor: CREATED }
}

// Of those that ride along only what is accepted lands.
function tagsOf({ members }: Packed, passengers: readonly PassengerExpectation[]): Record<string, string> {
  const taken = passengers.filter(({ outcome }) => outcome === 'accepted' || outcome === 'repeat')
  const names = ['transfer.json', ...taken.map(({ channel }) => `passengers/${channel}/transfer.json`)]
  const repositories = members
    .filter(({ name }) => names.includes(name))
    .flatMap(({ name, body }) => {
      const document = parseJson(body, 'bundle', name) as unknown as {
        repositories: { to: string; bindings: Record<string, string>; companions: Record<string, string> }[]
      }
      return document.repositories
    })
  return Object.fromEntries(
    repositories.flatMap(({ to, bindings, companions }) =>
      Object.entries({ ...bindings, ...companions }).map(([tag, digest]) => [`${to}:${tag}`, digest]),
    ),
  )
}

function acceptCase(vector: AcceptVector, all: ReadonlyMap<string, AcceptVector>): Case<AcceptExpectation> {
  const { name, packed, sequence, signers = 1, badSignatures = 0, omitted = 0, rootVersionAfter = 1 } = vector
  const { passengers } = vector
  const expect = {
    ...judgeOf(vector, all),
    sequence,
    id: packed.id,
    rootVersionAfter,
    signers,
    badSignatures,
    repeat: false,
    tags: tagsOf(packed, passengers ?? []),
    omitted,
    ...(passengers === undefined ? {} : { passengers: [...passengers] }),
  }
  return { file: acceptFile(name), tar: packed.tar, expect }
}

function rejectCase(vector: RejectVector, all: ReadonlyMap<string, AcceptVector>): Case<RejectExpectation> {
  const { code, reason, subject, next, tuf, tar } = vector
  if (!all.has(next)) throw new TypeError(`no accepted bundle ${next}`)
  const exit = exitOf(new SallyportError(code, { side: 'bundle' }))
  const expect = {
    ...judgeOf(vector, all),
    code,
    exit,
    subject,
    next: acceptFile(next),
    ...(tuf === undefined ? {} : { tuf }),
  }
  return { file: `reject/${code}-${reason}.tar`, tar, expect }
}

/** Everything, made anew; equal in every run. */
export function makeCorpus(): Corpus {
  const accepted = new Map(
    [...accepts(), ...passengerAccepts(), ...revocationAccepts()].map((vector) => [vector.name, vector]),
  )
  const rejected = [
    ...headerRejects(),
    ...orderRejects(),
    ...headRejects(),
    ...siteRejects(),
    ...promiseRejects(),
    ...lawRejects(),
    ...passengerRejects(),
    ...revocationRejects(),
  ]
  const cases = (chosen: RejectVector[]): Case<RejectExpectation>[] =>
    chosen.map((vector) => rejectCase(vector, accepted))
  const pinned = [...accepted.values(), ...rejected]
    .flatMap((vector): Pinned[] => [vector, ...(vector.also ?? [])])
    .map((pin) => [rootFile(pin), pin.pinned.roots[0]] as const)
  return {
    accept: [...accepted.values()].map((vector) => acceptCase(vector, accepted)),
    reject: cases(rejected.filter((vector) => !isSpare(vector))),
    spare: cases(rejected.filter(isSpare)),
    roots: new Map(pinned.map(([file, root]) => [file, root ?? Buffer.alloc(0)])),
  }
}

/** The files of the corpus by their path below `bundles/`. */
export function corpusFiles({ accept, reject, roots }: Corpus): Map<string, Buffer> {
  const files = new Map(roots)
  for (const { file, tar } of [...accept, ...reject]) {
    if (files.has(file)) throw new TypeError(`${file} twice`)
    files.set(file, tar)
  }
  const table = <E>(cases: Case<E>[]): Record<string, E> =>
    Object.fromEntries(cases.toSorted((a, b) => (a.file < b.file ? -1 : 1)).map(({ file, expect }) => [file, expect]))
  const expectations: Expectations = { format: 'sallyport-vectors/1', accept: table(accept), reject: table(reject) }
  return files.set('expect.json', Buffer.from(`${JSON.stringify(expectations, null, 2)}\n`))
}
