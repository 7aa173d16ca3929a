/** What re-judging costs: signature operations and requests for what a list touches, and none for the others. */
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { needPeers, startRegistry, type Registry } from '../../peers/setup/registry.ts'
import { admitMany } from './many-artifacts.ts'
import { RevocableSite } from '../revocable.ts'

const ARTIFACTS = 1_000
const CERTIFICATES = 50
const EACH = ARTIFACTS / CERTIFICATES

/** Counts the signatures that are verified with node:crypto while the work runs: whoever verifies one has to ask it. */
async function verifying<T>(work: () => Promise<T>): Promise<{ result: T; verified: number }> {
  const { verify } = crypto
  let verified = 0
  crypto.verify = ((...args: Parameters<typeof verify>) => {
    verified += 1
    return verify(...args)
  }) as typeof verify
  syncBuiltinESMExports()
  try {
    return { result: await work(), verified }
  } finally {
    crypto.verify = verify
    syncBuiltinESMExports()
  }
}

describe('transfer/rejudge/scale', function () {
  this.timeout(120_000)
  let registry: Registry
  let site: RevocableSite

  before(async function () {
    needPeers(this)
    registry = await startRegistry({})
    site = await RevocableSite.make(registry.host)
  })
  after(async () => {
    await site?.close()
    await registry?.stop()
  })

  it(`#7 opens a signature for each of what hangs on a changed serial number of ${CERTIFICATES}, and asks for no other`, async () => {
    const there = await admitMany(site, { artifacts: ARTIFACTS, certificates: CERTIFICATES, real: [1, 2, 3] })
    assert.equal([...site.state.judgedArtifacts()].length, ARTIFACTS)
    const counts: number[] = []
    const judged = new Set<string>()
    for (const [number, entries, changed] of [
      [2, { 1: 1, 99: 1 }, 1],
      [3, { 1: 1, 2: 1, 3: 6, 99: 1 }, 2],
      // Says nothing new of any certificate that is known here.
      [4, { 1: 1, 2: 1, 3: 6, 99: 1, 77: 1 }, 0],
    ] as const) {
      await site.take(site.vendor.list(number, entries))
      await registry.settled()
      registry.clearRequests()
      const { result, verified } = await verifying(() => site.rejudge())
      await registry.settled()
      assert.deepEqual([result?.known, result?.signatures], [ARTIFACTS, changed * EACH])
      assert.equal(result?.artifacts.length, changed * EACH)
      for (const { digest, verdict } of result?.artifacts ?? []) {
        judged.add(digest)
        assert.equal(verdict, 'rejected')
      }
      const paths = registry.requests().map(({ path }) => path)
      const others = paths.flatMap((path) => /\/manifests\/(sha256:[0-9a-f]{64})/.exec(path)?.[1] ?? [])
      // Signatures' own manifests are asked for, too; of artifacts only those that hang on it.
      const artifacts = others.filter((digest) => site.state.artifactsWith(digest as `sha256:${string}`).length > 0)
      assert.deepEqual(new Set(artifacts), new Set(result?.artifacts.map(({ digest }) => digest)))
      assert.ok(
        paths.every((path) => path === '/v2/' || path.startsWith('/v2/mirror/app/')),
        String(paths[0]),
      )
      if (changed === 0) assert.deepEqual(paths, [])
      counts.push(verified)
    }
    assert.deepEqual(judged, there)
    const [one = 0, two = 0, none = -1] = counts
    console.log(`      ${counts.join(', ')} signatures verified for ${EACH}, ${2 * EACH} and 0 artifacts`)
    assert.equal(none, 0)
    // Beside those of the artifacts a run verifies the list's own once: what an artifact costs is the same for each.
    const fixed = 2 * one - two
    assert.ok(fixed >= 0 && fixed <= 2, String(fixed))
    assert.equal((one - fixed) % EACH, 0)
  })
})
