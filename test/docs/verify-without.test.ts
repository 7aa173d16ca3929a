/** Runs every command of bundles/verify-without-sallyport.md, and shows that each step finds what the page says it finds. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import {
  accessSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { peersBin } from '../peers/setup/run.ts'
import { CHANNEL, nearSide, SITE, type NearSide } from './near-side.ts'

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

/** Skips where a tool is not installed, fails where CI must have it. */
function needTools(context: Mocha.Context, tools: readonly string[]): void {
  const missing = tools.filter((tool) => find(tool) === undefined)
  if (missing.length === 0) return
  assert.equal(process.env['CI'] ?? '', '', `missing: ${missing.join(', ')}`)
  context.skip()
}

describe('docs/verify-without', function () {
  this.timeout(120_000)
  let near: NearSide
  let june: string

  before(async () => {
    near = await nearSide()
    june = await near.bundle('demo', 'june')
  })
  after(() => near?.close())

  /** A folder as the page asks for, with the site's file filled in. */
  function desk(bundle = june, { keys = near.keys, site = SITE, fingerprint = near.channel.fingerprint } = {}): string {
    const dir = mkdtempSync(join(near.dir, 'desk-'))
    copyFileSync(bundle, join(dir, 'june.tar'))
    copyFileSync(join(keys, 'root.json'), join(dir, 'root.json'))
    const [first] = BLOCKS
    const lines = (first?.script ?? '').replace('sha256:PUT-IT-HERE', fingerprint).replace('=site-a ', `=${site} `)
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
      [0, 1, 2, 3, 4, 5, 5, 6, 7, 7],
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

  it('passes steps 1 to 6 for P-384 keys, several repositories and sha512 blobs', async function () {
    needTools(this, ['jq', 'openssl', 'basenc', 'python-tuf'])
    const other = await nearSide('p384')
    try {
      const zoo = await other.bundle('zoo', 'zoo')
      const dir = desk(zoo, { keys: other.keys, fingerprint: other.channel.fingerprint })
      assert.equal(await firstFailure(dir, 6), undefined)
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
})
