import assert from 'node:assert/strict'
import { isFault, type Code } from '../../src/errors/index.ts'
import { digestOf, verified, verifying, type Algorithm, type Descriptor } from '../../src/oci/index.ts'

const BYTES = Buffer.from('the only door for bytes')
const fault = (code: Code) => (error: unknown) =>
  isFault(error, code) && error.side === 'source' && error.subject === 'the subject'

function described(bytes: Buffer, algorithm: Algorithm, size = bytes.length): Descriptor {
  return { mediaType: 'application/octet-stream', digest: digestOf(bytes, algorithm), size }
}

/** Chunks that count how many of them were taken. */
function chunked(chunks: readonly Uint8Array[]): { stream: AsyncIterable<Uint8Array>; taken: () => number } {
  let taken = 0
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) {
      taken++
      yield chunk
    }
  }
  return { stream: stream(), taken: () => taken }
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const through = (chunks: readonly Uint8Array[], descriptor: Descriptor): Promise<Buffer> =>
  all(verifying(chunked(chunks).stream, descriptor, 'source', 'the subject'))

for (const algorithm of ['sha256', 'sha512'] as const)
  describe(`oci/verify with ${algorithm}`, () => {
    const descriptor = described(BYTES, algorithm)

    it('passes the very bytes, however they are cut', async () => {
      for (let size = 1; size <= BYTES.length; size++) {
        const chunks = Array.from({ length: Math.ceil(BYTES.length / size) }, (_, i) =>
          BYTES.subarray(i * size, (i + 1) * size),
        )
        assert.ok((await through([Buffer.alloc(0), ...chunks, Buffer.alloc(0)], descriptor)).equals(BYTES))
      }
      assert.equal(verified(BYTES, descriptor, 'source'), BYTES)
    })

    it('passes nothing where nothing is promised', async () => {
      const nothing = described(Buffer.alloc(0), algorithm)
      assert.equal((await through([], nothing)).length, 0)
      await assert.rejects(through([Buffer.from('x')], nothing), fault('SIZE_MISMATCH'))
    })

    it('refuses every flip of one bit', async () => {
      for (let bit = 0; bit < BYTES.length * 8; bit++) {
        const bent = Buffer.from(BYTES)
        bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        await assert.rejects(through([bent], descriptor), fault('DIGEST_MISMATCH'))
        assert.throws(() => verified(bent, descriptor, 'source', 'the subject'), fault('DIGEST_MISMATCH'))
      }
    })

    it('refuses every cut, and one byte more', async () => {
      for (let end = 0; end < BYTES.length; end++) {
        const cut = BYTES.subarray(0, end)
        await assert.rejects(through([cut], descriptor), fault('SIZE_MISMATCH'))
        assert.throws(() => verified(cut, descriptor, 'source', 'the subject'), fault('SIZE_MISMATCH'))
      }
      const more = Buffer.concat([BYTES, Buffer.alloc(1)])
      await assert.rejects(through([more], descriptor), fault('SIZE_MISMATCH'))
      assert.throws(() => verified(more, descriptor, 'source', 'the subject'), fault('SIZE_MISMATCH'))
    })

    it('refuses bytes whose digest is right and whose size is not, and the other way round', async () => {
      for (const size of [BYTES.length - 1, BYTES.length + 1])
        await assert.rejects(through([BYTES], described(BYTES, algorithm, size)), fault('SIZE_MISMATCH'))
      const other = { ...descriptor, digest: digestOf(Buffer.from('other'), algorithm) }
      await assert.rejects(through([BYTES], other), fault('DIGEST_MISMATCH'))
    })
  })

describe('oci/verify', () => {
  it('cuts an endless body off at the size that was promised, and lets it go', async () => {
    let given = 0
    let closed = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          given++
          yield Buffer.alloc(1024)
        }
      } finally {
        closed = true
      }
    }
    const descriptor = described(Buffer.alloc(10 * 1024), 'sha256')
    const passed: number[] = []
    await assert.rejects(async () => {
      for await (const chunk of verifying(endless(), descriptor, 'source', 'the subject')) passed.push(chunk.length)
    }, fault('SIZE_MISMATCH'))
    assert.deepEqual([given, closed, passed.length], [11, true, 10])
  })

  it('never passes on the chunk that is one byte too long', async () => {
    const { stream, taken } = chunked([Buffer.alloc(4), Buffer.alloc(5), Buffer.alloc(1)])
    const descriptor = described(Buffer.alloc(8), 'sha256')
    let passed = 0
    await assert.rejects(async () => {
      for await (const chunk of verifying(stream, descriptor, 'source', 'the subject')) passed += chunk.length
    }, fault('SIZE_MISMATCH'))
    assert.deepEqual([passed, taken()], [4, 2])
  })

  it('passes on the error of the stream behind it', async () => {
    // eslint-disable-next-line require-yield
    async function* broken(): AsyncGenerator<Uint8Array> {
      throw new RangeError('the line is dead')
    }
    await assert.rejects(all(verifying(broken(), described(BYTES, 'sha256'), 'source')), RangeError)
  })

  it('names the digest where nothing else is named', () => {
    const descriptor = described(BYTES, 'sha256')
    assert.throws(
      () => verified(Buffer.alloc(BYTES.length), descriptor, 'target'),
      (error) => isFault(error, 'DIGEST_MISMATCH') && error.subject === descriptor.digest && error.side === 'target',
    )
  })
})
