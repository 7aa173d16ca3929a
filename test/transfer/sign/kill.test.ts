/** A signing that is killed at each of its steps lists nothing that is absent, and the next one comes through. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FIXTURE_PASSPHRASE, fixtureKeyFile, fixtureSigner } from '../../../fixtures/chains/build.ts'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import type { Descriptor } from '../../../src/oci/index.ts'
import { campaign, type Job } from '../../kill/campaign.ts'
import { Program } from '../../kill/program.ts'
import { needPeers, peer, startRegistry, type Registry } from '../../peers/setup/registry.ts'
import { artifactIn, checkAt, pemOf, policyFolder, signAt, STRANGER, VENDOR } from '../policies.ts'
import { Stage } from '../stage.ts'

interface Listed {
  manifests: { digest: string; mediaType: string }[]
}

describe('transfer/sign/kill', function () {
  this.timeout(300_000)
  let stage: Stage
  let program: Program
  let policy: string
  let layout: string
  let app: Descriptor
  let keys: string[]
  let registry: Registry | undefined

  before(async () => {
    stage = await Stage.make()
    const root = stage.path('program')
    mkdirSync(root)
    program = await Program.build(root)
    policy = policyFolder(stage.path('policy'))
    layout = stage.path('layout')
    const builder = new LayoutBuilder(layout)
    app = artifactIn(builder, 'registry.example/app', '1.0', 'cargo')
    builder.finish()
    await signAt(`oci:${layout}:1.0`, { signer: STRANGER })
    const { key, commonName } = fixtureSigner('ES384')
    const [keyFile, chain, pass] = [stage.path('key.pem'), stage.path('chain.pem'), stage.path('pass')]
    writeFileSync(keyFile, fixtureKeyFile(key, commonName))
    writeFileSync(chain, pemOf(...VENDOR.chain))
    writeFileSync(pass, FIXTURE_PASSPHRASE)
    keys = ['--key', keyFile, '--chain', chain, '--passphrase-file', pass]
  })

  after(async () => {
    await registry?.stop()
    stage?.close()
  })

  const inLayout = (dir: string, digest: string): string => join(dir, 'blobs', ...digest.split(':'))

  /** Everything that the layout's lists lead to is there. */
  function assertWhole(dir: string): void {
    const seen = new Set<string>()
    const visit = (digest: string): void => {
      if (seen.has(digest)) return
      seen.add(digest)
      assert.ok(existsSync(inLayout(dir, digest)), `${digest} is listed and absent`)
      const text = readFileSync(inLayout(dir, digest), 'utf8')
      if (!text.startsWith('{"schemaVersion"')) return
      const {
        manifests = [],
        layers = [],
        config,
      } = JSON.parse(text) as Partial<Listed> & {
        layers?: { digest: string }[]
        config?: { digest: string }
      }
      for (const part of [...manifests, ...layers, ...(config === undefined ? [] : [config])]) visit(part.digest)
    }
    const { manifests } = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as Listed
    for (const { digest } of manifests) visit(digest)
    assert.ok(seen.has(app.digest))
  }

  it('in a layout', async () => {
    const job: Job<{ dir: string }> = {
      name: 'sign-layout',
      async prepare(work) {
        const dir = join(stage.dir, `kill-${work}`)
        cpSync(layout, dir, { recursive: true })
        return { dir }
      },
      args: ({ dir }) => ['sign', `oci:${dir}:1.0`, ...keys],
      async atKill({ dir }) {
        assertWhole(dir)
        // The stranger's stays, whatever becomes of ours.
        const verdict = await checkAt(`oci:${dir}:1.0`, policy, { now: new Date() })
        assert.ok(verdict.signatures.length >= 1)
        assert.ok(verdict.signatures.every(({ checks }) => checks.integrity.outcome === 'passed'))
      },
      async after({ dir }, rerun) {
        assert.equal(rerun.status, 0, rerun.text)
        assertWhole(dir)
        const verdict = await checkAt(`oci:${dir}:1.0`, policy, { now: new Date() })
        assert.equal(verdict.verdict, 'trusted', verdict.why)
        assert.ok(verdict.signatures.length >= 2)
        rmSync(dir, { recursive: true })
        mkdirSync(dir)
      },
    }
    const { killed, wanted } = await campaign(program, job, 20)
    assert.ok(killed >= wanted * 0.7, `only ${killed} of ${wanted} runs were killed`)
  })

  it('in a registry without the Referrers API', async function () {
    needPeers(this)
    const running = await startRegistry()
    registry = running
    const over = { registry: { plainHttp: true } }
    const job: Job<{ dir: string; ref: string }> = {
      name: 'sign-registry',
      async prepare(work) {
        const dir = join(stage.dir, `kill-${work}`)
        mkdirSync(dir, { recursive: true })
        const ref = `${running.host}/${work}:1.0`
        await peer('oras', ['cp', '-r', '--from-oci-layout', `${layout}@${app.digest}`, '--to-plain-http', ref], {
          env: running.env,
        })
        return { dir, ref }
      },
      args: ({ ref }) => ['sign', ref, '--plain-http', ...keys],
      async atKill({ ref }) {
        const { signatures } = await checkAt(ref, policy, { ...over, now: new Date() })
        assert.ok(signatures.length >= 1)
        assert.ok(signatures.every(({ checks }) => checks.integrity.outcome === 'passed'))
      },
      async after({ ref }, rerun) {
        assert.equal(rerun.status, 0, rerun.text)
        const verdict = await checkAt(ref, policy, { ...over, now: new Date() })
        assert.equal(verdict.verdict, 'trusted', verdict.why)
        assert.ok(verdict.signatures.some(({ code }) => code === 'SIGNER_UNTRUSTED'))
      },
    }
    const { killed, wanted } = await campaign(program, job, 20)
    assert.ok(killed >= wanted * 0.7, `only ${killed} of ${wanted} runs were killed`)
  })
})
