import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { isFault, type Code, type Side } from '../../src/errors/index.ts'
import type { BlobBody } from '../../src/content/index.ts'
import type { RegistryTarget } from '../../src/registry/index.ts'
import { randomBlob } from '../contract/content.ts'
import { clientOf, Opened, scripted, type Answering, type Asked, type Scripted } from './scripted.ts'

const MIB = 1024 * 1024
const PART = 8 * MIB
const blob = randomBlob(2 * PART + 5 * MIB)
const UPLOADS = '/v2/a/b/blobs/uploads/'
const HEAD_BLOB = `HEAD /v2/a/b/blobs/${blob.descriptor.digest}`

/** What a registry does in place of what it should; undefined leaves it to what it should. */
type Fault = (asked: Asked, times: number) => Answering | undefined
const noFault: Fault = () => undefined

/** A registry that keeps upload sessions as distribution does: appends what comes, and says what it has. */
class Sessions {
  readonly stored: Buffer[] = []
  readonly sessions = new Map<string, Buffer>()
  patch = noFault
  put = noFault
  status = noFault
  #next = 0

  append(path: string, bytes: Uint8Array): number {
    const now = Buffer.concat([this.sessions.get(path) ?? Buffer.alloc(0), bytes])
    this.sessions.set(path, now)
    return now.length
  }

  #told(path: string, status: number): Answering {
    const size = this.sessions.get(path)?.length
    if (size === undefined) return { status: 404 }
    return { status, headers: { location: `${path}?state=${size}`, range: `0-${Math.max(0, size - 1)}` } }
  }

  start(): Promise<Scripted> {
    const pathOf = ({ url }: Asked): string => url.split('?')[0] ?? ''
    const counts = new Map<string, number>()
    const counted = (what: Fault, asked: Asked): Answering | undefined => {
      const times = counts.get(asked.method) ?? 0
      counts.set(asked.method, times + 1)
      return what(asked, times)
    }
    return scripted({
      [`POST ${UPLOADS}`]: () => {
        const path = `${UPLOADS}${this.#next++}`
        this.sessions.set(path, Buffer.alloc(0))
        return this.#told(path, 202)
      },
      [`PATCH ${UPLOADS}*`]: (asked) => {
        const fault = counted(this.patch, asked)
        if (fault !== undefined) return fault
        const path = pathOf(asked)
        const have = this.sessions.get(path)?.length
        if (have !== undefined && !String(asked.headers['content-range']).startsWith(`${have}-`)) return { status: 416 }
        if (have !== undefined) this.append(path, asked.body)
        return this.#told(path, 202)
      },
      [`GET ${UPLOADS}*`]: (asked) => counted(this.status, asked) ?? this.#told(pathOf(asked), 204),
      [`DELETE ${UPLOADS}*`]: (asked) => ({ status: this.sessions.delete(pathOf(asked)) ? 204 : 404 }),
      [`PUT ${UPLOADS}*`]: (asked) => {
        const fault = counted(this.put, asked)
        if (fault !== undefined) return fault
        const path = pathOf(asked)
        if (!this.sessions.has(path)) return { status: 404 }
        this.append(path, asked.body)
        this.stored.push(this.sessions.get(path) ?? Buffer.alloc(0))
        this.sessions.delete(path)
        return { status: 201 }
      },
      [HEAD_BLOB]: () =>
        this.stored.length > 0 ? { headers: { 'content-length': String(blob.bytes.length) } } : { status: 404 },
    })
  }
}

/** The bytes, to be had once; the buffer they come in is used again, as the reader's is. */
function passing(bytes: Buffer): BlobBody & { opened(): number } {
  let opened = 0
  return {
    passes: true,
    opened: () => opened,
    async *open() {
      opened++
      const buffer = Buffer.alloc(100_000)
      for (let at = 0; at < bytes.length; at += buffer.length)
        yield buffer.subarray(0, bytes.copy(buffer, 0, at, at + buffer.length))
    },
  }
}

describe('registry/upload-parts', () => {
  const opened = new Opened()
  let registry: Sessions
  let fake: Scripted
  let target: RegistryTarget

  beforeEach(async () => {
    registry = new Sessions()
    fake = await opened.add(registry.start())
    target = (await opened.add(clientOf('target', { retries: 3 }))).targetPlace(fake.host).repository('a/b')
  })
  afterEach(() => opened.close())

  const methods = (): string => fake.asked.map(({ method }) => method).join(' ')
  async function stores(): Promise<void> {
    const body = passing(blob.bytes)
    let told = 0
    assert.equal(await target.pushBlob(blob.descriptor, body, undefined, (count) => (told += count)), 'pushed')
    assert.deepEqual([registry.stored.length, body.opened(), told], [1, 1, blob.bytes.length])
    assert.ok(registry.stored[0]?.equals(blob.bytes))
    assert.equal(registry.sessions.size, 0)
  }
  const refuses = (act: Promise<unknown>, code: Code, side: Side): Promise<void> =>
    assert.rejects(act, (error) => isFault(error, code) && error.side === side)

  it('sends in parts what can be had once, each behind the one before', async () => {
    await stores()
    assert.equal(methods(), 'POST PATCH PATCH PUT')
    const ranges = fake.asked.map(({ headers }) => headers['content-range'])
    const size = blob.bytes.length
    assert.deepEqual(ranges, [undefined, `0-${PART - 1}`, `${PART}-${2 * PART - 1}`, `${2 * PART}-${size - 1}`])
    assert.match(fake.asked[2]?.url ?? '', /\?state=8388608$/)
  })

  for (const [what, answer] of Object.entries<Answering>({
    'a 503': { status: 503 },
    'a 429': { status: 429, headers: { 'retry-after': '0' } },
    'a reset': { raw: (response) => response.destroy() },
  })) {
    it(`sends a part again after ${what}, the first one too`, async () => {
      registry.patch = (_, times) => (times === 0 || times === 2 ? answer : undefined)
      await stores()
      assert.equal(methods(), 'POST PATCH GET PATCH PATCH GET PATCH PUT')
    })

    it(`sends only what is not there when a part was cut by ${what}`, async () => {
      registry.patch = (asked, times) => {
        if (times !== 1) return undefined
        registry.append(asked.url.split('?')[0] ?? '', asked.body.subarray(0, 3 * MIB))
        return answer
      }
      await stores()
      assert.equal(fake.asked.findLast(({ method }) => method === 'PATCH')?.body.length, 5 * MIB)
    })

    it(`completes after ${what} with what is not there`, async () => {
      registry.put = (asked, times) => {
        if (times !== 0) return undefined
        registry.append(asked.url.split('?')[0] ?? '', asked.body.subarray(0, MIB))
        return answer
      }
      await stores()
      assert.equal(fake.asked.findLast(({ method }) => method === 'PUT')?.body.length, 4 * MIB)
    })
  }

  it('looks at what is there when a registry waits for other bytes', async () => {
    registry.patch = (_, times) => (times === 1 ? { status: 416 } : undefined)
    await stores()
    assert.equal(methods(), 'POST PATCH PATCH GET PATCH PUT')
  })

  it('sends nothing again when the last answer was lost but the blob is there', async () => {
    registry.put = (asked) => {
      registry.stored.push(
        Buffer.concat([registry.sessions.get(asked.url.split('?')[0] ?? '') ?? '', asked.body] as Buffer[]),
      )
      registry.sessions.clear()
      return { raw: (response) => response.destroy() }
    }
    await stores()
    assert.equal(methods(), 'POST PATCH PATCH PUT HEAD')
  })

  it('goes over to one PUT where a registry takes no parts', async () => {
    registry.patch = () => ({ status: 405 })
    await stores()
    assert.equal(methods(), 'POST PATCH DELETE POST PUT')
  })

  it('begins anew where the session of the first part is gone, or has more than it says', async () => {
    registry.patch = (_, times) => (times === 0 ? { status: 500 } : undefined)
    registry.status = () => {
      registry.sessions.clear()
      return { status: 404 }
    }
    await stores()
    assert.equal(methods(), 'POST PATCH GET POST PATCH PATCH PUT')
    fake.asked.length = 0
    registry.stored.length = 0
    registry.patch = (asked, times) => {
      if (times !== 3) return undefined
      registry.append(asked.url.split('?')[0] ?? '', asked.body.subarray(0, 1))
      return { status: 500 }
    }
    registry.status = () => ({ status: 204, headers: { range: '0-0' } })
    await stores()
    assert.equal(methods(), 'POST PATCH GET PATCH DELETE POST PATCH PATCH PUT')
  })

  it('remembers a registry that takes no parts', async () => {
    registry.patch = () => ({ status: 405 })
    await stores()
    registry.stored.length = 0
    fake.asked.length = 0
    await stores()
    assert.equal(methods(), 'POST PUT')
  })

  it('believes that a part was taken, whatever the Range says of it', async () => {
    for (const range of ['0-8388607', '0-0', 'bytes=8388608-16777215', '']) {
      registry.stored.length = 0
      fake.asked.length = 0
      registry.patch = (asked) => {
        const path = asked.url.split('?')[0] ?? ''
        registry.append(path, asked.body)
        return { status: 202, headers: { location: path, ...(range === '' ? {} : { range }) } }
      }
      await stores()
      assert.equal(methods(), 'POST PATCH PATCH PUT')
    }
  })

  for (const [status, code] of [
    [403, 'REGISTRY_DENIED'],
    [507, 'QUOTA_EXCEEDED'],
  ] as const)
    it(`takes ${status} to the first part for what it says, and sends no more`, async () => {
      registry.patch = () => ({ status })
      await refuses(target.pushBlob(blob.descriptor, passing(blob.bytes)), code, 'target')
      assert.equal(methods(), 'POST PATCH DELETE')
    })

  it('waits for a registry that is still at work on the end of the blob', async () => {
    let whole = Buffer.alloc(0)
    registry.put = (asked) => {
      const path = asked.url.split('?')[0] ?? ''
      whole = Buffer.concat([registry.sessions.get(path) ?? Buffer.alloc(0), asked.body])
      registry.sessions.delete(path)
      return { raw: (response) => response.destroy() }
    }
    registry.status = (_, times) => {
      if (times === 1) registry.stored.push(whole)
      return { status: 404 }
    }
    await stores()
    assert.equal(methods(), 'POST PATCH PATCH PUT HEAD GET HEAD GET HEAD')
  })

  it('says that the bytes have passed when one PUT of all of them must be repeated', async () => {
    registry.patch = () => ({ status: 405 })
    registry.put = () => ({ status: 503 })
    await refuses(target.pushBlob(blob.descriptor, passing(blob.bytes)), 'PUSH_REFUSED', 'target')
    assert.deepEqual([registry.stored.length, registry.sessions.size], [0, 0])
  })

  it('says so when the registry has lost what it was sent, and leaves no session', async () => {
    registry.patch = (_, times) => (times === 1 ? { status: 500 } : undefined)
    registry.status = () => ({ status: 404 })
    await refuses(target.pushBlob(blob.descriptor, passing(blob.bytes)), 'PUSH_REFUSED', 'target')
    assert.deepEqual([registry.stored.length, registry.sessions.size], [0, 0])
  })

  it('says so when the registry says that it has more than it was sent', async () => {
    registry.patch = (_, times) => (times === 1 ? { status: 500 } : undefined)
    registry.status = () => ({ status: 204, headers: { range: `0-${3 * PART}` } })
    await refuses(target.pushBlob(blob.descriptor, passing(blob.bytes)), 'PUSH_REFUSED', 'target')
  })

  it('sends the right bytes to a registry elsewhere that answers before it has read them', async () => {
    const elsewhere = await opened.add(
      scripted({
        'PATCH /up': { status: 202, headers: { 'x-early': '', location: '/up' } },
        'PUT /up': { status: 201 },
      }),
    )
    fake.script[`POST ${UPLOADS}`] = { status: 202, headers: { location: `${elsewhere.origin}/up` } }
    await target.pushBlob(blob.descriptor, passing(blob.bytes))
    // What is read behind the answer is told of later.
    const came = (): Buffer => Buffer.concat(elsewhere.asked.map(({ body }) => body))
    for (let i = 0; i < 400 && came().length < blob.bytes.length; i++) await pause(5)
    assert.ok(came().equals(blob.bytes))
  })

  it('never sends the last bytes of a blob that is wrong, and takes its session back', async () => {
    const wrong = Buffer.from(blob.bytes)
    wrong.writeUInt8(wrong.readUInt8(7) ^ 1, 7)
    await refuses(target.pushBlob(blob.descriptor, passing(wrong)), 'DIGEST_MISMATCH', 'bundle')
    assert.equal(methods(), 'POST PATCH PATCH DELETE')
    assert.deepEqual([registry.stored.length, registry.sessions.size], [0, 0])
  })

  it('refuses a registry that names another digest for what it stored', async () => {
    registry.put = () => ({ status: 201, headers: { 'docker-content-digest': randomBlob(9).descriptor.digest } })
    await refuses(target.pushBlob(blob.descriptor, passing(blob.bytes)), 'READ_BACK_MISMATCH', 'target')
  })
})
