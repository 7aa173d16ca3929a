/**
 * Preloaded into a run of the program (`node --import killer.js …`): numbers every step that can leave a trace outside
 * the process, and ends the process with SIGKILL just before the step that it was told.
 *
 * A step is a change of a file below the watched folders, or a moment of an HTTP request: made, sent, answered.
 * What LevelDB does natively is not seen here; the strace campaign sees that.
 */
import { subscribe } from 'node:diagnostics_channel'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import { resolve } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'

interface Orders {
  folders: string[]
  /** Every step goes here, one a line: number, kind, subject. */
  log: string
  /** 0: let it live. */
  at: number
  /** A write that is the last step is cut in half instead of left out. */
  tear: boolean
}

type Call = (this: unknown, ...args: unknown[]) => unknown
type Table = Record<string, Call>

const orders = JSON.parse(process.env['SALLYPORT_KILL'] ?? '') as Orders
// One count for all threads.
const COUNT = 'sallyport-kill'
const shared = (getEnvironmentData(COUNT) as SharedArrayBuffer | undefined) ?? new SharedArrayBuffer(4)
setEnvironmentData(COUNT, shared)
const count = new Int32Array(shared)
const { readlinkSync, writeSync } = fs
const log = fs.openSync(orders.log, 'a')

/** Counts a step; does not come back from the one that is the last. `torn` does half of it. */
function step(kind: string, subject: string, torn?: () => void): void {
  const n = Atomics.add(count, 0, 1) + 1
  writeSync(log, `${n} ${kind} ${subject}\n`)
  if (n !== orders.at) return
  if (orders.tear) torn?.()
  process.kill(process.pid, 'SIGKILL')
}

/** The path when it is watched. Descriptors are looked up, since they come from anywhere. */
function watched(target: unknown): string | undefined {
  let path: string
  try {
    path = typeof target === 'number' ? readlinkSync(`/proc/self/fd/${target}`) : resolve(String(target))
  } catch {
    return undefined
  }
  return orders.folders.some((folder) => path === folder || path.startsWith(`${folder}/`)) ? path : undefined
}

function tear(fd: number, [data, offset, length, position]: unknown[]): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : (data as Uint8Array)
  const from = typeof offset === 'number' ? offset : 0
  const whole = typeof length === 'number' ? length : bytes.length - from
  writeSync(fd, bytes, from, whole >> 1, typeof position === 'number' ? position : null)
}

type Before = (args: unknown[]) => void

function wrap(table: Table, name: string, before: Before): void {
  const real = table[name]
  if (real === undefined) throw new Error(`node:fs has no ${name}`)
  const wrapped: Call = function (...args) {
    before(args)
    return real.apply(this, args)
  }
  const custom = (real as unknown as Record<symbol, unknown>)[promisify.custom]
  // promisify gives callbacks of two results as one object, by a mark that only node's own functions carry.
  const promised = (custom ?? promisify(real as never)) as Call
  Object.defineProperty(wrapped, promisify.custom, {
    value(this: unknown, ...args: unknown[]) {
      before(args)
      return promised.apply(this, args)
    },
  })
  table[name] = wrapped
}

const callbacks = fs as unknown as Table
const promises = fs.promises as unknown as Table

for (const name of ['write', 'writev', 'fsync', 'fdatasync', 'ftruncate', 'fchmod']) {
  const before: Before = ([fd, ...rest]) => {
    const path = watched(fd)
    if (path !== undefined) step(name, path, name === 'write' ? () => tear(fd as number, rest) : undefined)
  }
  wrap(callbacks, name, before)
  wrap(callbacks, `${name}Sync`, before)
}
for (const name of ['rename', 'link', 'unlink', 'rm', 'rmdir', 'mkdir', 'truncate', 'chmod', 'writeFile', 'copyFile']) {
  const before: Before = ([path]) => {
    const at = watched(path)
    if (at !== undefined) step(name, at)
  }
  wrap(callbacks, name, before)
  wrap(callbacks, `${name}Sync`, before)
  wrap(promises, name, before)
}
const opening: Before = ([path, flags]) => {
  const creates = typeof flags === 'number' ? (flags & (fs.constants.O_CREAT | fs.constants.O_TRUNC)) !== 0 : /[wa]/
  if (typeof creates === 'boolean' ? !creates : !creates.test(String(flags ?? 'r'))) return
  const at = watched(path)
  if (at !== undefined) step('create', at)
}
wrap(callbacks, 'open', opening)
wrap(callbacks, 'openSync', opening)
wrap(promises, 'open', opening)

const handle = await fs.promises.open('/dev/null', 'r')
const methods = Object.getPrototypeOf(handle) as Table
await handle.close()
const HANDLE = {
  write: 'write',
  writev: 'writev',
  writeFile: 'write',
  sync: 'fsync',
  datasync: 'fdatasync',
  truncate: 'ftruncate',
}
for (const [name, kind] of Object.entries(HANDLE)) {
  const real = methods[name]
  if (real === undefined) throw new Error(`a FileHandle has no ${name}`)
  methods[name] = function (...args) {
    const { fd } = this as fs.promises.FileHandle
    const path = watched(fd)
    if (path !== undefined) step(kind, path, kind === 'write' ? () => tear(fd, args) : undefined)
    return real.apply(this, args)
  }
}

/** The request that a socket of ours has under way. */
interface UnderWay {
  asked?: string | undefined
}

/** A request is a step before its head leaves, when its body has, and when it is answered. */
function watchSocket(socket: net.Socket, way: UnderWay): net.Socket {
  let left = 0
  const write = socket.write.bind(socket) as Call
  socket.write = ((...args: unknown[]) => {
    const [chunk] = args
    const text = typeof chunk === 'string' ? chunk : ''
    const head = /^([A-Z]+ \S+) HTTP\/1\.1\r\n/.exec(text)
    if (head?.[1] !== undefined) {
      way.asked = head[1]
      left = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0)
      step('http-request', way.asked)
      return write(...args)
    }
    left -= typeof chunk === 'string' ? Buffer.byteLength(chunk) : (chunk as Uint8Array).length
    const about = way.asked
    if (left > 0 || about === undefined) return write(...args)
    const done = args.at(-1)
    const given = typeof done === 'function' ? args.slice(0, -1) : args
    return write(...given, (...results: unknown[]) => {
      step('http-sent', about)
      if (typeof done === 'function') (done as Call)(...results)
    })
  }) as typeof socket.write
  return socket
}

// Those of undici tell it themselves; ours read into a buffer of their own.
const network = net as unknown as Table
const { connect } = network
network['connect'] = function (...args) {
  const [{ onread }] = args as [{ onread?: { callback: Call } }]
  if (onread === undefined) return connect?.apply(this, args)
  const way: UnderWay = {}
  const { callback } = onread
  onread.callback = function (...read) {
    if (way.asked !== undefined) step('http-answer', way.asked)
    way.asked = undefined
    return callback.apply(this, read)
  }
  return watchSocket(connect?.apply(this, args) as net.Socket, way)
}
syncBuiltinESMExports()

interface Published {
  request: { method: string; origin: string; path: string; body: unknown }
}

for (const [channel, kind] of [
  ['undici:request:create', 'http-request'],
  ['undici:request:bodySent', 'http-sent'],
  ['undici:request:headers', 'http-answer'],
] as const) {
  subscribe(channel, (message) => {
    const { method, path, body } = (message as Published).request
    if (kind !== 'http-sent' || body !== null) step(kind, `${method} ${path}`)
  })
}
