/** What a run does to files, call by call with all bytes, as strace tells it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const CALLS = [
  'open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir',
  'write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,fsync,fdatasync',
  'fallocate,copy_file_range,sendfile,symlink,symlinkat',
].join(',')

export interface FileCall {
  name: string
  /** Paths that it names, its descriptor's first. */
  paths: string[]
  /** For a write: the bytes that went; where, unless at the end. */
  bytes: Buffer
  at: number | undefined
  /** For a truncation. */
  size: number
  creates: boolean
  truncates: boolean
  /** Calls that had ended when this one began. */
  begun: number
}

/** Program and arguments that run a program and write its calls to a file; of calls that a machine does not have, none. */
export function recording(log: string): string[] {
  return [
    'strace',
    '-f',
    '--seccomp-bpf',
    '-qq',
    '-y',
    '-s',
    '16777216',
    '-o',
    log,
    '-e',
    `trace=${CALLS.replace(/\w+/g, '?$&')}`,
  ]
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', v: '\v', f: '\f', r: '\r' }

function unescaped(text: string): Buffer {
  const plain = text.replace(/\\([0-7]{1,3}|.)/gs, (_, code: string) =>
    /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
  )
  return Buffer.from(plain, 'latin1')
}

/** Strings of a call, where it ends, and what stands between them. */
function argumentsOf(text: string): { strings: Buffer[]; bare: string } {
  const strings: Buffer[] = []
  const bare = text.replace(/"((?:[^"\\]|\\.)*)"(\.\.\.)?/gs, (_, inner: string, cut: string | undefined) => {
    if (cut !== undefined) throw new Error('strace left bytes out')
    strings.push(unescaped(inner))
    return '""'
  })
  return { strings, bare }
}

function callOf(name: string, text: string, begun: number): FileCall | undefined {
  const { strings, bare } = argumentsOf(text)
  const end = /^(.*)\) += (-?\d+)/s.exec(bare)
  if (end === null || Number(end[2]) < 0) return undefined
  const args = end[1] ?? ''
  const descriptors = [...args.matchAll(/(?:\b\d+|AT_FDCWD)<([^>]*)>/g)].map(([, path]) => path ?? '')
  const writes = /write/.test(name)
  const done = Number(end[2])
  const named = writes ? [] : strings.map((path) => path.toString())
  // A name counts from its folder's descriptor; where that is none of the call's arguments, names are whole.
  const paths =
    named.length > 0
      ? named.map((path, i) => join(path.startsWith('/') ? '/' : (descriptors[i] ?? '/'), path))
      : descriptors
  const numbers = args.split(',').map(Number)
  return {
    name,
    paths,
    bytes: writes ? Buffer.concat(strings).subarray(0, done) : Buffer.alloc(0),
    at: name.startsWith('pwrite') ? numbers.at(name === 'pwritev2' ? -2 : -1) : undefined,
    size: name.endsWith('truncate') ? (numbers.at(-1) ?? 0) : 0,
    creates: name === 'creat' || args.includes('O_CREAT'),
    truncates: name === 'creat' || args.includes('O_TRUNC'),
    begun,
  }
}

/** The calls that succeeded, in the order in which they ended. */
export function readCalls(log: string): FileCall[] {
  const calls: FileCall[] = []
  const open = new Map<string, { name: string; text: string; begun: number }>()
  for (const line of readFileSync(log, 'latin1').split('\n')) {
    const resumed = /^(\d+) +<\.\.\. (\w+) resumed>(.*)$/s.exec(line)
    const fresh = /^(\d+) +(\w+)\((.*)$/s.exec(line)
    const thread = resumed?.[1] ?? fresh?.[1] ?? ''
    const begun = calls.length
    const begin = resumed === null ? undefined : open.get(thread)
    open.delete(thread)
    const unfinished = fresh === null ? null : /^(.*?)(?:,? )?<unfinished \.\.\.>$/s.exec(fresh[3] ?? '')
    if (unfinished !== null) {
      open.set(thread, { name: fresh?.[2] ?? '', text: unfinished[1] ?? '', begun })
      continue
    }
    const call =
      begin !== undefined
        ? callOf(begin.name, `${begin.text}${resumed?.[3] ?? ''}`, begin.begun)
        : fresh !== null
          ? callOf(fresh[2] ?? '', fresh[3] ?? '', begun)
          : undefined
    if (call !== undefined) calls.push(call)
  }
  return calls
}
