/** A target with artifacts that a site judged, and the site's state, for the tests of measures and of taking them back. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Target } from '../../src/content/index.ts'
import { OCI_INDEX, OCI_MANIFEST, type Descriptor, type Digest } from '../../src/oci/index.ts'
import { State, type ArtifactPlace } from '../../src/state/index.ts'
import { attach } from '../../src/transfer/sign/sign.ts'
import { openPlace, type Place } from '../../src/transfer/place/place.ts'
import { sealTarget, sealTimes } from '../../src/transfer/sign/seal-target.ts'
import { moveTag } from '../../src/transfer/place/tag-moves.ts'
import { targetPayload } from '../../src/signature/index.ts'
import { bodyOf, EMPTY_CONFIG, piece, randomBlob, type Piece } from '../contract/content.ts'
import { VENDOR } from './policies.ts'
import { NOW } from './stage.ts'

export const PATH = 'mirror/app'
export const BUNDLE = 'sha256:1111111111111111111111111111111111111111111111111111111111111111'

export class Ward {
  readonly dir = mkdtempSync(join(tmpdir(), 'sallyport-ward-'))
  readonly to: string
  state!: State
  place!: Place

  private constructor(to: string | undefined) {
    this.to = to ?? `oci:${join(this.dir, 'layout')}`
  }

  /** @param to - a registry with its prefix; a fresh layout without one */
  static async make(to?: string): Promise<Ward> {
    const ward = new Ward(to)
    ward.state = await State.init(ward.stateDir, { site: 'site-a', reason: 'test', now: NOW })
    ward.place = openPlace(ward.to, { plainHttp: true })
    return ward
  }

  get stateDir(): string {
    return join(this.dir, 'state')
  }

  get target(): Target {
    return this.place.at(PATH)
  }

  get quarantine(): Target {
    return this.place.quarantineAt(this.place.quarantinePath(PATH))
  }

  placeOf({ digest }: Pick<Descriptor, 'digest'>, path = PATH): ArtifactPlace {
    return { target: this.place.name, path, digest }
  }

  async push(made: Piece, ...blobs: readonly Piece[]): Promise<Piece> {
    for (const blob of [EMPTY_CONFIG, ...blobs]) await this.target.pushBlob(blob.descriptor, bodyOf(blob.bytes))
    await this.target.pushManifest(made.descriptor, made.bytes)
    return made
  }

  /** An image of these layers. */
  image(layers: readonly Piece[] = [randomBlob(2000)], more: object = {}): Promise<Piece> {
    const document = { config: EMPTY_CONFIG.descriptor, layers: layers.map(({ descriptor }) => descriptor), ...more }
    return this.push(
      piece(OCI_MANIFEST, JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, ...document })),
      ...layers,
    )
  }

  index(...children: readonly Piece[]): Promise<Piece> {
    const manifests = children.map(({ descriptor }) => descriptor)
    const document = { schemaVersion: 2, mediaType: OCI_INDEX, manifests, annotations: { n: String(Math.random()) } }
    return this.push(piece(OCI_INDEX, JSON.stringify(document)))
  }

  /** A signature by the vendor beside an artifact; the digest of its manifest. */
  async sign(subject: Piece): Promise<Digest> {
    const seal = { signer: VENDOR, format: 'jws' } as const
    const sealed = await sealTarget(targetPayload(subject.descriptor), seal, sealTimes(NOW, undefined))
    const terms = { ref: this.place.name, format: 'jws', form: 'legacy' } as const
    return (await attach(this.target, subject.descriptor, sealed, terms)).digest
  }

  async tag(made: Piece, ...tags: readonly string[]): Promise<void> {
    const { target, state, place } = this
    for (const tag of tags) await moveTag(state, place, { target, repository: PATH, tag, ...made })
  }

  /** What the site thinks of it. */
  async judge({ descriptor }: Piece, verdict: 'trusted' | 'rejected' | 'inconclusive', path = PATH): Promise<void> {
    const { digest } = descriptor
    const row = { id: BUNDLE, repository: 'registry.example/app', digest, verdict, why: 'POLICY', policy: digest }
    await this.state.recordVerdicts([{ ...row, target: this.place.name, path, signatures: [] }])
  }

  /** Another client of the target and the state, as the next run has them. */
  async reopen(): Promise<void> {
    await this.pause()
    await this.resume()
  }

  /** Gives state and target free for a verb that opens them itself. */
  async pause(): Promise<void> {
    await this.place.close()
    await this.state.close()
  }

  async resume(): Promise<void> {
    this.state = await State.open(this.stateDir, { now: NOW, write: true })
    this.place = openPlace(this.to, { plainHttp: true })
  }

  async named(tag: string): Promise<Digest | undefined> {
    return (await this.target.resolve(tag))?.digest
  }

  /** The journal's rows of a kind. */
  async rows(kind: string): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = []
    for await (const row of this.state.rows()) if (row.kind === kind) found.push(row)
    return found
  }

  async close(): Promise<void> {
    await this.place.close()
    await this.state.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
