/** A channel and its bundles as they are made today: what the pages describe is tried on these. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildDemoLayout, buildZooLayout } from '../../fixtures/layouts/build.ts'
import {
  approveBundle,
  channelInit,
  exportBundle,
  sign,
  type ChannelInitReport,
  type SignOptions,
} from '../../src/index.ts'

export const CHANNEL = 'vendor-a'
export const SITE = 'site-a'

/** A signature to be made, of what a reference inside the layout names: `:repository:tag`. */
export type ArtifactSignature = Pick<SignOptions, 'ref' | 'signer' | 'format'>

export interface NearSide {
  dir: string
  keys: string
  channel: ChannelInitReport
  /** A bundle of one fixture layout, or of such images in it, approved by two of three. Stock tools judge it by the real clock. */
  bundle(
    layout: 'demo' | 'zoo',
    name: string,
    signatures?: readonly ArtifactSignature[],
    images?: readonly string[],
  ): Promise<string>
  close(): void
}

export async function nearSide(kind: 'ed25519' | 'p384' = 'ed25519'): Promise<NearSide> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-docs-'))
  const keys = join(dir, 'keys')
  const passphrase = (): Promise<Buffer> => Promise.resolve(Buffer.from('only for the docs'))
  const people = ['alice', 'bob', 'carol']
  const init = { channel: CHANNEL, purpose: 'content' as const, dir: keys, people, threshold: 2, kind, rootDays: 30 }
  const channel = await channelInit({ ...init, passphrase })
  await buildDemoLayout(join(dir, 'demo'))
  await buildZooLayout(join(dir, 'zoo'))
  return {
    dir,
    keys,
    channel,
    async bundle(layout, name, signatures = [], images = ['']) {
      const output = join(dir, `${name}.tar`)
      const from = join(dir, `from-${name}`)
      cpSync(join(dir, layout), from, { recursive: true })
      for (const { ref, ...signature } of signatures)
        await sign({ ...signature, ref: `oci:${from}${ref}`, registry: {}, form: 'legacy', metadata: {} })
      const artifacts = images.map((image) => ({ ref: `oci:${from}${image}`, referrers: 'all' as const }))
      await exportBundle({
        plan: { map: [], audience: [SITE], artifacts },
        planName: 'the test',
        keys,
        passphrase,
        output,
        registry: {},
        concurrency: 4,
        validDays: 7,
      })
      await approveBundle({ bundle: output, key: join(keys, 'bob.pem'), passphrase })
      return output
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  }
}
