/** What a run knows of revocations: the lists, answers and denials of a state, and those that were let in during it. */
import type { Digest } from '../../oci/index.ts'
import {
  revocationCheck,
  uniteDenials,
  type Denial,
  type RevocationKnowledge,
  type RevocationTerms,
} from '../../revocation/index.ts'
import { State, type HeldDenial } from '../../state/index.ts'
import type { Denials, JudgeMeans, RevocationCheck, RevocationQuery, TrustMaterial } from '../../trust/index.ts'
import { judgingTime, type ClockOptions } from '../run/clock.ts'
import { HeldLists, type ListStore } from './held-lists.ts'
import { ListIntake, type Faults, type Intake } from './list-intake.ts'
import type { OfferedAnswer, OfferedList } from './list-report.ts'
import { nowOf } from '../run/run.ts'

/** What a state gives. */
export interface RevocationStore extends ListStore {
  denials(): HeldDenial[]
}

export class KnownRevocations {
  readonly lists: HeldLists
  readonly #store: RevocationStore | undefined
  #denials: readonly Denial[]
  /** Of {@link #denials} those of whole artifacts, once they are asked for: for each manifest, of tens of thousands. */
  #whole: ReadonlyMap<Digest, Denial> | undefined

  constructor(store?: RevocationStore, lists = new HeldLists(store)) {
    this.#store = store
    this.lists = lists
    this.#denials = store?.denials().map(({ from: _from, n: _n, ...denial }) => denial as Denial) ?? []
  }

  /** Lets lists and answers in that were proven to be their issuers'. Throws as `ListIntake.take`: then not to be used on. */
  async offer(
    lists: readonly OfferedList[],
    answers: readonly OfferedAnswer[],
    now: Date,
    faults: Faults = 'thrown',
  ): Promise<Intake> {
    const intake = new ListIntake(this.lists, now, faults)
    await intake.take(lists, answers)
    return intake.result
  }

  /** How many of them are new here. */
  deny(denials: readonly Denial[]): number {
    const before = this.#denials.length
    this.#denials = uniteDenials(this.#denials, denials)
    this.#whole = undefined
    return this.#denials.length - before
  }

  /** As it is now, whatever is let in later. */
  copy(): KnownRevocations {
    const copy = new KnownRevocations(this.#store, this.lists.copy())
    copy.#denials = this.#denials
    return copy
  }

  get anyDenials(): boolean {
    return this.#denials.length > 0
  }

  /** Why the artifact is denied whoever signed it, or undefined. */
  denied(artifact: Digest): Denial | undefined {
    this.#whole ??= new Map(
      this.#denials.flatMap((denial) => (denial.signer === undefined ? [[denial.artifact, denial] as const] : [])),
    )
    return this.#whole.get(artifact)
  }

  /** What a judge asks, at one time and by the site's terms. Nothing may be let in while it is in use. */
  means(
    { revocation: terms }: Pick<TrustMaterial, 'revocation'>,
    now: Date,
  ): Pick<JudgeMeans, 'revocation' | 'denials'> {
    return {
      revocation: this.#check({ ...terms, now }),
      ...(this.anyDenials ? { denials: denialsBy(this.#denials) } : {}),
    }
  }

  #check(terms: RevocationTerms): RevocationCheck {
    const knowledge: RevocationKnowledge = {
      base: (issuer, url) => this.lists.at({ issuer, url, form: 'base' })?.list,
      delta: (issuer, url) => this.lists.at({ issuer, url, form: 'delta' })?.list,
      kept: (issuer, url) => this.lists.at({ issuer, url, form: 'base' })?.kept,
      urls: (issuer) => this.lists.urls(issuer, 'base'),
      deltaUrls: (issuer) => this.lists.urls(issuer, 'delta'),
      answer: (issuer, serial) => this.lists.at({ issuer, url: '', form: 'answer', serial })?.answer,
      disputed: (issuer, form, at) =>
        this.lists.isDisputed(form === 'answer' ? { issuer, url: '', form, serial: at } : { issuer, url: at, form }),
    }
    const check = revocationCheck(knowledge, terms)
    return async (query) => {
      await this.#load(query)
      return check(query)
    }
  }

  /** All that is held of an issuer, whoever names it: what one list alone revokes for good is revoked. */
  async #loadLists(issuer: string): Promise<void> {
    for (const form of ['base', 'delta'] as const)
      for (const url of this.lists.urls(issuer, form)) await this.lists.load({ issuer, url, form })
  }

  /** Reads what may be asked about a chain. */
  async #load({ chain }: RevocationQuery): Promise<void> {
    for (const [i, certificate] of chain.entries()) {
      const issuer = chain[i + 1]?.spkiSha256
      if (issuer === undefined) continue
      // Also of one that names no responder: whoever revokes it is heard.
      await this.lists.load({ issuer, url: '', form: 'answer', serial: certificate.serial })
      await this.#loadLists(issuer)
    }
  }
}

function denialsBy(all: readonly Denial[]): Denials {
  const named = new Map(all.map((denial) => [`${denial.artifact} ${denial.signer ?? ''}`, denial]))
  const bySigner = new Set<string>(all.flatMap(({ artifact, signer }) => (signer === undefined ? [] : [artifact])))
  return {
    artifact: (digest) => named.get(`${digest} `),
    signature: (digest, signer) => named.get(`${digest} ${signer}`),
    anySignature: (digest) => bySigner.has(digest),
  }
}

/**
 * What the state in a folder knows, nothing without one, and the time to judge by.
 * Throws as `State.open` and `judgingTime`.
 */
export async function knownIn(
  dir: string | undefined,
  options: ClockOptions,
): Promise<{ known: KnownRevocations; now: Date }> {
  if (dir === undefined) return { known: new KnownRevocations(), now: judgingTime(undefined, options) }
  const state = await State.open(dir, { now: nowOf(options), write: false })
  return { known: new KnownRevocations(state), now: judgingTime(state, options) }
}
