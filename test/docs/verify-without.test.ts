/** Runs every command of bundles/verify-without-sallyport.md, and shows that each step finds what the page says it finds. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { digestOf, OCI_INDEX } from '../../src/oci/index.ts'
import { sealEnvelope, targetPayload, type Signer } from '../../src/signature/index.ts'
import { NotationJudge } from '../peers/notation.ts'
import { peersBin } from '../peers/setup/run.ts'
import { pemOf, policyFolder, rootOf, signerWith, VENDOR, VENDOR_STORE } from '../transfer/policies.ts'
import { CHANNEL, nearSide, SITE, type NearSide } from './near-side.ts'
import { need } from '../need.ts'

const PAGE = join(import.meta.dirname, '..', '..', 'bundles', 'verify-without-sallyport.md')

interface Block {
  /** The number of its heading; 0 before the first. */
  step: number
  tools: string[]
  script: string
}

function blocksOf(page: string): Block[] {
  const blocks: Block[] = []
  let step = 0
  for (const [, heading, fence, script] of page.matchAll(/^## (\d+)\.|^```(.*)\n([\s\S]*?)^```$/gm)) {
    if (heading !== undefined) step = Number(heading)
    else blocks.push({ step, tools: (fence ?? '').split(' ').slice(1), script: script ?? '' })
  }
  return blocks
}

/** What the page takes for its example in the demo layout. */
const IMAGE = ':registry.example/demo/app:1.0'

const PUBLISHER = VENDOR

const BLOCKS = blocksOf(readFileSync(PAGE, 'utf8'))
const PATHS = [peersBin(), ...(process.env['PATH'] ?? '').split(delimiter)].filter((path) => path !== undefined)

function find(tool: string): string | undefined {
  return PATHS.map((path) => join(path, tool)).find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** The envelope of the publisher's only signature in JWS, in an extracted bundle. */
function envelopeIn(dir: string): string {
  const blobs = join(dir, 'bundle', 'blobs', 'sha256')
  const [leaf] = PUBLISHER.chain
  const files = readdirSync(blobs).map((name) => join(blobs, name))
  const found = files.filter((file) =>
    readFileSync(file, 'latin1').includes(`"x5c":["${leaf?.der.toString('base64')}"`),
  )
  assert.equal(found.length, 1)
  return found[0] ?? ''
}

/** What somebody at the desk was given and told, where it is not the truth. */
interface Told {
  image?: string
  keys?: string
  site?: string
  fingerprint?: string
  publisher?: Signer
  /** The publisher whose fingerprint was told. */
  told?: Signer
}

/** Skips where a tool is not installed, fails where CI must have it. */
function needTools(context: Mocha.Context, tools: readonly string[]): void {
  const missing = tools.filter((tool) => find(tool) === undefined)
  need(context, missing.length === 0, `missing: ${missing.join(', ')}`)
}

describe('docs/verify-without', function () {
  this.timeout(120_000)
  let near: NearSide
  let june: string

  before(async () => {
    near = await nearSide()
    june = await near.bundle('demo', 'june', [
      // As others may be there too: of a stranger, and in the format that the page does not read.
      { ref: IMAGE, signer: signerWith('PS256'), format: 'jws' },
      { ref: IMAGE, signer: PUBLISHER, format: 'cose' },
      { ref: IMAGE, signer: PUBLISHER, format: 'jws' },
    ])
  })
  after(() => near?.close())

  /** A folder as the page asks for, with the site's file filled in. */
  function desk(bundle = june, given: Told = {}): string {
    const { keys = near.keys, site = SITE, fingerprint = near.channel.fingerprint ?? '', publisher = PUBLISHER } = given
    const dir = mkdtempSync(join(near.dir, 'desk-'))
    copyFileSync(bundle, join(dir, 'june.tar'))
    copyFileSync(join(keys, 'root.json'), join(dir, 'root.json'))
    const [first] = BLOCKS
    writeFileSync(join(dir, 'publisher.pem'), pemOf(rootOf(publisher)))
    const lines = (first?.script ?? '')
      .replace('sha256:PUT-IT-HERE', fingerprint)
      .replace('sha256:PUT-IT-THERE', `sha256:${rootOf(given.told ?? publisher).sha256}`)
      .replace('=site-a ', `=${site} `)
      .replace('=registry.example/acme/app:1.2 ', `=${given.image ?? IMAGE.slice(1)} `)
    execFileSync('bash', ['-euo', 'pipefail', '-c', lines], { cwd: dir })
    mkdirSync(join(dir, 'tools'))
    const python = find('python-tuf')
    if (python !== undefined) symlinkSync(python, join(dir, 'tools', 'python3'))
    return dir
  }

  function run(dir: string, { script, tools }: Block): Promise<{ status: number; output: string }> {
    const own = tools.includes('python-tuf') ? [join(dir, 'tools')] : []
    const env = { ...process.env, PATH: [...own, ...PATHS].join(delimiter) }
    return new Promise((resolve) => {
      execFile('bash', ['-euo', 'pipefail', '-c', script], { cwd: dir, env }, (error, stdout, stderr) =>
        resolve({ status: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
      )
    })
  }

  /** The step whose block fails first, of those up to `last`; undefined when none does. */
  async function firstFailure(dir: string, last: number): Promise<number | undefined> {
    for (const block of BLOCKS.slice(1).filter(({ step }) => step <= last)) {
      const { status } = await run(dir, block)
      if (status !== 0) return block.step
    }
    return undefined
  }

  function damaged(name: string, change: (bytes: Buffer) => void): string {
    const bytes = readFileSync(june)
    change(bytes)
    const file = join(near.dir, `${name}.tar`)
    writeFileSync(file, bytes)
    return file
  }

  it('has blocks of shell alone, and each says which tools it needs', () => {
    assert.equal(readFileSync(PAGE, 'utf8').match(/^```/gm)?.length, 2 * BLOCKS.length)
    assert.deepEqual(
      BLOCKS.map(({ step }) => step),
      [0, 1, 2, 3, 4, 5, 5, 6, 7, 7, 8, 8],
    )
    for (const { step, tools } of BLOCKS) assert.equal(tools.length > 0, step > 0)
  })

  describe('on a good bundle', () => {
    let dir: string
    before(() => {
      dir = desk()
    })

    for (const [i, block] of BLOCKS.entries()) {
      if (i === 0) continue
      it(`passes step ${block.step} with ${block.tools.join(', ')}`, async function () {
        needTools(this, block.tools)
        const { status, output } = await run(dir, block)
        assert.equal(status, 0, output)
      })
    }

    it('leaves behind what it has shown to be signed', function () {
      needTools(this, ['jq', 'sha256sum'])
      assert.match(readFileSync(join(dir, 'tags'), 'utf8'), /^registry\.example\/demo\/app:1\.0  sha256:[0-9a-f]{64}$/m)
      assert.match(readFileSync(join(dir, 'marks'), 'utf8'), /^\[1,/)
    })
  })

  it('passes steps 1 to 8 for P-384 keys, several repositories, Docker manifests and sha512 blobs', async function () {
    needTools(this, ['jq', 'openssl', 'basenc', 'python-tuf', 'skopeo', 'oras'])
    const other = await nearSide('p384')
    try {
      const image = 'registry.example/zoo/two:shared'
      // All but an index with a manifest of a kind that nobody knows, which oras does not copy.
      const tags = ['artifact', 'docker', 'foreign', 'nested', 'sha512'].map(
        (tag) => `:registry.example/zoo/one:${tag}`,
      )
      const signed = [{ ref: `:${image}`, signer: PUBLISHER, format: 'jws' as const }]
      const zoo = await other.bundle('zoo', 'zoo', signed, [...tags, `:${image}`])
      const dir = desk(zoo, { keys: other.keys, fingerprint: other.channel.fingerprint ?? '', image })
      assert.equal(await firstFailure(dir, 8), undefined)
      assert.ok(existsSync(join(dir, 'copied-by-skopeo', 'index.json')))
    } finally {
      other.close()
    }
  })

  it('fails step 1 on another root', async () => {
    assert.equal(await firstFailure(desk(june, { fingerprint: `sha256:${'0'.repeat(64)}` }), 1), 1)
  })

  it('fails step 2 on a link in the tar', async () => {
    const dir = desk()
    symlinkSync('/etc/passwd', join(dir, 'link'))
    execFileSync('tar', ['-rf', 'june.tar', 'link'], { cwd: dir })
    assert.equal(await firstFailure(dir, 2), 2)
  })

  it('fails step 3 on a flipped bit in the payload', async () => {
    const file = damaged('payload', (bytes) =>
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1536) ^ 1, bytes.length - 1536),
    )
    assert.equal(await firstFailure(desk(file), 3), 3)
  })

  it('fails step 3 on a further file that looks like the others', async () => {
    const dir = desk()
    writeFileSync(join(dir, 'stowaway'), 'x')
    const same = ['--owner=0', '--group=0', '--numeric-owner', '--mtime=@0', '--mode=644', '--format=ustar']
    execFileSync('tar', ['-rf', 'june.tar', ...same, 'stowaway'], { cwd: dir })
    assert.equal(await firstFailure(dir, 3), 3)
  })

  it('fails step 4 on sums that nobody signed', async function () {
    needTools(this, ['python-tuf'])
    const dir = desk()
    const early = BLOCKS.filter(({ step }) => step === 1 || step === 2)
    for (const block of early) assert.equal((await run(dir, block)).status, 0)
    // A bundle whose content and sums were changed together.
    writeFileSync(join(dir, 'bundle', 'index.json'), '{}')
    const sums = join(dir, 'bundle', 'SHA256SUMS')
    const line = `${hash('sha256', '{}')}  index.json\n`
    writeFileSync(sums, readFileSync(sums, 'latin1').replace(/^.* {2}index\.json\n/m, line))
    const fails: number[] = []
    for (const block of BLOCKS.filter(({ step }) => step === 3 || step === 4))
      if ((await run(dir, block)).status !== 0) fails.push(block.step)
    assert.deepEqual(fails, [4])
  })

  /** Flips a digit of the first signature behind `mark`. */
  function spoil(mark: string): string {
    return damaged('signature', (bytes) => {
      const at = bytes.indexOf('"sig":"', bytes.indexOf(mark)) + '"sig":"'.length
      bytes[at] = bytes[at] === 0x30 ? 0x31 : 0x30
    })
  }

  it('fails step 4 and, with openssl alone, step 5 on a bad signature', async function () {
    needTools(this, ['python-tuf', 'jq', 'openssl', 'basenc'])
    const dir = desk(spoil('metadata/vendor-a/targets.json'))
    const fails: string[] = []
    for (const block of BLOCKS.filter(({ step }) => step >= 1 && step <= 5))
      if ((await run(dir, block)).status !== 0) fails.push(`${block.step} ${block.tools.join(' ')}`)
    assert.deepEqual(fails, ['4 python-tuf', '5 jq openssl basenc'])
  })

  it('fails step 5 on targets that the snapshot does not mean', async function () {
    needTools(this, ['jq', 'sha256sum'])
    const dir = desk()
    for (const block of BLOCKS.filter(({ step }) => step === 1 || step === 2)) await run(dir, block)
    const file = join(dir, 'bundle', 'metadata', CHANNEL, 'targets.json')
    const text = readFileSync(file, 'latin1')
    writeFileSync(file, text.replace(/"length":\d/, '"length":9'))
    const [mixed] = BLOCKS.filter(({ step }) => step === 5)
    assert.ok(mixed !== undefined)
    assert.notEqual((await run(dir, mixed)).status, 0)
  })

  it('fails step 6 at a site that the bundle is not for', async function () {
    needTools(this, ['jq', 'openssl', 'basenc', 'python-tuf'])
    assert.equal(await firstFailure(desk(june, { site: 'site-b' }), 6), 6)
  })

  /** The blocks of step 8 that fail once the steps it needs are done. */
  async function failuresOfStep8(dir: string): Promise<string[]> {
    const needed = BLOCKS.filter(({ step }) => step === 2)
    for (const block of needed) assert.equal((await run(dir, block)).status, 0)
    const fails: string[] = []
    for (const block of BLOCKS.filter(({ step }) => step === 8))
      if ((await run(dir, block)).status !== 0) fails.push(block.tools.join(' '))
    return fails
  }

  const BY_ALL = 'oras jq openssl basenc'

  for (const algorithm of ['ES256', 'ES512', 'PS256', 'PS384', 'PS512'] as const)
    it(`passes step 8 for a signature by ${algorithm}`, async function () {
      needTools(this, BY_ALL.split(' '))
      const signer = signerWith(algorithm)
      const bundle = await near.bundle('demo', algorithm, [{ ref: IMAGE, signer, format: 'jws' }])
      assert.deepEqual(await failuresOfStep8(desk(bundle, { publisher: signer })), [])
    })

  it('fails step 8 on another certificate than was told, on an unsigned image, and under another publisher', async function () {
    needTools(this, BY_ALL.split(' '))
    const stranger = signerWith('ES256')
    assert.deepEqual(await failuresOfStep8(desk(june, { publisher: PUBLISHER, told: stranger })), ['openssl sha256sum'])
    assert.deepEqual(await failuresOfStep8(desk(await near.bundle('demo', 'unsigned'))), [BY_ALL])
    assert.deepEqual(await failuresOfStep8(desk(june, { publisher: stranger })), [BY_ALL])
  })

  it('fails step 8 on a signature or a payload that is changed, and on what is over another image', async function () {
    needTools(this, BY_ALL.split(' '))
    const [, last] = BLOCKS.filter(({ step }) => step === 8)
    assert.ok(last !== undefined)
    const ours = await near.bundle('demo', 'step-8', [{ ref: IMAGE, signer: PUBLISHER, format: 'jws' }])
    const extracted = async (bundle: string): Promise<{ dir: string; envelope: string }> => {
      const dir = desk(bundle)
      for (const block of BLOCKS.filter(({ step }) => step === 2)) assert.equal((await run(dir, block)).status, 0)
      return { dir, envelope: envelopeIn(dir) }
    }
    const genuine = readFileSync((await extracted(ours)).envelope, 'utf8')
    const { payload, signature } = JSON.parse(genuine) as { payload: string; signature: string }
    const elsewhere = await sealEnvelope({
      format: 'jws',
      payload: targetPayload({ mediaType: OCI_INDEX, digest: digestOf(Buffer.from('another')), size: 7 }),
      signer: PUBLISHER,
      signingTime: new Date(),
    })
    const turned = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
    const changed = {
      nothing: genuine,
      signature: genuine.replace(signature, turned(signature)),
      // Still JSON with the same target: a space is put in.
      payload: genuine.replace(
        payload,
        Buffer.from(` ${Buffer.from(payload, 'base64url').toString()}`).toString('base64url'),
      ),
      target: elsewhere.toString(),
    }
    for (const [what, text] of Object.entries(changed)) {
      const { dir, envelope } = await extracted(ours)
      writeFileSync(envelope, text)
      assert.equal((await run(dir, last)).status === 0, what === 'nothing', what)
    }
  })

  it('fails step 8 for a publisher whom only this machine trusts', async function () {
    needTools(this, BY_ALL.split(' '))
    const dir = desk(june, { publisher: signerWith('ES256') })
    writeFileSync(join(dir, 'root.pem'), pemOf(rootOf(PUBLISHER)))
    const system =
      'mkdir system; cp root.pem "system/$(openssl x509 -in root.pem -noout -hash).0"; export SSL_CERT_DIR=system'
    const [, last] = BLOCKS.filter(({ step }) => step === 8)
    assert.ok(last !== undefined)
    for (const block of BLOCKS.filter(({ step }) => step === 2)) assert.equal((await run(dir, block)).status, 0)
    assert.notEqual((await run(dir, { ...last, script: `${system}\n${last.script}` })).status, 0)
  })

  it('lets notation judge the extracted folder, as the page says', async function () {
    const judge = NotationJudge.start(this)
    try {
      const dir = desk()
      for (const block of BLOCKS.filter(({ step }) => step === 2)) assert.equal((await run(dir, block)).status, 0)
      const { repositories } = JSON.parse(readFileSync(join(dir, 'bundle', 'transfer.json'), 'utf8')) as {
        repositories: { bindings: Record<string, string> }[]
      }
      const place = { layout: join(dir, 'bundle'), reference: `local/app@${repositories[0]?.bindings['1.0']}` }
      const configDir = policyFolder(join(dir, 'notation'))
      const answer = await judge.verify({ ...place, configDir })
      assert.ok(answer.ok, answer.error ?? '')
      const stranger = policyFolder(join(dir, 'stranger'), {
        [VENDOR_STORE]: pemOf(rootOf(signerWith('ES512'))),
      })
      assert.equal((await judge.verify({ ...place, configDir: stranger })).ok, false)
    } finally {
      judge.stop()
    }
  })
})
