/** What a site's state says of revocation and of what it undid. */
import { State } from '../../src/state/index.ts'

/** Without what is each run's own: rows, times, the name of the place. Two runs that came to one end have the same. */
export interface Facts {
  /** Last sequence and id of each channel. */
  heads: Record<string, string>
  lists: string[]
  denials: string[]
  /** `path@digest` → verdict, and whether it was let in once and fell. */
  verdicts: Record<string, string>
  quarantined: string[]
  unseen: number
  openIntents: number
}

export interface Known {
  facts: Facts
  /** Held CRL numbers, as naturals, by issuer and URL. */
  numbers: Map<string, number>
  /** The newest row of each kind. */
  listRow: number
  denialRow: number
  verdictRow: Map<string, number>
  /** Digests against which a measure is done. */
  done: Set<string>
}

export async function knownIn(dir: string, place: string): Promise<Known> {
  const state = await State.open(dir, { now: new Date(), write: false })
  try {
    const local = (text: string): string => text.replaceAll(place, 'PLACE')
    const lists = state.heldLists()
    const judged = [...state.judgedArtifacts()]
    const denials = state.denials()
    const quarantined = state.quarantined()
    const pending = state.pending()
    const facts: Facts = {
      heads: Object.fromEntries(
        state
          .channels()
          .map(({ channel, last }) => [channel, last === undefined ? 'none' : `${last.sequence} ${last.id}`]),
      ),
      lists: lists.map(({ n: _n, time: _time, ...list }) => JSON.stringify(list)).sort(),
      denials: denials.map(({ n: _n, ...denial }) => JSON.stringify(denial)).sort(),
      verdicts: Object.fromEntries(
        judged
          .map((one): [string, string] => {
            const { target, path, digest, verdict, policy, basis, fell, absent } = one
            const facts = { verdict, policy, basis, fell: fell !== undefined, absent }
            return [`${local(target)} ${local(path)}@${digest}`, JSON.stringify(facts)]
          })
          .sort(),
      ),
      quarantined: quarantined.map(({ n: _n, time: _time, ...held }) => local(JSON.stringify(held))).sort(),
      unseen: pending.lists.length + pending.denials.length,
      openIntents: state.openIntents().length,
    }
    return {
      facts,
      numbers: new Map(lists.map(({ issuer, url, number = '0' }) => [`${issuer} ${url}`, Number.parseInt(number, 16)])),
      listRow: Math.max(0, ...lists.map(({ n }) => n)),
      denialRow: Math.max(0, ...denials.map(({ n }) => n)),
      verdictRow: new Map(
        judged.flatMap(({ digest, verdict, n }) => (verdict === 'trusted' ? [[digest, n] as const] : [])),
      ),
      done: new Set(quarantined.flatMap(({ digest, outcome }) => (outcome === 'done' ? [digest as string] : []))),
    }
  } finally {
    await state.close()
  }
}
