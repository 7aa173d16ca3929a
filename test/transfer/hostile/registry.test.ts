/** Rejected bundles as an operator meets them: a real process, a real registry, and nothing written to either side. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { RejectExpectation } from '../../../bundles/vectors/expect.ts'
import { BUNDLES, readExpectations } from '../../bundle/corpus.ts'
import { CorpusSite } from '../../bundle/corpus-site.ts'
import { needPeers, startRegistry, type Registry } from '../../peers/setup/registry.ts'

const { reject } = readExpectations()
const CLI = join(import.meta.dirname, '../../../src/cli/main.ts')

// Of every exit class. Those with `-` in front come through standard input, with damage that stands before the payload:
// what comes later in a pipe meets content that is pushed already.
const CHOSEN = `
  TAR_NAME-parent-folders TAR_TYPE-symbolic-link TAR_SIZE-negative TAR_TRUNCATED-before-the-last-member
  TAR_END-extra-member TAR_TRAILING-second-archive DIGEST_MISMATCH-layer -DIGEST_MISMATCH-manifest
  CENSUS_MISMATCH-stowaway-in-payload MANIFEST_AMBIGUOUS-image-with-manifests -TAR_ORDER-duplicate-transfer
  SIZE_MISMATCH-envelope-longer-than-its-descriptor FORMAT_UNSUPPORTED-version-2 METADATA_MIXED-targets-of-a-sibling
  -SIGNATURE_INVALID-targets-by-exporting-host AUDIENCE_MISMATCH-other-sites CHANNEL_NOT_PINNED-stranger
  ROLLBACK-older-sequence -EQUIVOCATION-another-7 EXPIRED-targets LIMIT_EXCEEDED-timestamp-slot APPROVAL_MISSING-one-of-two`
  .trim()
  .split(/\s+/)
  .map((name) => ({ piped: name.startsWith('-'), file: `reject/${name.replace(/^-/, '')}.tar` }))

interface Outcome {
  status: number | null
  stdout: string
  stderr: string
}

function run(args: readonly string[], input: string | undefined): Promise<Outcome> {
  const fd = input === undefined ? undefined : openSync(input, 'r')
  // A pipe, not the file itself: nothing may be read twice.
  const feeder = fd === undefined ? undefined : spawn('cat', { stdio: [fd, 'pipe', 'inherit'] })
  const child = spawn(process.execPath, [CLI, ...args], { stdio: [feeder?.stdout ?? 'ignore', 'pipe', 'pipe'] })
  const outcome: Outcome = { status: null, stdout: '', stderr: '' }
  child.stdout?.on('data', (text) => (outcome.stdout += String(text)))
  child.stderr?.on('data', (text) => (outcome.stderr += String(text)))
  return new Promise((resolve, reject_) => {
    child.on('error', reject_)
    child.on('close', (status) => {
      if (fd !== undefined) closeSync(fd)
      resolve({ ...outcome, status })
    })
  })
}

describe('transfer/hostile/registry', function () {
  this.timeout(120_000)
  let registry: Registry
  const sites = new Map<string, CorpusSite>()

  before(async function () {
    needPeers(this)
    registry = await startRegistry()
  })
  after(async () => {
    for (const site of sites.values()) site.close()
    await registry?.stop()
  })

  async function siteFor({
    root,
    site,
    before,
    channel,
    purpose,
    rootVersion,
    now,
  }: RejectExpectation): Promise<CorpusSite> {
    const judge = { root, site, before, channel, purpose, rootVersion, now }
    const key = JSON.stringify(judge)
    const known = sites.get(key)
    if (known !== undefined) return known
    const made = new CorpusSite(judge)
    sites.set(key, made)
    await made.open()
    return made
  }

  function importing(site: CorpusSite, file: string, piped: boolean, prefix = 'mirror'): Promise<Outcome> {
    const path = join(BUNDLES, file)
    const args = [
      'import',
      piped ? '-' : path,
      '--to',
      `${registry.host}/${prefix}`,
      '--plain-http',
      '--state',
      site.state,
      '--json',
    ]
    return run(args, piped ? path : undefined)
  }

  async function writes(): Promise<string[]> {
    await registry.settled()
    return registry
      .requests()
      .filter(({ method }) => !['GET', 'HEAD'].includes(method))
      .map(({ method, path }) => `${method} ${path}`)
  }

  for (const { file, piped } of CHOSEN)
    it(`ends with the exit class of ${file}${piped ? ' from a pipe' : ''} and writes nothing`, async () => {
      const expect = reject[file] ?? assert.fail(file)
      const site = await siteFor(expect)
      const journal = site.journal()
      registry.clearRequests()
      const { status, stdout, stderr } = await importing(site, file, piped)
      assert.equal(status, expect.exit, stderr)
      const { ok, exit, error } = JSON.parse(stdout) as {
        ok: boolean
        exit: number
        error: { code: string; subject: string }
      }
      assert.deepEqual([ok, exit, error.code], [false, expect.exit, expect.code])
      assert.match(error.subject, new RegExp(expect.subject))
      assert.deepEqual(await writes(), [])
      assert.equal(site.journal(), journal)
    })

  it('covers every exit class that a bundle can cause', () => {
    assert.ok(CHOSEN.length >= 20)
    const classes = (exits: (number | undefined)[]): unknown[] => [...new Set(exits)].sort()
    const met = classes(CHOSEN.map(({ file }) => reject[file]?.exit))
    assert.deepEqual(met, classes(Object.values(reject).map(({ exit }) => exit)))
  })

  it('takes the next genuine bundle at each of these sites, and then it writes', async () => {
    const next = new Map(CHOSEN.map(({ file }) => [reject[file] ?? assert.fail(), reject[file]?.next ?? '']))
    const done = new Set<CorpusSite>()
    for (const [expect, file] of next) {
      const site = await siteFor(expect)
      if (done.has(site)) continue
      done.add(site)
      registry.clearRequests()
      const journal = site.journal()
      const prefix = `mirror-${done.size}`
      const { status, stderr } = await importing(site, file, false, prefix)
      assert.equal(status, 0, stderr)
      assert.ok((await writes()).some((request) => request.startsWith(`PUT /v2/${prefix}/team/app/manifests/1.0`)))
      assert.notEqual(site.journal(), journal)
    }
  })

  it('moves no tag when a pipe turns out damaged behind its law, and takes the next bundle', async () => {
    const file = 'reject/DIGEST_MISMATCH-layer.tar'
    const expect = reject[file] ?? assert.fail()
    const site = new CorpusSite(expect)
    try {
      await site.open()
      registry.clearRequests()
      const { status, stderr } = await importing(site, file, true, 'piped')
      assert.equal(status, expect.exit, stderr)
      const manifests = (await writes()).filter((request) => request.includes('/manifests/'))
      assert.deepEqual(manifests, [])
      assert.equal((await importing(site, expect.next, true, 'piped')).status, 0)
      assert.ok((await writes()).includes('PUT /v2/piped/team/app/manifests/1.0'))
    } finally {
      site.close()
    }
  })
})
