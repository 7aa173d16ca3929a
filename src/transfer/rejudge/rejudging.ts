/** The verdict on one artifact that was let in, where it lies now, and the row that the journal is to have of it. */
import { SallyportError, type Code } from '../../errors/index.ts'
import type { JudgedPlace, RecordedVerdict, State, Verdict as VerdictRow } from '../../state/index.ts'
import type { CertificateFacts, TrustMaterial } from '../../trust/index.ts'
import type { Affected } from './affected.ts'
import { recordJudged } from '../verdict/artifact-verdicts.ts'
import type { PluginPlace } from '../verdict/plugin-place.ts'
import { isElsewhere } from '../trust/found-signatures.ts'
import { judgeLying, type JudgeLying } from '../verdict/judge-lying.ts'
import { KnownRevocations } from '../revocation/known-revocations.ts'
import type { Place } from '../place/place.ts'
import type { RejudgedArtifact } from './report.ts'
import type { RunOptions } from '../run/run.ts'
import type { Hold } from '../run/side-by-side.ts'

export interface Rejudged {
  artifact: RejudgedArtifact
  /** The row of the new verdict, and the certificates that it names; none when it could not be asked about. */
  row: VerdictRow | undefined
  certificates: readonly CertificateFacts[]
  /** How many were opened. */
  signatures: number
}

export interface RejudgingOptions extends RunOptions {
  now: Date
  material: TrustMaterial | undefined
  plugins?: PluginPlace | undefined
}

type Told = Pick<RejudgedArtifact, 'path' | 'digest' | 'tags' | 'because' | 'before'>

const GONE = 'it is not there any more'
const HELD = 'it is kept in quarantine; sallyport quarantine release lets it out when it is trusted'
const DETAIL_CAP = 400
/** When so many repositories can't be asked, the target is taken for down. */
const DOWN = 3

export class Rejudging {
  readonly #state: State
  readonly #known: KnownRevocations
  readonly #place: Place
  readonly #material: TrustMaterial | undefined
  readonly #byPolicy: JudgeLying | undefined
  /** Repositories that could not be asked, with the code of the first failure. */
  readonly #failing = new Map<string, SallyportError>()

  /** Duty of the caller: lists and denials of the state stay as they are while this is in use. */
  constructor(state: State, place: Place, options: RejudgingOptions) {
    const { material } = options
    this.#state = state
    this.#place = place
    this.#known = new KnownRevocations(state)
    this.#material = material
    this.#byPolicy = material && judgeLying(state, place, material, options)
  }

  /**
   * Throws INTERRUPTED, and what is wrong with the state.
   * @param hold - asked before signatures are held in memory
   */
  async judge(affected: Affected, hold?: Hold): Promise<Rejudged> {
    const { path, digest, because, verdict: before } = affected
    const recorded = await this.#state.verdictOf(affected)
    const told = { path, digest, tags: [...(recorded?.tags ?? [])], because, before }
    const denied = this.#denied(affected, recorded)
    if (denied !== undefined) return this.#rejected(told, recorded, 'ARTIFACT_DENIED', denied)
    const failing = this.#failing.get(path) ?? (this.#failing.size >= DOWN ? [...this.#failing.values()][0] : undefined)
    if (failing !== undefined) return unasked(told, failing)
    try {
      return await this.#ask(told, recorded, affected, hold)
    } catch (error) {
      if (!(error instanceof SallyportError) || error.side === 'state' || error.code === 'INTERRUPTED') throw error
      if (error.code === 'MANIFEST_MISSING') return this.#gone(told, recorded)
      if (isElsewhere(error)) {
        this.#failing.set(path, error)
        return unasked(told, error)
      }
      // Whoever can make an artifact unreadable must not keep the others from being judged, nor this one trusted.
      const { code, message } = error
      const row = this.#row(told, recorded, { verdict: 'inconclusive', why: code, detail: message })
      const policy = this.#material?.digest
      return { ...untouched({ ...told, verdict: 'inconclusive', code, why: message }), row: { ...row, policy } }
    }
  }

  /** Journals the verdicts, before anything is done about them. */
  async record(judgements: readonly Pick<Rejudged, 'row' | 'certificates'>[]): Promise<void> {
    const rows = judgements.flatMap(({ row }) => row ?? [])
    await recordJudged(
      this.#state,
      rows,
      judgements.flatMap(({ certificates }) => certificates),
    )
  }

  /** What is to be journaled of an artifact that was found to be gone. */
  absent({ path, digest }: JudgedPlace, recorded: RecordedVerdict | undefined): Pick<Rejudged, 'row' | 'certificates'> {
    const told = { path, digest, tags: [...(recorded?.tags ?? [])] }
    const row = this.#row(told, recorded, { verdict: 'rejected', why: 'MANIFEST_MISSING', detail: GONE })
    return { row, certificates: [] }
  }

  /** The reason, when the artifact or a manifest within it is denied, whoever signed it. */
  #denied({ digest, alias, within }: Affected, recorded: RecordedVerdict | undefined): string | undefined {
    if (!this.#known.anyDenials) return undefined
    const own = this.#known.denied(digest) ?? (alias && this.#known.denied(alias))
    if (own !== undefined) return own.reason
    for (const child of [...(recorded?.within ?? []), ...(within === undefined ? [] : [within])]) {
      const denial = this.#known.denied(child)
      if (denial !== undefined) return `${child} within it was denied: ${denial.reason}`
    }
    return undefined
  }

  async #ask(
    told: Told,
    recorded: RecordedVerdict | undefined,
    { path, digest }: Affected,
    hold: Hold | undefined,
  ): Promise<Rejudged> {
    const target = this.#place.at(path)
    if (this.#byPolicy === undefined) {
      if ((await target.resolve(digest)) === undefined) return this.#gone(told, recorded)
      return { ...untouched({ ...told, verdict: told.before, why: 'not denied' }), row: undefined }
    }
    const { report, row, certificates } = await this.#byPolicy({ target: this.#place.name, path, digest }, target, hold)
    const { verdict, code, why } = report
    const artifact = { ...told, verdict, ...(code === undefined ? {} : { code }), why, measure: null }
    return { artifact, row, certificates, signatures: report.signatures.length }
  }

  #gone(told: Told, recorded: RecordedVerdict | undefined): Rejudged {
    const { path, digest } = told
    const held = this.#state.quarantinedAt({ target: this.#place.name, path, digest })
    // Taken away by us, and not lost: nobody but a person lets it out.
    if (held?.at !== undefined) return { ...untouched({ ...told, verdict: 'absent', why: HELD }), row: undefined }
    const row = this.#row(told, recorded, { verdict: 'rejected', why: 'MANIFEST_MISSING', detail: GONE })
    return { ...untouched({ ...told, verdict: 'absent', why: GONE }), row }
  }

  #rejected(told: Told, recorded: RecordedVerdict | undefined, code: Code, why: string): Rejudged {
    const row = this.#row(told, recorded, { verdict: 'rejected', why: code, detail: why })
    return { ...untouched({ ...told, verdict: 'rejected', code, why }), row }
  }

  /** For what no policy was asked about. */
  #row(
    { path, digest, tags }: Pick<Told, 'path' | 'digest' | 'tags'>,
    recorded: RecordedVerdict | undefined,
    { verdict, why, detail }: Pick<VerdictRow, 'verdict'> & { why: Code; detail: string },
  ): VerdictRow {
    return {
      id: recorded?.id ?? '-',
      repository: recorded?.repository ?? path,
      digest,
      target: this.#place.name,
      path,
      tags,
      within: recorded?.within,
      verdict,
      why,
      detail: detail.slice(0, DETAIL_CAP).toWellFormed(),
    }
  }
}

/** Without a signature opened. */
function untouched(artifact: Omit<RejudgedArtifact, 'measure'>): Omit<Rejudged, 'row'> {
  return { artifact: { ...artifact, measure: null }, certificates: [], signatures: 0 }
}

function unasked(told: Told, { code, message }: SallyportError): Rejudged {
  return { ...untouched({ ...told, verdict: 'unasked', code, why: message }), row: undefined }
}
