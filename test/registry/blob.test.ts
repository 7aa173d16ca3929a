import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerResponse } from 'node:http'
import { isFault, type Code } from '../../src/errors/index.ts'
import type { Source } from '../../src/content/index.ts'
import type { Descriptor } from '../../src/oci/index.ts'
import { collect, randomBlob } from '../contract/content.ts'
import {
  clientOf,
  Opened,
  scripted,
  type Answering,
  type Asked,
  type Reply,
  type Script,
  type Scripted,
} from './scripted.ts'

const { descriptor, bytes } = randomBlob(300_000)
const PATH = `GET /v2/a/b/blobs/${descriptor.digest}`
const { size } = descriptor

/** A body that ends in the middle: the head promises all of it. */
function cut(from: number, to: number, headers: Record<string, string>): Answering {
  const status = from === 0 ? 200 : 206
  const raw = (response: ServerResponse): void => {
    response.write(bytes.subarray(from, to), () => setTimeout(() => response.destroy(), 20))
  }
  return { status, headers: { 'content-length': String(size - from), ...headers }, raw }
}

function rest({ headers }: Asked): Answering {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
  if (from === 0) return { body: bytes }
  const range = `bytes ${from}-${size - 1}/${size}`
  return { status: 206, headers: { 'content-range': range }, body: bytes.subarray(from) }
}

describe('registry/blob', () => {
  const opened = new Opened()
  let fake: Scripted

  afterEach(() => opened.close())

  const sourceOf = async (script: Script, retries = 3): Promise<Source> => {
    fake = await opened.add(scripted(script))
    const client = await opened.add(clientOf('source', { retries }))
    return client.source(fake.host, 'a/b')
  }

  const refuses = async (reply: Reply | Reply[], code: Code, retries = 1): Promise<void> => {
    const source = await sourceOf({ [PATH]: reply }, retries)
    await assert.rejects(collect(source.blob(descriptor)), (error) => isFault(error, code) && error.side === 'source')
  }

  it('goes on by range after a body that breaks off', async () => {
    const source = await sourceOf({ [PATH]: [cut(0, 100_000, {}), rest] })
    assert.deepEqual(await collect(source.blob(descriptor)), bytes)
    assert.equal(fake.asked[1]?.headers.range, 'bytes=100000-')
  })

  it('goes on from an offset that the caller names', async () => {
    const source = await sourceOf({ [PATH]: rest })
    assert.deepEqual(await collect(source.blob(descriptor, 299_999)), bytes.subarray(299_999))
  })

  it('skips the bytes it has when the range is ignored', async () => {
    const source = await sourceOf({ [PATH]: [cut(0, 70_000, {}), { body: bytes }] })
    assert.deepEqual(await collect(source.blob(descriptor)), bytes)
  })

  it('rejects a Content-Range that is not the one asked for', async () => {
    for (const range of [`bytes 5-${size - 1}/${size}`, `bytes 1000-${size}/${size}`, 'bytes */5', 'nonsense', '']) {
      const wrong = { status: 206, headers: { 'content-range': range }, body: bytes.subarray(1000) }
      await refuses([cut(0, 1000, {}), wrong], 'REGISTRY_PROTOCOL')
    }
  })

  it('rejects a part where the whole was asked for', async () => {
    const headers = { 'content-range': `bytes 0-9/${size}` }
    await refuses({ status: 206, headers, body: bytes.subarray(0, 10) }, 'REGISTRY_PROTOCOL')
  })

  it('rejects a Content-Length that is not the size, before it reads', async () => {
    await refuses({ body: bytes.subarray(1) }, 'SIZE_MISMATCH')
    await refuses({ body: Buffer.concat([bytes, bytes]) }, 'SIZE_MISMATCH')
    assert.equal(fake.asked.length, 1)
  })

  it('rejects a body that ends early without a length, after its repeats', async () => {
    const raw = (response: ServerResponse): void => void response.end(bytes.subarray(0, 10))
    await refuses({ headers: { 'transfer-encoding': 'chunked' }, raw }, 'SIZE_MISMATCH', 2)
  })

  it('cuts an endless body off at the first byte too many', async () => {
    let sent = 0
    const raw = (response: ServerResponse): void => {
      const more = (): void => {
        if (response.destroyed) return
        sent += 65_536
        response.write(Buffer.alloc(65_536), () => setImmediate(more))
      }
      more()
    }
    await refuses({ headers: { 'transfer-encoding': 'chunked' }, raw }, 'SIZE_MISMATCH')
    assert.ok(sent < 8 * 1024 * 1024, `${sent} bytes were taken`)
  })

  it('gives up when a registry always breaks off', async () => {
    const always = (asked: Asked): Answering => {
      const from = Number(/^bytes=(\d+)-$/.exec(asked.headers.range ?? '')?.[1] ?? 0)
      return cut(from, from + 10, { 'content-range': `bytes ${from}-${size - 1}/${size}` })
    }
    await refuses(always, 'REGISTRY_UNREACHABLE', 2)
    assert.equal(fake.asked.length, 3)
  })

  it('waits out 429 and repeats after 500, 502, 503 and a reset', async () => {
    const reset: Answering = { raw: (response) => void response.destroy() }
    const limited = { status: 429, headers: { 'retry-after': '0' } }
    const source = await sourceOf(
      { [PATH]: [limited, { status: 500 }, { status: 502 }, { status: 503 }, reset, rest] },
      5,
    )
    assert.deepEqual(await collect(source.blob(descriptor)), bytes)
    assert.equal(fake.asked.length, 6)
  })

  it('caps the wait that Retry-After asks for, and names the limit in the end', async () => {
    const started = performance.now()
    await refuses({ status: 429, headers: { 'retry-after': '86400' } }, 'REGISTRY_LIMITED', 2)
    assert.ok(performance.now() - started < 2_000)
    assert.equal(fake.asked.length, 3)
  })

  it('names a server that goes on failing, and a blob that is absent', async () => {
    await refuses({ status: 500 }, 'REGISTRY_FAULT')
    await refuses({ status: 404, body: '{"errors":[{"code":"BLOB_UNKNOWN"}]}' }, 'BLOB_MISSING')
    assert.equal(fake.asked.length, 1)
  })

  for (const [kind, length] of [
    ['small', 200_000],
    ['large', 3_000_000],
  ] as const) {
    describe(`into a slot, ${kind}`, () => {
      const dir = mkdtempSync(join(tmpdir(), 'sallyport-slot-'))
      const blob = randomBlob(length)
      const at = `GET /v2/a/b/blobs/${blob.descriptor.digest}`
      after(() => rmSync(dir, { recursive: true }))

      const into = async (
        source: Source,
        start: Uint8Array = Buffer.alloc(0),
        wanted: Descriptor = blob.descriptor,
        signal?: AbortSignal,
      ): Promise<{ file: Buffer; told: number[] }> => {
        const path = join(dir, 'slot')
        writeFileSync(path, start)
        const fd = openSync(path, 'r+')
        const told: number[] = []
        try {
          await source.blobInto(wanted, { fd, offset: 0, have: start.length }, (count) => told.push(count), signal)
        } finally {
          closeSync(fd)
        }
        return { file: readFileSync(path), told }
      }

      it('tells of all bytes, by eight mebibytes', async () => {
        const { file, told } = await into(await sourceOf({ [at]: { body: blob.bytes } }))
        assert.deepEqual(file, blob.bytes)
        assert.equal(
          told.reduce((sum, count) => sum + count, 0),
          length,
        )
        assert.ok(told.slice(0, -1).every((count) => count >= 8 * 1024 * 1024))
      })

      it('tells of a file whose leading bytes can not be read', async () => {
        const fd = openSync(join(dir, 'unreadable'), 'w')
        try {
          const slot = { fd, offset: 0, have: 1 }
          const source = await sourceOf({ [at]: { body: blob.bytes } })
          const broken = source.blobInto(blob.descriptor, slot, () => undefined)
          await assert.rejects(broken, (error) => isFault(error, 'OUTPUT_FAILED') && error.side === 'state')
        } finally {
          closeSync(fd)
        }
      })

      it('rejects other bytes of the right size', async () => {
        const wrong = Buffer.from(blob.bytes)
        wrong[7] = (wrong[7] ?? 0) ^ 1
        const source = await sourceOf({ [at]: { body: wrong } })
        await assert.rejects(
          into(source),
          (error) =>
            isFault(error, 'DIGEST_MISMATCH') &&
            error.side === 'source' &&
            error.subject === `${fake.host}/a/b@${blob.descriptor.digest}`,
        )
      })

      it('fetches anew when the bytes that were there are wrong', async () => {
        const reply = ({ headers }: Asked): Answering => {
          const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
          if (from === 0) return { body: blob.bytes }
          const range = `bytes ${from}-${length - 1}/${length}`
          return { status: 206, headers: { 'content-range': range }, body: blob.bytes.subarray(from) }
        }
        const { file } = await into(await sourceOf({ [at]: reply }), Buffer.alloc(1000, 0x41))
        assert.deepEqual(file, blob.bytes)
        assert.deepEqual(
          fake.asked.map(({ headers }) => headers.range),
          ['bytes=1000-', undefined],
        )
      })

      it('asks for nothing when all the bytes are there', async () => {
        const { file, told } = await into(await sourceOf({}), blob.bytes)
        assert.deepEqual(file, blob.bytes)
        assert.deepEqual([told, fake.asked], [[], []])
      })

      it('stops soon when it is aborted, with the reason', async () => {
        const raw = (response: ServerResponse): void => void response.write(blob.bytes.subarray(0, 1000))
        const source = await sourceOf({ [at]: { headers: { 'content-length': String(length) }, raw } })
        const controller = new AbortController()
        const reason = new Error('enough')
        setTimeout(() => controller.abort(reason), 200)
        const started = performance.now()
        await assert.rejects(into(source, Buffer.alloc(0), blob.descriptor, controller.signal), reason)
        assert.ok(performance.now() - started < 1_500)
      })

      it('fails at once when the client is closed', async () => {
        const raw = (response: ServerResponse): void => void response.write(blob.bytes.subarray(0, 1000))
        fake = await opened.add(scripted({ [at]: { headers: { 'content-length': String(length) }, raw } }))
        const client = clientOf('source')
        setTimeout(() => void client.close(), 200)
        await assert.rejects(into(client.source(fake.host, 'a/b')), (error) => isFault(error, 'INTERRUPTED'))
      })
    })
  }
})
