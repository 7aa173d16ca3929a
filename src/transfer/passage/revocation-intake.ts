/** Takes in what a bundle and its passengers carry on revocation, in memory, and writes it once the run may write. */
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { Denial } from '../../revocation/index.ts'
import { distinguishedNameText } from '../../signature/index.ts'
import type { Origin, ProvenList, State } from '../../state/index.ts'
import { KnownRevocations } from '../revocation/known-revocations.ts'
import type { Faults } from '../revocation/list-intake.ts'
import type { ListReport } from '../revocation/list-report.ts'
import { isAccepted, type PassengerPassage } from './passenger.ts'
import type { Passage } from './passage.ts'
import type { RevocationInformation } from '../revocation/information.ts'

export interface NamedListReport extends ListReport {
  issuerName: string
}

/** What became of the revocation that was carried. */
export interface RevocationReport {
  /** In the order in which they were looked at, a delta after what it adds to. */
  lists: NamedListReport[]
  /** Denials that were carried, and how many of them are new here. */
  denials: { carried: number; added: number }
}

interface Taken {
  from: Origin
  changed: ProvenList[]
  denials: readonly Denial[]
}

export interface RevocationIntake {
  /** With passengers refused whose lists could not be let in. */
  passage: Passage
  known: KnownRevocations
  report: RevocationReport
  /** Pieces that are older than what is in force, or were refused: the tags of others at the target stay. */
  older: { repository: string; digest: Digest }[]
  /** True when something would be written. */
  any: boolean
  /** Journals lists, then denials, each from its bundle; a list that a killed run journaled already is let pass. */
  write(state: State): Promise<void>
}

type Carrier = Pick<Passage, 'files'> & { revocation: RevocationInformation | undefined; id: string }

/** What the bundle and its passengers carry on revocation, taken into memory and ready to be written. Throws as `ListIntake.take`. */
export async function takeIn(passage: Passage, state: State | undefined, now: Date): Promise<RevocationIntake> {
  const intake = new Intake(new KnownRevocations(state), now)
  // A bundle for revocation alone is all or nothing. Content that brings the lists of a hundred issuers is not: any one of
  // them, who need be nobody's signer here, could keep out all that the others signed.
  const faults = passage.files.transfer.purpose === 'revocation' ? 'thrown' : 'left out'
  await intake.carrier({ ...passage, id: passage.verdict.id }, faults)
  const passengers: PassengerPassage[] = []
  for (const passenger of passage.passengers) passengers.push(await intake.passenger(passenger))
  return await intake.done({ ...passage, passengers })
}

function reportKey({ form, url, issuer, serial }: Pick<ListReport, 'form' | 'url' | 'issuer' | 'serial'>): string {
  return [form, issuer, url, serial ?? ''].join('\0')
}

class Intake {
  readonly #now: Date
  readonly #taken: Taken[] = []
  readonly #report: RevocationReport = { lists: [], denials: { carried: 0, added: 0 } }
  readonly #carried: { revocation: RevocationInformation; refused: string[] }[] = []
  #known: KnownRevocations

  constructor(known: KnownRevocations, now: Date) {
    this.#known = known
    this.#now = now
  }

  async carrier({ files, revocation, id }: Carrier, faults: Faults): Promise<void> {
    if (revocation === undefined) return
    const { lists, answers, denials = [] } = revocation
    const { reports, changed } = await this.#known.offer(lists, answers, this.#now, faults)
    const added = this.#known.deny(denials)
    this.#taken.push({ from: { channel: files.transfer.channel, id }, changed, denials })
    const names = new Map(
      [...lists, ...answers].map(({ issuer }) => [issuer.spkiSha256, distinguishedNameText(issuer.subject)]),
    )
    this.#report.lists.push(...reports.map((one) => ({ ...one, issuerName: names.get(one.issuer) ?? one.issuer })))
    const refused = reports.filter(({ outcome }) => outcome === 'refused').map(reportKey)
    this.#carried.push({ revocation, refused })
    this.#report.denials.carried += denials.length
    this.#report.denials.added += added
  }

  /** One passenger never blocks another, nor the content: what can't be let in is refused alone, whole. */
  async passenger(passenger: PassengerPassage): Promise<PassengerPassage> {
    if (!isAccepted(passenger) || passenger.revocation === undefined) return passenger
    const before = this.#known.copy()
    try {
      await this.carrier(passenger, 'thrown')
      return passenger
    } catch (fault) {
      if (!(fault instanceof SallyportError) || fault.side !== 'bundle') throw fault
      this.#known = before
      if (fault.code === 'LIST_EQUIVOCATION') await this.#dispute(passenger.revocation)
      const { verdict: _verdict, revocation: _revocation, ...rest } = passenger
      return { ...rest, outcome: 'refused', fault }
    }
  }

  /** Whoever tells two things under one number about what is revoked is believed in neither. */
  async #dispute({ lists, answers }: RevocationInformation): Promise<void> {
    const { reports } = await this.#known.copy().offer(lists, answers, this.#now, 'left out')
    for (const { form, issuer, url, serial, code } of reports)
      if (code === 'LIST_EQUIVOCATION')
        this.#known.lists.dispute({ form, issuer, url, ...(serial === null ? {} : { serial }) })
  }

  /**
   * By all that is in force in the end: a list that is held, or taken, and then replaced by a passenger's is older too, as
   * it is to the run that completes this one after a kill. Else the two would end with other tags.
   */
  async #older(): Promise<RevocationIntake['older']> {
    const older: RevocationIntake['older'] = []
    const known = this.#known.copy()
    for (const { revocation, refused } of this.#carried) {
      const { lists, answers, items, repository } = revocation
      const { reports } = await known.offer(lists, answers, this.#now, 'left out')
      const left = reports.filter(({ outcome }) => outcome === 'older')
      const keys = new Set([...refused, ...left.map(reportKey)])
      for (const { kind, url, issuer, serial, digest } of items) {
        const form = kind === 'list' ? 'base' : kind
        if (form === 'denials' || url === null || issuer === null) continue
        if (keys.has(reportKey({ form, url, issuer, serial }))) older.push({ repository, digest })
      }
    }
    return older
  }

  async done(passage: Passage): Promise<RevocationIntake> {
    const taken = this.#taken.filter(({ changed, denials }) => changed.length + denials.length > 0)
    return {
      passage,
      known: this.#known,
      report: this.#report,
      older: await this.#older(),
      any: taken.length > 0,
      async write(state) {
        for (const { from, changed, denials } of taken) {
          await state.takeLists(changed, from)
          await state.addDenials(denials, from)
        }
      },
    }
  }
}
