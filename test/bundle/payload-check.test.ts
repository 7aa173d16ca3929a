/** A file is proven on every core, a pipe front to back: both must say the same of the same damage. */
import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { hash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BundleReader, checkPayload, fileInput, type ByteInput } from '../../src/bundle/index.ts'
import { encodeBlobHeader, layOutPayload } from '../../src/bundle/layout.ts'
import { isFault, SallyportError } from '../../src/errors/index.ts'
import {
  DescriptorTable,
  isSealed,
  Sealer,
  verifying,
  type Descriptor,
  type Digest,
  type Seal,
} from '../../src/oci/index.ts'

const MIB = 1024 * 1024

type Damage = [what: string, code: string, spoil: (fd: number, at: Places) => void]
interface Places {
  headers: number[]
  bodies: number[]
  /** First byte of the padding behind each blob. */
  paddings: number[]
  end: number
}

function flipAt(fd: number, at: number): void {
  writeSync(fd, Buffer.of(1), 0, 1, at)
}

const DAMAGES: Damage[] = [
  ['nothing', 'none', () => undefined],
  ['a header', 'TAR_HEADER', (fd, { headers }) => flipAt(fd, headers[3] ?? 0)],
  ['a body', 'DIGEST_MISMATCH', (fd, { bodies }) => flipAt(fd, (bodies[5] ?? 0) + 3 * MIB)],
  ['the last byte of a body', 'DIGEST_MISMATCH', (fd, { paddings }) => flipAt(fd, (paddings[0] ?? 0) - 1)],
  ['a padding', 'TAR_PADDING', (fd, { paddings }) => flipAt(fd, paddings[2] ?? 0)],
  ['two bodies', 'DIGEST_MISMATCH', (fd, { bodies }) => [6, 2].forEach((i) => flipAt(fd, bodies[i] ?? 0))],
  // The one that stands first, wherever which thread meets which.
  [
    'a body behind a padding',
    'TAR_PADDING',
    (fd, { bodies, paddings }) => [paddings[1], bodies[2]].forEach((at) => flipAt(fd, at ?? 0)),
  ],
  [
    'a padding behind a body',
    'DIGEST_MISMATCH',
    (fd, { bodies, paddings }) => [bodies[1], paddings[6]].forEach((at) => flipAt(fd, at ?? 0)),
  ],
  ['a whole header', 'TAR_TRUNCATED', (fd, { headers }) => ftruncateSync(fd, headers[4])],
  ['half a body', 'TAR_TRUNCATED', (fd, { bodies }) => ftruncateSync(fd, (bodies[7] ?? 0) + 1000)],
  [
    'an earlier body than the cut',
    'DIGEST_MISMATCH',
    (fd, { bodies }) => {
      flipAt(fd, bodies[0] ?? 0)
      ftruncateSync(fd, bodies[7])
    },
  ],
  ['the end mark', 'TAR_TRUNCATED', (fd, { end }) => ftruncateSync(fd, end)],
  ['half the end mark', 'TAR_TRUNCATED', (fd, { end }) => ftruncateSync(fd, end + 512)],
  ['a zero of the first end block', 'TAR_END', (fd, { end }) => flipAt(fd, end + 5)],
  ['a zero of the second end block', 'TAR_END', (fd, { end }) => flipAt(fd, end + 600)],
  [
    'a member in place of the end',
    'TAR_END',
    (fd, { end }) => writeSync(fd, encodeBlobHeader(blobs[0] ?? assert.fail()), 0, 512, end),
  ],
  ['the quiet behind the end', 'TAR_TRAILING', (fd, { end }) => ftruncateSync(fd, end + 1025)],
]

/** Of different sizes, so of different digests: 72 MiB of zeros, sparse on the disk. */
const blobs: Descriptor[] = Array.from({ length: 8 }, (_, i) => {
  const size = 9 * MIB + 100 * i + 1
  return { mediaType: 'application/octet-stream', digest: `sha256:${hash('sha256', Buffer.alloc(size))}`, size }
})

async function codeOf(proving: Promise<unknown>): Promise<string> {
  try {
    await proving
    return 'none'
  } catch (error) {
    if (error instanceof SallyportError) return error.code
    throw error
  }
}

describe('bundle/payload-check', function () {
  this.timeout(120_000)
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-payload-'))
  const file = join(dir, 'payload')
  const placed = layOutPayload(DescriptorTable.of(blobs), 0)
  const { end } = placed
  const places: Places = {
    headers: Array.from(placed, ({ headerAt }) => headerAt),
    bodies: Array.from(placed, ({ offset }) => offset),
    paddings: Array.from(placed, ({ descriptor, offset }) => offset + descriptor.size),
    end,
  }
  after(() => rmSync(dir, { recursive: true }))

  function write(spoil: Damage[2]): void {
    const fd = openSync(file, 'w')
    ftruncateSync(fd, end + 1024)
    for (const { descriptor, headerAt } of placed) writeSync(fd, encodeBlobHeader(descriptor), 0, 512, headerAt)
    spoil(fd, places)
    closeSync(fd)
  }

  async function frontToBack(input: ByteInput): Promise<void> {
    const reader = new BundleReader(input)
    for (const descriptor of blobs) {
      const member = await reader.payload(descriptor.digest, descriptor.size)
      const stream = verifying(reader.members.body(member), descriptor, 'bundle')
      while ((await stream.next()).done !== true);
    }
    await reader.end()
  }

  for (const [what, code, spoil] of DAMAGES)
    it(`says ${code} of damage to ${what}, on every core and front to back`, async () => {
      write(spoil)
      const input = fileInput(file)
      try {
        assert.equal(await codeOf(checkPayload(input, placed)), code, 'in parallel')
        input.seek(0)
        assert.equal(
          await codeOf(frontToBack({ name: file, next: () => input.next(), close: () => undefined })),
          code,
          'in order',
        )
      } finally {
        await input.close()
      }
    })

  it('tells of every byte', async () => {
    write(() => undefined)
    const input = fileInput(file)
    let seen = 0
    await checkPayload(input, placed, { onBytes: (count) => (seen += count) })
    await input.close()
    assert.equal(
      seen,
      blobs.reduce((sum, { size }) => sum + size, 0),
    )
  })

  it('tells a seal of each large blob, on every core and on one (T10)', async () => {
    write(() => undefined)
    const input = fileInput(file)
    for (const count of [placed.length, 2]) {
      const seals = new Map<Digest, Seal>()
      const part = blobs.slice(0, count)
      const proving = checkPayload(input, layOutPayload(DescriptorTable.of(part), 0), {
        onSeal: (digest, seal) => seals.set(digest, seal),
      })
      // Where the two end, no end mark stands.
      await (count === 2 ? assert.rejects(proving, { code: 'TAR_END' }) : proving)
      assert.deepEqual([...seals.keys()].toSorted(), part.map(({ digest }) => digest).toSorted())
      for (const { digest, size } of part) {
        const made = seals.get(digest) ?? assert.fail()
        const sealer = new Sealer(made)
        sealer.update(Buffer.alloc(size))
        assert.ok(isSealed(sealer, made))
      }
    }
    await input.close()
  })

  it('stops when it is told to', async () => {
    write(() => undefined)
    const input = fileInput(file)
    await assert.rejects(checkPayload(input, placed, { signal: AbortSignal.abort() }), (error) =>
      isFault(error, 'INTERRUPTED'),
    )
    await input.close()
  })
})
