/** What a site holds, in maps: the knowledge that checks are made with. */
import {
  offerList,
  type KeptEntries,
  type OcspAnswer,
  type RevocationKnowledge,
  type RevocationList,
} from '../../src/revocation/index.ts'
import type { Certificate } from '../../src/signature/index.ts'

export class Held implements RevocationKnowledge {
  readonly #bases = new Map<string, RevocationList>()
  readonly #deltas = new Map<string, RevocationList>()
  readonly #kept = new Map<string, KeptEntries>()
  readonly #answers = new Map<string, OcspAnswer>()

  /** The list as it is, held under this issuer and URL. */
  list({ spkiSha256 }: Certificate, url: string, list: RevocationList): this {
    const lists = list.deltaBase === undefined ? this.#bases : this.#deltas
    lists.set(`${spkiSha256} ${url}`, list)
    return this
  }

  /** The list by the rules of what may replace what. */
  offer(issuer: Certificate, url: string, list: RevocationList, now: Date): this {
    const key = `${issuer.spkiSha256} ${url}`
    const { base, kept } = offerList({ base: this.#bases.get(key), kept: this.#kept.get(key) }, list, { now })
    this.#bases.set(key, base)
    this.#kept.set(key, kept)
    return this
  }

  readonly #disputed = new Set<string>()

  dispute({ spkiSha256 }: Certificate, form: 'base' | 'delta' | 'answer', at: string): this {
    this.#disputed.add(`${spkiSha256} ${form} ${at}`)
    return this
  }

  disputed(issuer: string, form: 'base' | 'delta' | 'answer', at: string): boolean {
    return this.#disputed.has(`${issuer} ${form} ${at}`)
  }

  hold({ spkiSha256 }: Certificate, { serial }: Certificate, answer: OcspAnswer): this {
    this.#answers.set(`${spkiSha256} ${serial}`, answer)
    return this
  }

  base(issuer: string, url: string): RevocationList | undefined {
    return this.#bases.get(`${issuer} ${url}`)
  }

  delta(issuer: string, url: string): RevocationList | undefined {
    return this.#deltas.get(`${issuer} ${url}`)
  }

  urls(issuer: string): string[] {
    return urlsIn(this.#bases, issuer)
  }

  deltaUrls(issuer: string): string[] {
    return urlsIn(this.#deltas, issuer)
  }

  kept(issuer: string, url: string): KeptEntries | undefined {
    return this.#kept.get(`${issuer} ${url}`)
  }

  answer(issuer: string, serial: string): OcspAnswer | undefined {
    return this.#answers.get(`${issuer} ${serial}`)
  }
}

function urlsIn(lists: ReadonlyMap<string, RevocationList>, issuer: string): string[] {
  return [...lists.keys()].filter((key) => key.startsWith(`${issuer} `)).map((key) => key.slice(issuer.length + 1))
}
