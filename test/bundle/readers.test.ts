/** T9: every reader sees the same members in our bundles. What one of them hides, another would act on. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createHash, hash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { list, type ReadEntry } from 'tar'
import { extract } from 'tar-stream'
import { fileInput } from '../../src/bundle/index.ts'
import { MemberReader } from '../../src/bundle/member-reader.ts'
import { need } from '../need.ts'
import { needPeers, ownProgram } from '../peers/setup/run.ts'
import { BUNDLES, readExpectations } from './corpus.ts'

interface Seen {
  name: string
  size: number
  sha256?: string
}

const accepted = Object.keys(readExpectations().accept).map((file) => join(BUNDLES, file))

async function ours(file: string): Promise<Seen[]> {
  const input = fileInput(file)
  try {
    const reader = new MemberReader(input)
    const seen: Seen[] = []
    for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
      const { name, size } = member
      seen.push({ name, size, sha256: hash('sha256', await reader.whole(member)) })
    }
    return seen
  } finally {
    await input.close()
  }
}

async function tarStream(file: string): Promise<Seen[]> {
  const seen: Seen[] = []
  const tar = extract()
  const reading = pipeline(createReadStream(file), tar)
  for await (const entry of tar) {
    const chunks: Uint8Array[] = []
    for await (const chunk of entry) chunks.push(chunk as Uint8Array)
    const { name, size, type, mode, uid, gid, mtime } = entry.header
    assert.deepEqual([type, mode, uid, gid, mtime?.getTime()], ['file', 0o644, 0, 0, 0], name)
    seen.push({ name, size: size ?? -1, sha256: hash('sha256', Buffer.concat(chunks)) })
  }
  await reading
  return seen
}

async function nodeTar(file: string): Promise<Seen[]> {
  const seen: Seen[] = []
  const onReadEntry = (entry: ReadEntry): void => {
    const { path: name, size, type, mode, uid, gid, mtime } = entry
    assert.deepEqual([type, mode, uid, gid, mtime?.getTime()], ['File', 0o644, 0, 0, 0], name)
    const sum = createHash('sha256')
    entry.on('data', (chunk) => sum.update(chunk))
    entry.on('end', () => seen.push({ name, size, sha256: sum.digest('hex') }))
  }
  await list({ file, strict: true, onReadEntry })
  return seen
}

const PYTHON = `
import hashlib, json, sys, tarfile
out = {}
for file in sys.argv[1:]:
    with tarfile.open(file, "r:", errorlevel=2) as tar:
        out[file] = [{"name": m.name, "size": m.size, "sha256": hashlib.sha256(tar.extractfile(m).read()).hexdigest()}
                     for m in tar if m.isreg() or sys.exit(m.name)]
print(json.dumps(out))
`

const python = new Map<string, Seen[]>()

/** Name and size of `tar tv`, whose columns before the time differ between GNU and BSD. */
function listed(program: string, file: string, line: RegExp): Seen[] {
  const text = execFileSync(program, ['-tvf', file], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return text
    .trimEnd()
    .split('\n')
    .map((row) => {
      const [, size, name] = line.exec(row) ?? assert.fail(row)
      return { name: name ?? '', size: Number(size) }
    })
}

const GNU = /^-rw-r--r-- 0\/0 +(\d+) 1970-01-01 00:00 (\S+)$/
const BSD = /^-rw-r--r-- +0 0 +0 +(\d+) Jan +1 +1970 (\S+)$/

describe('bundle/readers', () => {
  before(() => {
    const out = execFileSync('python3', ['-c', PYTHON, ...accepted], { encoding: 'utf8' })
    for (const [file, seen] of Object.entries(JSON.parse(out) as Record<string, Seen[]>)) python.set(file, seen)
  })

  for (const file of accepted)
    it(`see the same in ${file.slice(BUNDLES.length + 1)}`, async function () {
      const own = await ours(file)
      assert.ok(own.length >= 8)
      const short = own.map(({ name, size }) => ({ name, size }))
      assert.deepEqual(await tarStream(file), own)
      assert.deepEqual(await nodeTar(file), own)
      assert.deepEqual(python.get(file), own)
      assert.deepEqual(listed('tar', file, GNU), short)
    })
})

describe('bundle/readers, installed', () => {
  let bsdtar: string
  let go: Record<string, Seen[]>

  before(function () {
    bsdtar = join(needPeers(this), 'bsdtar')
    const program = ownProgram('go-tar', join(import.meta.dirname, '../peers/go-tar'), ['go.mod', 'main.go'])
    need(this, program !== undefined, "the program on Go's archive/tar is missing: run scripts/peers.sh")
    go = JSON.parse(execFileSync(program, accepted, { encoding: 'utf8' })) as Record<string, Seen[]>
  })

  for (const file of accepted)
    it(`see the same in ${file.slice(BUNDLES.length + 1)}`, async () => {
      const own = await ours(file)
      assert.deepEqual(go[file], own)
      assert.deepEqual(
        listed(bsdtar, file, BSD),
        own.map(({ name, size }) => ({ name, size })),
      )
    })
})
