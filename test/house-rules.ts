/** The rules of the house, as functions over sources, so that each rule can be shown to bite. */
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'

/** Floors: an import goes strictly downward, so rooms of one floor don't know each other. */
export const FLOORS: Readonly<Record<string, number>> = {
  cli: 8,
  'index.ts': 7,
  transfer: 6,
  server: 6,
  bundle: 5,
  registry: 5,
  state: 5,
  tuf: 5,
  trust: 5,
  revocation: 5,
  content: 4,
  signature: 4,
  ca: 4,
  oci: 3,
  codec: 2,
  errors: 1,
}

/** The sub-folders of transfer, top to bottom: an import goes down this list. What lies beside them stands above all. */
export const TRANSFER: readonly string[] = [
  'watch',
  'status',
  'import',
  'export',
  'rejudge',
  'verdict',
  'measure',
  'passage',
  'collect',
  'revocation',
  'trust',
  'site',
  'sign',
  'ca',
  'place',
  'channel',
  'run',
]

/** What one room owns. A package's subpaths count as the package. */
export const MONOPOLIES: readonly (readonly [room: string, modules: readonly string[]])[] = [
  ['cli', ['yargs']],
  // Importing it runs the getter of stdin, which makes the pipe a bundle comes through non-blocking: a third slower.
  ['nobody', ['node:process']],
  ['registry', ['undici', 'node:net', 'node:http', 'node:https', 'node:http2', 'node:tls', 'node:dgram', 'node:dns']],
  // Credential helpers are programs.
  ['registry', ['node:child_process']],
  ['bundle', ['tar-stream']],
  ['state', ['level', 'abstract-level', 'classic-level']],
]

/** Files that may name one module of another room, and why. */
export const LOANS: Readonly<Record<string, { module: string; why: string }>> = {
  'signature/plugin-process.ts': {
    module: 'node:child_process',
    why: 'plugins of Notation, which hold the keys of signing devices, are programs',
  },
}

/** The one use of the process that such a file has: a program is ended by number, with all it has started. */
const KILL_OF_GROUP = /(?<![.\w$])process\.kill\(-/g

/** Rooms that touch no file. */
export const WITHOUT_FILES: readonly string[] = ['oci', 'codec', 'tuf', 'trust', 'revocation', 'errors']

/** Files outside `cli/` that read the clock otherwise than as the default of a caller's `now`, and why. */
export const CLOCKS: Readonly<Record<string, string>> = {
  'registry/request.ts': 'Retry-After may be a date, which counts from the time of the answer',
  'registry/token.ts': 'Retry-After, as above',
}

export const MAX_LINES = 400

const EMPTY_NAMES = /^(?:utils?|helpers?|common|types?|misc|shared|lib)$/
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/

/** A file below `src/`, its path with `/`. */
export interface SourceFile {
  path: string
  text: string
}

/** The text without comments; `strings` false also empties every string, template and regular expression. */
export function bare(text: string, strings: boolean): string {
  let out = ''
  let at = 0
  const quoted = (end: string): void => {
    const start = at++
    while (at < text.length && text[at] !== end) at += text[at] === '\\' ? 2 : 1
    at++
    out += strings ? text.slice(start, at) : `${end}${end}`
  }
  // Code, up to the brace that closes a template's `${`.
  const code = (inTemplate: boolean): void => {
    for (let depth = 0; at < text.length;) {
      const two = text.slice(at, at + 2)
      const c = text[at] ?? ''
      if (two === '//') at = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at)
      else if (two === '/*') at = text.indexOf('*/', at + 2) + 2
      else if (c === "'" || c === '"') quoted(c)
      else if (c === '`') template()
      else if (c === '/' && /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case))\s*$/.test(out.slice(-40))) regex()
      else {
        if (c === '{') depth++
        if (c === '}' && depth-- === 0 && inTemplate) return
        out += c
        at++
      }
    }
  }
  const regex = (): void => {
    const start = at++
    for (let inClass = false; at < text.length && (inClass || text[at] !== '/'); at++) {
      if (text[at] === '\\') at++
      else if (text[at] === '[') inClass = true
      else if (text[at] === ']') inClass = false
    }
    at++
    out += strings ? text.slice(start, at) : '/r/'
  }
  const template = (): void => {
    out += '`'
    at++
    while (at < text.length && text[at] !== '`') {
      if (text.startsWith('${', at)) {
        out += '${'
        at += 2
        code(true)
        out += '}'
        at++
      } else {
        const length = text[at] === '\\' ? 2 : 1
        if (strings) out += text.slice(at, at + length)
        at += length
      }
    }
    out += '`'
    at++
  }
  code(false)
  return out
}

const IMPORTS = [
  /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*(['"])([^'"]+)\1/g,
  /\bimport\s*(['"])([^'"]+)\1/g,
  /\bimport\s*\(\s*(['"])([^'"]+)\1/g,
  // The file of a worker, for which the extension may be computed.
  /(['"`])(\.\.?\/[^'"`\s]+?\.(?:ts|\$\{\w+\}))\1/g,
]

/** Every module that a source names: static, dynamic, as a type, re-exported, or as the file of a worker. */
export function importsOf({ text }: SourceFile): string[] {
  const code = bare(text, true)
  const found = IMPORTS.flatMap((pattern) => [...code.matchAll(pattern)].map(([, , name]) => name ?? ''))
  return [...new Set(found.map((name) => name.replace(/\.\$\{\w+\}$/, '.ts')))]
}

function roomOf(path: string): string {
  const [first = ''] = path.split('/')
  return first
}

function packageOf(name: string): string {
  const parts = name.split('/')
  return name.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
}

/** The sub-folder of transfer that a path lies in; undefined for what lies beside them. */
function folderOf(path: string): string | undefined {
  const [room, folder, ...rest] = path.split('/')
  return room === 'transfer' && rest.length > 0 ? folder : undefined
}

function folderFault(from: string, target: string, name: string): string | undefined {
  const [folder, other] = [folderOf(from), folderOf(target)]
  if (other !== undefined && !TRANSFER.includes(other)) return `transfer/${other} is in no table`
  if (folder === undefined || folder === other) return undefined
  const [here, there] = [TRANSFER.indexOf(folder), other === undefined ? -1 : TRANSFER.indexOf(other)]
  return there < here ? `${name} goes up from transfer/${folder}` : undefined
}

function arrowFault(from: string, name: string): string | undefined {
  const room = roomOf(from)
  const target = posix.join(posix.dirname(from), name)
  if (target.startsWith('..')) return `${name} leaves src/`
  if (!target.endsWith('.ts')) return `${name} has no extension .ts`
  const other = roomOf(target)
  if (target === `${room}/index.ts` && other === room) return `${name} is a circle through the room's own door`
  if (other === room) return room === 'transfer' ? folderFault(from, target, name) : undefined
  const [floor, below] = [FLOORS[room], FLOORS[other]]
  if (floor === undefined || below === undefined) return `${other} stands on no floor`
  if (below > floor) return `${name} goes up from ${room} (${floor}) to ${other} (${below})`
  if (below === floor) return `${name} goes sideways from ${room} to ${other}`
  if (target !== other && target !== `${other}/index.ts`) return `${name} is not the door of ${other}`
  return undefined
}

function moduleFault(path: string, room: string, name: string): string | undefined {
  if (!name.startsWith('node:') && isBuiltin(name)) return `${name} is written without node:`
  const module = name.startsWith('node:') ? name.split('/').slice(0, 1).join('') : packageOf(name)
  const owner = MONOPOLIES.find(([, modules]) => modules.includes(module))
  const lent = LOANS[path]?.module === module
  if (owner !== undefined && owner[0] !== room && !lent) return `${name} belongs to ${owner[0]} alone`
  if (module === 'node:fs' && WITHOUT_FILES.includes(room)) return `${name}: ${room} touches no file`
  return undefined
}

const TEXT_RULES: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['any', /(?<![.\w$])any(?![\w$(:])/],
  ['export default', /\bexport\s+default\b|\bas\s+default\b/],
  ['enum', /(?<![.\w$])enum\s+\w/],
  ['namespace', /(?<![.\w$])namespace\s+\w/],
  ['require', /(?<![.\w$])(?:require|createRequire)\s*\(/],
  ['an import of a computed name', /\bimport\s*\((?!\s*['"])/],
]

/** A caller's default, the one way in which a verb may ask for the time. */
const DEFAULT_NOW = /\bnow (?:\?\?|=) new Date\(\)/g
const CLOCK = /\bDate\.now\b|\bnew Date\(\s*\)|\bTemporal\.Now\b|(?<![.\w$])Date\(\s*\)/
const PROCESS = /(?<![.\w$'"-])process(?![\w$])|\bgetBuiltinModule\b/
const SOCKET = /(?<![.\w$])(?:WebSocket|EventSource|XMLHttpRequest)\b/

function textFaults(file: SourceFile, room: string): string[] {
  const code = bare(file.text, false)
  const faults = TEXT_RULES.filter(([, pattern]) => pattern.test(code)).map(([what]) => `${what} is not house style`)
  if (/@ts-(?:ignore|nocheck|expect-error)/.test(file.text)) faults.push('a check of the compiler is switched off')
  const own = LOANS[file.path] === undefined ? code : code.replace(KILL_OF_GROUP, '')
  if (room !== 'cli' && PROCESS.test(own)) faults.push('process belongs to cli alone')
  const defaults = room === 'transfer' ? code.replace(DEFAULT_NOW, '') : code
  if (room !== 'cli' && CLOCKS[file.path] === undefined && CLOCK.test(defaults)) faults.push('reads the clock')
  const ownFetch = /\b(?:const|function)\s+fetch\b/.test(code)
  if (room !== 'registry' && (SOCKET.test(code) || (!ownFetch && /(?<![.\w$])fetch\s*\(/.test(code))))
    faults.push('sockets belong to registry alone')
  return faults
}

function shapeFaults({ path, text }: SourceFile): string[] {
  const faults: string[] = []
  const lines = text.split('\n').length - 1
  if (lines > MAX_LINES) faults.push(`${lines} lines, at most ${MAX_LINES}`)
  for (const part of path.split('/')) {
    const stem = part.replace(/\.ts$/, '')
    if (EMPTY_NAMES.test(stem)) faults.push(`${stem} names no concept`)
    if (!KEBAB.test(stem)) faults.push(`${stem} is not kebab-case`)
  }
  return faults
}

/** What is wrong with a source, each as `path: what`. */
export function faultsOf(file: SourceFile): string[] {
  const room = roomOf(file.path)
  const faults = FLOORS[room] === undefined ? [`${room} stands on no floor`] : []
  const folder = folderOf(file.path)
  if (folder !== undefined && !TRANSFER.includes(folder)) faults.push(`transfer/${folder} is in no table`)
  for (const name of importsOf(file)) {
    const fault = name.startsWith('.') ? arrowFault(file.path, name) : moduleFault(file.path, room, name)
    if (fault !== undefined) faults.push(fault)
  }
  faults.push(...textFaults(file, room), ...shapeFaults(file))
  return faults.map((fault) => `${file.path}: ${fault}`)
}
